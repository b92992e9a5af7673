/** What needs somebody, each with what can be done about it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { UndeliveredItem } from "../../api/admin";
import { startJob } from "../../api/bulk";
import { type ApiError, make, request, segment } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { may } from "../../api/session";
import type { FailureGroup, RunSummary } from "../../api/types";
import { failingOf, standing } from "../../model/attention";
import { TYPED_FROM } from "../../model/bulk";
import type { Call } from "../../model/call";
import { duration } from "../../model/time";
import { link, navigate } from "../../shell/route";
import { Act, act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Icon, type IconName } from "../../ui/icon";
import { Failed } from "../../ui/states";
import { type Concern, deadLetters } from "./concerns";

const RESUME = "runs:resume";
const REQUEUE = "outbox:manage";

interface Props {
  paused: readonly RunSummary[];
  /** Whether more are paused than those. */
  morePaused: boolean;
  failing: readonly FailureGroup[];
  lagging: readonly ProjectionSummary[];
  letters: readonly UndeliveredItem[];
  others: readonly Concern[];
  /** Whether there are functions and nobody who serves them. */
  deserted: boolean;
  /** Whether something is not known yet, and what could not be found out. */
  loading: boolean;
  errors: readonly ApiError[];
  onDone: () => void;
}

export function Attention({ paused, morePaused, failing, lagging, letters, others, deserted, loading, errors, onDone }: Props) {
  const [resuming, setResuming] = useState<RunSummary | null>(null);
  const [many, setMany] = useState<{ run: RunSummary; ids: readonly string[] } | null>(null);
  const [delivering, setDelivering] = useState(false);
  const [dead] = deadLetters(letters);
  const found: ComponentChildren[] = [
    deserted && <Line key="workers" icon="workers" role="warn" to={link("/workers")} title="No worker is connected" note="runs wait until one comes" />,
    ...standing(paused).map(({ run, alike, ids }) => {
      const given = { key: run.id, icon: "pause", role: "warn", note: run.error?.message ?? run.pause_reason ?? "" } as const;
      if (alike === 1) {
        return (
          <Line {...given} to={link(`/runs/${run.id}`)} title={`${run.function_id} is paused`}>
            <Act allowed={may(RESUME)} permission={RESUME} label="Resume…" onClick={() => setResuming(run)} />
          </Line>
        );
      }
      const runs = link("/runs", { q: `status:paused function:${run.function_id}` });
      return (
        <Line {...given} to={runs} title={`${morePaused ? "at least " : ""}${alike} runs of ${run.function_id} are paused`}>
          <a class="button small" href={runs}>
            Its runs
          </a>
          <Act allowed={may(RESUME)} permission={RESUME} label={`Resume ${alike}…`} onClick={() => setMany({ run, ids })} />
        </Line>
      );
    }),
    ...failingOf(failing, paused, Date.now()).map((one) => (
      <Line key={one.fingerprint} icon="cross" role="fail" to={link("/failures", { failure: one.fingerprint })} title={one.title} note={one.note}>
        <a class="button small" href={link("/runs", { q: `failure:${one.fingerprint} status:failed,paused` })}>
          Its runs
        </a>
      </Line>
    )),
    dead && (
      <Line key="dead" {...dead}>
        <Act allowed={may(REQUEUE)} permission={REQUEUE} label="Deliver again…" onClick={() => setDelivering(true)} />
      </Line>
    ),
    ...others.map(({ id, remedy, ...one }) => (
      <Line key={id} {...one}>
        {remedy && "path" in remedy && <Act allowed={may(remedy.permission)} permission={remedy.permission} label={remedy.label} onClick={() => void act(request("POST", remedy.path, { body: {} }), remedy.done).then(onDone)} />}
        {remedy && "to" in remedy && (
          <a class="button small" href={remedy.to}>
            {remedy.label}
          </a>
        )}
      </Line>
    )),
    ...lagging.map((one) => (
      <Line
        key={one.name}
        icon={one.status === "error" ? "warning" : "hourglass"}
        role="warn"
        to={link(`/projections/${segment(one.name)}`)}
        title={`${one.name} is ${one.status === "error" ? "stopped" : "behind"}`}
        note={one.error_message ?? `by ${one.lag.toLocaleString("en")} positions, the oldest ${duration(one.lag_seconds * 1_000)} old`}
      >
        {one.status === "error" && (
          <a class="button small" href={link(`/projections/${segment(one.name)}`)}>
            Skip or retry
          </a>
        )}
      </Line>
    )),
  ].filter(Boolean);
  return (
    <section class="card section">
      <h2>Needs somebody</h2>
      {errors.map((error) => (
        <Failed key={error.where} error={error} onRetry={onDone} />
      ))}
      {found.length > 0 ? <ul>{found}</ul> : errors.length === 0 && <p class="muted">{loading ? "…" : "Nothing does."}</p>}
      {resuming && (
        <Ask
          title={`Resume ${resuming.function_id}`}
          verb="Resume"
          done="It goes on"
          reasoned
          run={(reason) => request("POST", `/runs/${segment(resuming.id)}/resume`, { body: { reason } })}
          onClose={() => setResuming(null)}
          onDone={onDone}
        >
          <p>{resuming.id} goes on where it stopped, with a fresh budget of attempts. Steps that completed are not run again.</p>
        </Ask>
      )}
      {many && (
        <Ask
          title={`Resume ${many.ids.length} runs of ${many.run.function_id}`}
          typed={many.ids.length > TYPED_FROM ? String(many.ids.length) : undefined}
          verb="Resume them"
          done="The server resumes them"
          reasoned
          run={(reason) => startJob({ verb: "resume", run_ids: many.ids, reason })}
          onClose={() => setMany(null)}
          onDone={(job) => navigate(link("/runs", { job: job.id }))}
        >
          <p>
            All that stand still alike: <span class="muted">{many.run.error?.message ?? many.run.pause_reason}</span>
          </p>
          <p>They go on where they stopped, with a fresh budget of attempts, as a job of the server: its page says how far it is, and stops it.{morePaused && " More are paused than are listed here."}</p>
        </Ask>
      )}
      {delivering && (
        <Ask title="Deliver dead letters again" typed={letters.length > TYPED_FROM ? String(letters.length) : undefined} verb="Deliver again" done="They are delivered once more" run={() => oneByOne(requeuing(letters))} calls={() => requeuing(letters)} onClose={() => setDelivering(false)} onDone={onDone}>
          <p>
            {letters.length === 1 ? "The message goes" : `${letters.length.toLocaleString("en")} messages go`} to the groups that could not take {letters.length === 1 ? "it" : "them"}, with a fresh count of deliveries.
          </p>
        </Ask>
      )}
    </section>
  );
}

/** One for each event, whichever groups could not take it. */
function requeuing(letters: readonly UndeliveredItem[]): Call[] {
  const events = new Set(letters.map((one) => one.event_id));
  return [...events].map((id) => ({ method: "POST", path: `/outbox/dead-letter/${segment(id)}/requeue`, body: "{}" }));
}

/** What was refused stops it, and is told. */
async function oneByOne(calls: readonly Call[]): Promise<void> {
  for (const call of calls) await make(call);
}

function Line({ icon, role, to, title, note, children }: { icon: IconName; role: string; to: string; title: string; note: string; children?: ComponentChildren }) {
  return (
    <li class="line">
      <Icon name={icon} class={role} />
      <span class="told grow" title={note}>
        <a href={to}>{title}</a> <span class="muted">{note}</span>
      </span>
      {children}
    </li>
  );
}
