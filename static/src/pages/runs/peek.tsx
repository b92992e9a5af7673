/** A run beside the list: what it is at, why it failed, what it was given and gave; without leaving the list. */
import { useRef } from "preact/hooks";
import { ApiError, exact, get } from "../../api/client";
import type { Run, RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { farOf, marksOf } from "../../model/marks";
import { at, print } from "../../model/json";
import { isEnded } from "../../model/status";
import { link } from "../../shell/route";
import { Duration, Id, Skeleton, Status, Time, short } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Facts, Side } from "../../ui/side";
import { Failed } from "../../ui/states";

/** Above this many characters a payload is looked at on the run's own page. */
const SHOWN_CHARS_MAX = 20_000;
const PACE_MS = 1_000;

/** `listed` is the run's row, where it is in the list; one that is not, or no longer, is fetched, and followed. */
export function Peek({ id, listed, onClose }: { id: string; listed: RunSummary | undefined; onClose: () => void }) {
  const alone = listed === undefined;
  const fetched = useResource(`peek ${id}`, (signal) => (alone ? get<Run>(`/runs/${id}`, {}, signal) : Promise.resolve(null)), {
    version: String(alone),
    ...(alone ? { pattern: `system.run.${id}.>`, pace: PACE_MS } : {}),
  });
  // Until a run that has left the list is fetched, it is as its row was.
  const before = useRef(listed);
  if (listed) before.current = listed;
  const run = listed ?? fetched.data ?? (fetched.error ? undefined : before.current);
  if (!run) {
    return (
      <Side title={short(id)} onClose={onClose}>
        {fetched.error ? <NotThere error={fetched.error} onRetry={fetched.reload} /> : <Skeleton rows={5} />}
      </Side>
    );
  }
  const far = farOf(run.progress, run.started_at !== null);
  return (
    <Side title={run.function_id} under={<Status status={run.status} note={run.attempt > 1 ? `attempt ${run.attempt} of ${run.max_attempts}` : ""} />} onClose={onClose}>
      {run.error && run.status !== "completed" && (
        <p class="problem peek-error">
          <Icon name="warning" class="fail" /> {run.error.message}
        </p>
      )}
      <Facts
        of={[
          ["Run", <Id id={run.id} />],
          ["Version", run.function_version],
          ["Began", <Time at={run.created_at} />],
          [isEnded(run.status) ? "Took" : "For", <Duration from={run.started_at} to={run.ended_at} />],
          far && ["Steps", far.said],
          run.pause_reason && ["Paused", run.pause_reason],
          run.due_at && ["Goes on", <Time at={run.due_at} />],
          ["Event", run.event_name],
          run.parent_run_id && ["By", <a href={link(`/runs/${run.parent_run_id}`)}>{short(run.parent_run_id)}</a>],
          run.forked_from && ["From", <a href={link(`/runs/${run.forked_from.run_id}`)}>{short(run.forked_from.run_id)}</a>],
          run.tags.length > 0 && ["Tags", run.tags.join(", ")],
        ]}
      />
      <ul class="peek-marks">
        {marksOf(run).map(({ id: mark, icon, role, label }) => (
          <li key={mark} class="small">
            <Icon name={icon} class={role} /> {label}
          </li>
        ))}
      </ul>
      <p class="buttons pad-x">
        <a class="button small" href={link(`/runs/${run.id}`)}>
          Open the run
        </a>
        <a class="button small" href={link("/functions", { function: run.function_id })}>
          Its function
        </a>
      </p>
      <Payloads run={run} />
    </Side>
  );
}

function NotThere({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  if (error.status !== 404) return <Failed error={error} onRetry={onRetry} />;
  return <p class="pad-x muted">There is no such run here.</p>;
}

function Payloads({ run }: { run: RunSummary }) {
  const whole = useResource(`payloads ${run.id}`, (signal) => exact(`/runs/${run.id}`, {}, signal), { version: run.updated_at });
  if (whole.error && !whole.data) return <Failed error={whole.error} onRetry={whole.reload} />;
  if (!whole.data) return <Skeleton rows={3} of={whole} />;
  return (
    <>
      {(["input", "output"] as const).map((name) => {
        const value = at(whole.data, name) ?? null;
        if (value === null) return null;
        const text = print(value);
        return (
          <section key={name} class="peek-payload">
            <h3>{name === "input" ? "Input" : "Output"}</h3>
            {text.length > SHOWN_CHARS_MAX ? <p class="muted small">It has {text.length.toLocaleString("en")} characters: open the run to see it.</p> : <JsonView value={value} label={name} />}
          </section>
        );
      })}
    </>
  );
}
