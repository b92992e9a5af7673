/** How this run differs from another one, step by step: what the other had, and what this one has instead. */
import type { ComponentChildren } from "preact";
import { exact, get, segment } from "../../api/client";
import type { Run, RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { type Json, Num, at, print } from "../../model/json";
import { look } from "../../model/status";
import { duration } from "../../model/time";
import { choose, chosen, link } from "../../shell/route";
import { Skeleton, Status, Time, short } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icon";
import { Empty, Failed } from "../../ui/states";
import type { Moment } from "./moment";

interface LastGood {
  run: RunSummary | null;
  same_version: boolean;
  similarity: number;
}

/** `other` is the id of a run, or its beginning; null for the last one that went well. */
export function Compared({ run, other, moment }: { run: Run; other: string | null; moment: Moment }) {
  const good = useResource(`good ${run.id} ${other}`, (signal) => (other === null ? get<LastGood>(`/runs/${run.id}/last-good`, {}, signal) : Promise.resolve(null)));
  if (good.error) return <Failed error={good.error} onRetry={good.reload} />;
  if (good.data === undefined) return <Skeleton rows={6} />;
  const found = good.data?.run;
  if (good.data !== null && !found) {
    return (
      <Empty icon="search" title="No run to compare with">
        <p class="muted">No run of {run.function_id} went well before this one.</p>
      </Empty>
    );
  }
  return <Steps run={run} other={found?.id ?? (other as string)} moment={moment} note={good.data && <Likeness of={good.data} run={run} />} />;
}

function Likeness({ of, run }: { of: LastGood; run: Run }) {
  const like = Math.round(of.similarity * 100);
  return (
    <span class="muted">
      its input is {like === 100 ? "the same" : `${like} % like this one's`}
      {!of.same_version && `, its code version ${of.run?.function_version} and not ${run.function_version}`}
    </span>
  );
}

function Steps({ run, other, moment, note }: { run: Run; other: string; moment: Moment; note: ComponentChildren }) {
  const all = chosen("same") === "shown";
  const position = moment.past ? moment.position : undefined;
  const told = useResource(`compared ${other} ${run.id} ${run.updated_at} ${position} ${all}`, (signal) =>
    exact(`/runs/${segment(other)}/compare/${run.id}`, { other_at: position, changed: all ? undefined : "true" }, signal),
  );
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={8} of={told} />;
  const steps = list(at(told.data, "steps"));
  const first = at(told.data, "first_divergence");
  const ofRun = list(at(told.data, "run"));
  const otherId = text(at(told.data, "a", "run_id"));
  return (
    <>
      <p class="changes-told">
        <a href={link(`/runs/${otherId}`)}>{short(otherId)}</a>
        <Status status={text(at(told.data, "a", "status"))} note={took(at(told.data, "a", "duration_ms"))} />
        <Time at={text(at(told.data, "a", "at"))} />
        {note}
        <span class="muted">→ this run</span>
        <Status status={text(at(told.data, "b", "status"))} note={took(at(told.data, "b", "duration_ms"))} />
        <span class="grow" />
        <label class="check">
          <input type="checkbox" checked={all} onChange={(event) => choose({ same: event.currentTarget.checked ? "shown" : null })} />
          Steps that are the same too
        </label>
      </p>
      {first === null && <Empty title="Nothing differs but how long it took" />}
      {ofRun.length > 0 && (
        <details class="state-part" open>
          <summary>
            <b>The run</b> <span class="muted">{counted(ofRun.length, "difference")}</span>
            {first === "" && <First />}
          </summary>
          <Differences of={ofRun} />
        </details>
      )}
      {steps.map((step) => (
        <StepCompared key={text(at(step, "path"))} step={step} first={at(step, "path") === first} />
      ))}
      {at(told.data, "next_steps_after") !== undefined && <p class="muted pad">There are more steps than are shown.</p>}
    </>
  );
}

const CHANGES: Record<string, { icon: IconName; role: string; text: string }> = {
  added: { icon: "diamond", role: "edit", text: "only in this run" },
  removed: { icon: "slash", role: "warn", text: "not in this run" },
  changed: { icon: "diamond", role: "edit", text: "differs" },
  same: { icon: "check", role: "idle", text: "the same" },
};

function StepCompared({ step, first }: { step: Json; first: boolean }) {
  const change = text(at(step, "change"));
  const { icon, role, text: said } = CHANGES[change] ?? CHANGES.changed;
  const differences = list(at(step, "changes"));
  const sides = [at(step, "before"), at(step, "after")];
  const statuses = sides.map((side) => (side instanceof Map ? look(text(at(side, "status"))).label.toLowerCase() : "–"));
  const times = sides.map((side) => (side instanceof Map ? took(at(side, "duration_ms")) : "–"));
  const summary = (
    <>
      <Icon name={icon} class={role} />
      <b class="cut">{text(at(step, "name"))}</b>
      <span class="muted">{said}</span>
      {first && <First />}
      <span class="grow" />
      <span class="small muted">{statuses[0] === statuses[1] ? statuses[0] : statuses.join(" → ")}</span>
      <span class="mono small tabular">{times.join(" → ")}</span>
    </>
  );
  if (change !== "changed" || differences.length === 0) return <div class="state-part compared-line">{summary}</div>;
  return (
    <details class="state-part" open={first}>
      <summary>{summary}</summary>
      <Differences of={differences} />
    </details>
  );
}

function First() {
  return <span class="chip tiny">first that differs</span>;
}

function Differences({ of }: { of: readonly Json[] }) {
  return (
    <div class="diff" tabIndex={0} role="region" aria-label="Differences">
      {of.map((one) => {
        const [before, after] = [at(one, "before"), at(one, "after")];
        return (
          <div key={text(at(one, "path"))} class="diff-of">
            <div class="muted">{text(at(one, "path")) || "/"}</div>
            {before !== undefined && <Side sign="−" role="diff-removed" value={before} />}
            {after !== undefined && <Side sign="+" role="diff-added" value={after} />}
          </div>
        );
      })}
    </div>
  );
}

function Side({ sign, role, value }: { sign: string; role: string; value: Json }) {
  return (
    <div class={role}>
      <span class="diff-sign">{sign}</span>
      <span>{print(value, 2)}</span>
    </div>
  );
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : value instanceof Num ? value.text : "";
}

function took(value: Json | undefined): string {
  return value instanceof Num ? duration(Number(value.text)) : "";
}
