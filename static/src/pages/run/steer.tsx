/** Dialogs that let a run go on, hold it, end it, or begin another one out of its history. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import type { Run, RunSummary } from "../../api/types";
import { boundaryOf, stopText } from "../../model/boundary";
import { quoted } from "../../model/quoted";
import { RESUME } from "../../model/rights";
import { tagsOf } from "../../model/tags";
import { link, navigate } from "../../shell/route";
import { act } from "../../ui/acting";
import { ActionDialog } from "./action_dialog";
import type { Subject } from "./actions";

type Props = Subject & { onClose: () => void };

export function Resume({ run, steps, onClose }: Props) {
  const [from, setFrom] = useState("");
  const body: Record<string, string> = from ? { from_step: JSON.stringify(from) } : {};
  return (
    <ActionDialog
      title={`Resume ${run.function_id}`}
      run={run}
      doings={[
        {
          label: "Resume",
          path: `/runs/${run.id}/resume`,
          body,
          cli: `ironflow run resume ${run.id}${from ? ` --from-step ${quoted(from)}` : ""}`,
          done: "Resumed",
        },
      ]}
      plan={{ action: '"resume"', ...body }}
      reasoned={false}
      onClose={onClose}
    >
      <FromStep label="From" steps={steps} none="where it stopped: all results are kept" after=", and all after it again" value={from} onValue={setFrom} />
    </ActionDialog>
  );
}

function FromStep({ label, steps, none, after, value, onValue }: { label: string; steps: Subject["steps"]; none: string; after: string; value: string; onValue: (id: string) => void }) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">{none}</option>
        {steps.map((step) => (
          <option key={step.id} value={step.id}>
            {step.label + after}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Takes the last patch or injection of a step back. */
export function Undo({ run, chosen, onClose }: Props) {
  const step = chosen as NonNullable<Subject["chosen"]>;
  const path = `/runs/${run.id}/steps/${encodeURIComponent(step.id)}/undo`;
  const cli = `ironflow run undo ${run.id} ${quoted(step.id)}`;
  return (
    <ActionDialog
      title={`Undo the edit of ${step.label}`}
      run={run}
      doings={[
        { label: "Undo", path, body: {}, cli, done: "Undone" },
        { label: "Undo & resume", path, body: { resume: "true" }, cli: `${cli} --resume`, done: "Undone, and resumed", needs: [RESUME] },
      ]}
      plan={{ action: '"undo"', step: JSON.stringify(step.id) }}
      reasoned
      onClose={onClose}
    >
      <p class="muted">The step has again what it had before its last edit. History keeps both.</p>
    </ActionDialog>
  );
}

/** A step that is under way is recorded first; nothing is lost. It can be taken back as long as nobody else did. */
export function pause({ run, steps }: Subject): Promise<boolean> {
  const { id, function_id: name } = run;
  const path = `/runs/${id}/pause`;
  const ended = new Set(steps.map((step) => step.id.slice(id.length + 1)));
  const stop = run.status === "running" ? lastGood(id).then((known) => boundaryOf(ended, known), noGuess) : null;
  const asked = Promise.all([stop, request<Run>("POST", path, { body: {} })]);
  return act(asked, ([where]) => `${name} pauses${where ? stopText(where) : ""}`, {
    run: () => request("POST", `/runs/${id}/resume`, { body: {} }),
    done: `${name} goes on`,
    explain: (reason) => request("POST", path, { body: { reason } }),
  });
}

/** It is paused all the same. */
function noGuess(): null {
  return null;
}

/** The steps of the last run of its function that went well, in order; none where there is no such run. */
async function lastGood(runId: string): Promise<{ path: string; name: string }[]> {
  const { run } = await get<{ run: RunSummary | null }>(`/runs/${runId}/last-good`);
  if (!run) return [];
  const { steps } = await get<{ steps: { step_id: string; name: string }[] }>(`/runs/${run.id}/steps`);
  return steps.map((step) => ({ path: step.step_id.slice(run.id.length + 1), name: step.name }));
}

export function Tag({ run, onClose }: { run: Run; onClose: () => void }) {
  const [text, setText] = useState("");
  const { add, remove } = tagsOf(text);
  const cli = ["ironflow run tag", run.id, ...add.map(quoted), ...remove.map((tag) => `--remove ${quoted(tag)}`)].join(" ");
  return (
    <ActionDialog
      title={`Tag ${run.function_id}`}
      run={run}
      doings={[{ label: "Tag", path: `/runs/${run.id}/tags`, body: { add: JSON.stringify(add), remove: JSON.stringify(remove) }, cli, done: "Tagged" }]}
      plan={null}
      reasoned={false}
      onClose={onClose}
    >
      <label class="field">
        Tags, with commas between; one with a minus is taken away
        <input value={text} placeholder="looked-at, -new" autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
      </label>
    </ActionDialog>
  );
}

export function Cancel({ run, onClose }: Props) {
  const [compensate, setCompensate] = useState(true);
  return (
    <ActionDialog
      title={`Cancel ${run.function_id}`}
      run={run}
      doings={[
        {
          label: "Cancel the run",
          path: `/runs/${run.id}/cancel`,
          body: { compensate: String(compensate) },
          cli: `ironflow run cancel ${run.id}${compensate ? " --compensate" : ""}`,
          done: "Cancelled",
          danger: true,
        },
      ]}
      plan={null}
      reasoned
      onClose={onClose}
    >
      <p class="muted">
        <span class="mono">{run.id}</span> ends for good, and the children it waits for with it. What it did so far stays in history.
      </p>
      <label class="check">
        <input type="checkbox" checked={compensate} onChange={(event) => setCompensate(event.currentTarget.checked)} />
        First undo what it did, by its compensations
      </label>
    </ActionDialog>
  );
}

export function Fork({ run, moment, steps, onClose }: Props) {
  const [from, setFrom] = useState("");
  const body: Record<string, string> = {};
  if (from) body.from_step = JSON.stringify(from);
  else if (moment.past) body.position = String(moment.position);
  const cli = `ironflow run fork ${run.id}${from ? ` --from-step ${quoted(from)}` : moment.past ? ` --at ${moment.position}` : ""}`;
  return (
    <ActionDialog
      title={`Fork ${run.function_id}`}
      run={run}
      doings={[{ label: "Fork", path: `/runs/${run.id}/fork`, body, cli, done: "Forked: this is the new run" }]}
      plan={{ action: '"fork"', ...body }}
      reasoned
      onClose={onClose}
      onDone={opened}
    >
      <p class="muted">
        A new run, which begins with the results of this one{" "}
        {from ? "before the step" : moment.past ? `up to position ${moment.position}, the moment that is shown` : "as they are"}. This one is only read.
      </p>
      <FromStep label="Runs" steps={steps} none={moment.past ? "what came after this moment" : "what is not recorded yet"} after=", and all after it" value={from} onValue={setFrom} />
    </ActionDialog>
  );
}

export function Replay({ run, onClose }: Props) {
  return (
    <ActionDialog
      title={`Replay ${run.function_id}`}
      run={run}
      doings={[{ label: "Replay", path: `/runs/${run.id}/replay`, body: {}, cli: `ironflow run replay ${run.id}`, done: "Replayed: this is the new run" }]}
      plan={{ action: '"replay"' }}
      reasoned
      onClose={onClose}
      onDone={opened}
    >
      <p class="muted">A new run with the same input, by the function as it is now. It shares nothing else with this one, and may repeat its effects.</p>
    </ActionDialog>
  );
}

export function opened(run: Run): void {
  navigate(link(`/runs/${run.id}`));
}
