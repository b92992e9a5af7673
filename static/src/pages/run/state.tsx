/** What a run was at a moment: what it had, what it waited for, what it had noted; and which record made each so. */
import type { ComponentChildren } from "preact";
import { stateAt } from "../../api/timeline";
import { useResource } from "../../live/resource";
import { type Json, Num, at } from "../../model/json";
import type { Rec } from "../../model/records";
import { look } from "../../model/status";
import { link } from "../../shell/route";
import { Skeleton, Status, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";
import { ErrorShown } from "./inspector";
import { type Moment, goToPosition } from "./moment";

interface Props {
  runId: string;
  records: readonly Rec[];
  moment: Moment;
}

export default function StateShown({ runId, records, moment }: Props) {
  const position = records[moment.index].position;
  const state = useResource(`state ${runId} ${position}`, (signal) => stateAt(runId, position, signal));
  if (state.error) return <Failed error={state.error} onRetry={state.reload} />;
  if (!state.data) return <Skeleton rows={8} of={state} />;
  const told = state.data;
  const steps = list(at(told, "steps"));
  const waits = list(at(told, "waits"));
  const children = list(at(told, "children"));
  const notes = at(told, "notes");
  const output = at(told, "output");
  const total = text(at(told, "steps_total"));
  return (
    <div class="state" tabIndex={0} role="region" aria-label="State">
      <div class="state-head">
        <Status status={text(at(told, "status"))} />
        <span class="muted">
          attempt {text(at(told, "attempt"))}, {total} {total === "1" ? "step" : "steps"}
        </span>
      </div>
      <Part title="Input" open={steps.length === 0}>
        <JsonView value={at(told, "input") ?? null} label="input" />
      </Part>
      {waits.length > 0 && (
        <Part title="Waits for" open>
          <ul class="state-list">
            {waits.map((wait) => (
              <li key={text(at(wait, "step_id"))}>
                <Icon name="hourglass" class="wait" /> <b>{text(at(wait, "name"))}</b>{" "}
                <code>{text(at(wait, "event")) || text(at(wait, "function_id")) || "a time"}</code>
                {at(wait, "until") !== undefined && (
                  <>
                    {" "}
                    {text(at(wait, "event")) || text(at(wait, "function_id")) ? "gives up" : "goes on"} <Time at={text(at(wait, "until"))} />
                  </>
                )}{" "}
                <SetBy value={wait} records={records} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      {steps.map((step) => (
        <Step key={text(at(step, "step_id"))} step={step} records={records} newest={text(at(step, "position")) === String(position)} />
      ))}
      {Number(total) > steps.length && <p class="muted pad">The first {steps.length} steps are shown.</p>}
      {notes instanceof Map && notes.size > 0 && (
        <Part title="Notes" open>
          {[...notes].map(([name, note]) => (
            <div key={name} class="state-note">
              <b>{name}</b> <SetBy value={note} records={records} />
              <JsonView value={at(note, "value") ?? null} label={name} />
            </div>
          ))}
        </Part>
      )}
      {children.length > 0 && (
        <Part title="Runs it started" open>
          <ul class="state-list">
            {children.map((child) => (
              <li key={text(at(child, "run_id"))}>
                <Status status={text(at(child, "status"))} /> <a href={link(`/runs/${text(at(child, "run_id"))}`)}>{text(at(child, "function_id"))}</a>
              </li>
            ))}
          </ul>
        </Part>
      )}
      {output !== null && output !== undefined && (
        <Part title="Output" open>
          <JsonView value={output} label="output" />
        </Part>
      )}
      {at(told, "error") instanceof Map && (
        <Part title="Error" open>
          <ErrorShown error={at(told, "error")} />
        </Part>
      )}
    </div>
  );
}

function Step({ step, records, newest }: { step: Json; records: readonly Rec[]; newest: boolean }) {
  const status = text(at(step, "status"));
  const { icon, role, label } = look(status);
  const error = at(step, "error");
  return (
    <div class="state-row">
      <SetBy value={step} records={records} />
      <details class={`state-step ${newest ? "newest" : ""}`} open={newest}>
        <summary>
          <Icon name={icon} class={role} />
          <b>{text(at(step, "name"))}</b>
          <span class="muted">{label.toLowerCase()}</span>
          {newest && <span class="chip tiny">changed here</span>}
        </summary>
        {error instanceof Map ? <ErrorShown error={error} /> : <JsonView value={at(step, "output") ?? null} label={`output of ${text(at(step, "name"))}`} />}
      </details>
    </div>
  );
}

/** Which record made it so: a click goes there. */
function SetBy({ value, records }: { value: Json; records: readonly Rec[] }) {
  const position = Number(text(at(value, "position")));
  if (!position || position < records[0].position) return null;
  return (
    <button
      type="button"
      class="link small mono set-by"
      title="Why is it so? Go to the record that made it"
      onClick={(event) => {
        event.preventDefault();
        goToPosition(records, position);
      }}
    >
      set by {position}
    </button>
  );
}

function Part({ title, open, children }: { title: string; open: boolean; children: ComponentChildren }) {
  return (
    <details class="state-part" open={open}>
      <summary>
        <b>{title}</b>
      </summary>
      {children}
    </details>
  );
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  if (value instanceof Num) return value.text;
  return typeof value === "string" ? value : "";
}
