/** What a run was at a moment: what it had, what it waited for, what it had noted; and which record made each so. */
import type { ComponentChildren } from "preact";
import { stateAt } from "../../api/timeline";
import { useResource } from "../../live/resource";
import { type Json, Num, at } from "../../model/json";
import { look } from "../../model/status";
import { lastWriter, saidOf, writersOf } from "../../model/why";
import { link } from "../../shell/route";
import { Skeleton, Status, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";
import { ErrorShown } from "./inspector";
import { type Moment, goToPosition } from "./moment";
import type { Records } from "./store";

interface Props {
  runId: string;
  of: Records;
  moment: Moment;
}

export default function StateShown({ runId, of, moment }: Props) {
  const { all: records, gaps, seek } = of;
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
  const said = told instanceof Map ? saidOf(told) : new Map<string, Json>();
  const goTo = (to: number): void => goToPosition(records, to);
  const writer = (field: string): number => lastWriter(records, gaps, moment.index, field);
  const because = async (field: string): Promise<void> => {
    const found = writer(field) || (await seek(moment.index, -1, writersOf(field)));
    if (found) goTo(found);
  };
  const why = (field: string) => <SetBy position={writer(field)} onGo={() => void because(field)} sought />;
  const setBy = (value: Json | undefined): number => Number(text(at(value, "position")));
  return (
    <div class="state" tabIndex={0} role="region" aria-label="State">
      <div class="state-head">
        <Status status={text(at(told, "status"))} />
        <span class="muted">
          attempt {text(at(told, "attempt"))}, {total} {total === "1" ? "step" : "steps"}
        </span>
      </div>
      <Part title="The run">
        <JsonView value={said} label="the run" why={([field]) => void because(String(field))} />
      </Part>
      <Part title="Input" open={steps.length === 0} by={why("input")}>
        <JsonView value={at(told, "input") ?? null} label="input" why={() => void because("input")} />
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
                <SetBy position={setBy(wait)} onGo={goTo} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      {steps.map((step) => (
        <Step key={text(at(step, "step_id"))} step={step} position={setBy(step)} onGo={goTo} newest={text(at(step, "position")) === String(position)} />
      ))}
      {Number(total) > steps.length && <p class="muted pad">The first {steps.length} steps are shown.</p>}
      {notes instanceof Map && notes.size > 0 && (
        <Part title="Notes" open>
          {[...notes].map(([name, note]) => (
            <div key={name} class="state-note">
              <b>{name}</b> <SetBy position={setBy(note)} onGo={goTo} />
              <JsonView value={at(note, "value") ?? null} label={name} why={() => goTo(setBy(note))} />
            </div>
          ))}
        </Part>
      )}
      {children.length > 0 && (
        <Part title="Runs it started" open>
          <ul class="state-list">
            {children.map((child) => (
              <li key={text(at(child, "run_id"))}>
                <Status status={text(at(child, "status"))} /> <a href={link(`/runs/${text(at(child, "run_id"))}`)}>{text(at(child, "function_id"))}</a>{" "}
                <SetBy position={setBy(steps.find((step) => text(at(step, "step_id")) === text(at(child, "step_id"))))} onGo={goTo} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      {output !== null && output !== undefined && (
        <Part title="Output" open by={why("output")}>
          <JsonView value={output} label="output" why={() => void because("output")} />
        </Part>
      )}
      {at(told, "error") instanceof Map && (
        <Part title="Error" open by={why("error")}>
          <ErrorShown error={at(told, "error")} />
        </Part>
      )}
    </div>
  );
}

function Step({ step, position, newest, onGo }: { step: Json; position: number; newest: boolean; onGo: (position: number) => void }) {
  const status = text(at(step, "status"));
  const { icon, role, label } = look(status);
  const error = at(step, "error");
  return (
    <div class="state-row">
      <SetBy position={position} onGo={onGo} />
      <details class={`state-step ${newest ? "newest" : ""}`} open={newest}>
        <summary>
          <Icon name={icon} class={role} />
          <b>{text(at(step, "name"))}</b>
          <span class="muted">{label.toLowerCase()}</span>
          {newest && <span class="chip tiny">changed here</span>}
        </summary>
        {error instanceof Map ? <ErrorShown error={error} /> : <JsonView value={at(step, "output") ?? null} label={`output of ${text(at(step, "name"))}`} why={() => onGo(position)} />}
      </details>
    </div>
  );
}

/** Which record made it so: a click goes there. Where that is not known, position is 0: nothing is shown, unless it can be
 * `sought`. */
function SetBy({ position, onGo, sought = false }: { position: number; onGo: (position: number) => void; sought?: boolean }) {
  if (!position && !sought) return null;
  return (
    <button
      type="button"
      class="link small mono set-by"
      title="Why is it so? Go to the record that made it"
      onClick={(event) => {
        event.preventDefault();
        onGo(position);
      }}
    >
      {position ? `set by ${position}` : "why?"}
    </button>
  );
}

function Part({ title, open = false, by, children }: { title: string; open?: boolean; by?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="state-row">
      {by}
      <details class="state-part" open={open}>
        <summary>
          <b>{title}</b>
        </summary>
        {children}
      </details>
    </div>
  );
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  if (value instanceof Num) return value.text;
  return typeof value === "string" ? value : "";
}
