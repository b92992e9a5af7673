/** Giving a step another output: what it was, what it shall be, what differs, and what comes of it. In a run that stands
 * still it is patched, or injected while it is paused; of one that has ended well a fork gets it. */
import { useEffect, useState } from "preact/hooks";
import { exact } from "../../api/client";
import { useResource } from "../../live/resource";
import { may } from "../../api/session";
import { quoted } from "../../model/quoted";
import { type Json, at as member, equal, print, readable } from "../../model/json";
import { FORK, RESUME, editVerb } from "../../model/rights";
import { Problem } from "../../ui/acting";
import { Skeleton, short } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { JsonEditor } from "../../ui/json_editor";
import { ActionDialog, type Doing } from "./action_dialog";
import type { Subject } from "./actions";
import { KindsTold, useExample, usePrecedents } from "./example";
import { opened } from "./steer";

export function Edit({ run, moment, chosen, onClose }: Subject & { onClose: () => void }) {
  const step = chosen as NonNullable<Subject["chosen"]>;
  const before = useResource(`edit ${step.position}`, (signal) => (step.position ? exact(`/history/${step.position}`, {}, signal) : Promise.resolve(null)));
  const old = member(before.data ?? undefined, "data", "output") ?? null;
  const [text, setText] = useState<string | null>(null);
  const [again, setAgain] = useState(true);
  const [taken, setTaken] = useState(0);
  const example = useExample(run, step.id);
  const precedents = usePrecedents(run, step.id);
  const take = (output: Json): void => {
    setText(print(output, 2));
    setTaken(taken + 1);
  };
  useEffect(() => {
    if (before.data !== undefined && text === null) setText(print(old, 2));
  }, [before.data]);
  if (text === null) {
    return (
      <ActionDialog title={`Edit ${step.label}`} run={run} doings={[NOTHING]} plan={null} reasoned wrong="its output is being fetched" onClose={onClose}>
        <Skeleton rows={5} />
      </ActionDialog>
    );
  }
  const read = readable(text);
  const unchanged = typeof read !== "string" && step.position !== 0 && equal(read.value, old);
  const wrong = typeof read === "string" ? read : unchanged ? "nothing is changed yet" : "";
  const output = typeof read === "string" ? "null" : print(read.value);
  const path = `/runs/${run.id}/steps/${encodeURIComponent(step.id)}`;
  const at: Record<string, string> = moment.past ? { position: String(moment.position) } : {};
  const from: Record<string, string> = again ? { from_step: JSON.stringify(step.id) } : {};
  const fromFlag = again ? ` --from-step ${quoted(step.id)}` : "";
  const fork: Doing = {
    label: "Try on a fork",
    path: `/runs/${run.id}/fork`,
    body: { patches: `{${JSON.stringify(step.id)}:${output}}`, ...at, ...from },
    cli: `ironflow run fork ${run.id}${moment.past ? ` --at ${moment.position}` : ""} --patch ${quoted(`${step.id}=${output}`)}${fromFlag}`,
    done: "Forked: this is the new run",
    needs: [FORK],
  };
  // What is changed in place is the run as it is now: the past is changed on a fork.
  const verb = moment.past ? null : editVerb(run.status, may);
  const right = `runs:${verb}`;
  const cli = `ironflow run ${verb} ${run.id} ${quoted(step.id)} -d ${quoted(output)}`;
  // An injection stands at its place; only a patch can begin again from a step.
  const change = (resume: boolean): Record<string, string> => ({ output, ...(resume ? { resume: "true", ...(verb === "patch" ? from : {}) } : {}) });
  const doings: Doing[] = verb
    ? [
        { label: "Save & resume", path: `${path}/${verb}`, body: change(true), cli: `${cli} --resume`, done: "Patched, and resumed", needs: [right, RESUME] },
        { label: "Save", path: `${path}/${verb}`, body: change(false), cli, done: "Patched", needs: [right] },
        fork,
      ]
    : [fork];
  const saved = verb !== null && (may(right) || !may(FORK));
  const planned: Record<string, string> = saved
    ? { action: JSON.stringify(verb), step: JSON.stringify(step.id), output, ...(verb === "patch" ? from : {}) }
    : { action: '"fork"', patches: `{${JSON.stringify(step.id)}:${output}}`, ...at, ...from };
  return (
    <ActionDialog
      title={moment.past ? `Patch the output of ${step.label}, as it was then` : `Edit the output of ${step.label}`}
      run={run}
      doings={doings}
      plan={planned}
      reasoned
      wrong={wrong}
      wide
      onClose={onClose}
      onDone={(answer) => (answer.id && answer.id !== run.id ? opened(answer) : undefined)}
    >
      <p class="muted">
        {moment.past
          ? "This run stays as it is, and its history too. A fork begins with what was recorded up to this moment, and goes on with your output."
          : verb
          ? "History keeps what the step gave; from here on the run has yours. It can be undone."
          : "This run has ended, and stays as it is. A fork shares its history and goes on with your output."}{" "}
        {example && (
          <button type="button" class="link" title={`In ${example.runId}`} onClick={() => take(example.output)}>
            Put in what it gave in {short(example.runId)}, which went well
          </button>
        )}
      </p>
      <div class="edit-grid">
        <JsonEditor key={taken} label="Output" rows={12} value={text} wrong={typeof read === "string"} focused onValue={setText} />
        <div class="field">
          What changes
          {typeof read === "string" ? (
            <Problem text={read} />
          ) : (
            <>
              <DiffView before={old} after={read.value} label="What changes" />
              <KindsTold precedents={precedents} before={example?.output ?? old} after={read.value} />
            </>
          )}
        </div>
      </div>
      {verb !== "inject" && (
        <label class="check">
          <input type="checkbox" checked={again} onChange={(event) => setAgain(event.currentTarget.checked)} />
          Run what came after it again
        </label>
      )}
    </ActionDialog>
  );
}

const NOTHING: Doing = { label: "Save", path: "", body: {}, cli: "", done: "" };
