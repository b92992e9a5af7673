/** What can be done to a run. Each action says why it cannot be done now, and its dialog what it will do; a further one
 * is a further line of the table. */
import type { ComponentChildren, FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { ApiError, curl, post, quoted } from "../../api/client";
import type { Run } from "../../api/types";
import { isEnded, look } from "../../model/status";
import { useKeys } from "../../shell/keys";
import { environment } from "../../shell/route";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { copy, toast } from "../../ui/toast";
import type { Moment } from "./moment";

export interface Subject {
  run: Run;
  moment: Moment;
  /** Names of the steps that ended, in order, by their ids. */
  steps: readonly { id: string; label: string }[];
  /** The step that is chosen; "" for the run. */
  chosen: string;
}

export interface Action {
  id: string;
  label: string;
  key: string;
  danger?: boolean;
  /** Why it cannot be done; "" if it can. */
  barred: (subject: Subject) => string;
  Dialog: FunctionComponent<Subject & { onClose: () => void }>;
}

export const ACTIONS: readonly Action[] = [
  {
    id: "resume",
    label: "Resume…",
    key: "U",
    barred: ({ run }) => (run.status === "failed" || run.status === "paused" ? "" : `only failed and paused runs can be resumed: this one is ${said(run)}`),
    Dialog: Resume,
  },
  {
    id: "pause",
    label: "Pause…",
    key: "H",
    barred: ({ run }) => (isEnded(run.status) || run.status === "paused" ? `it is ${said(run)}` : run.pause_requested ? "it will pause at the next step" : ""),
    Dialog: Pause,
  },
  {
    id: "cancel",
    label: "Cancel…",
    key: "K",
    danger: true,
    barred: ({ run }) => (isEnded(run.status) ? `it is ${said(run)}` : ""),
    Dialog: Cancel,
  },
];

function said(run: Run): string {
  return look(run.status).label.toLowerCase();
}

export function Actions(subject: Subject) {
  const [open, setOpen] = useState("");
  const start = (action: Action): void => {
    const barred = action.barred(subject);
    if (barred) toast(`${action.label.replace("…", "")}: ${barred}`, true);
    else setOpen(action.id);
  };
  useKeys(
    "Run",
    ACTIONS.map((action) => ({ keys: action.key, label: action.label, run: () => start(action) })),
  );
  const possible = ACTIONS.filter((action) => !action.barred(subject));
  const Opened = ACTIONS.find((action) => action.id === open)?.Dialog;
  return (
    <div class="buttons">
      {ACTIONS.map((action) => {
        const barred = action.barred(subject);
        const first = action === possible[0] && !action.danger;
        return (
          <button
            key={action.id}
            type="button"
            class={`${first ? "primary" : ""} ${barred ? "barred" : ""}`}
            aria-disabled={barred !== ""}
            title={barred || `${action.label.replace("…", "")} (${action.key})`}
            onClick={() => start(action)}
          >
            {action.label}
          </button>
        );
      })}
      {Opened && <Opened {...subject} onClose={() => setOpen("")} />}
    </div>
  );
}

interface Doing {
  title: string;
  label: string;
  path: string;
  body: Record<string, unknown>;
  cli: string;
  done: string;
  danger?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

/** A form that sends one call, shows what the server says against it, and can be had as a command. */
export function ActionDialog({ title, label, path, body, cli, done, danger, onClose, children }: Doing) {
  const [problem, setProblem] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID());
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await post(path, body, { idempotencyKey: key });
      toast(done);
      onClose();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error);
      setBusy(false);
    }
  }
  const command = environment.value === "default" ? cli : `${cli} --env ${environment.value}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        {problem && (
          <p class="problem" role="alert">
            <Icon name="warning" class="fail" /> {problem.message}
            {problem.hint && `: ${problem.hint}`}
          </p>
        )}
        <div class="buttons end">
          <button type="button" class="quiet small" onClick={() => copy(command, "Command")}>
            Copy as CLI
          </button>
          <button type="button" class="quiet small" onClick={() => copy(curl("POST", path, body), "curl")}>
            Copy as curl
          </button>
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={busy}>
            {busy ? "Sending…" : label}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Resume({ run, steps, chosen, onClose }: Subject & { onClose: () => void }) {
  const [from, setFrom] = useState(steps.some((step) => step.id === chosen) && run.status === "paused" ? chosen : "");
  const again = from ? steps.slice(steps.findIndex((step) => step.id === from)) : [];
  const cli = `ironflow run resume ${run.id}${from ? ` --from-step ${quoted(from)}` : ""}`;
  return (
    <ActionDialog
      title={`Resume ${run.function_id}`}
      label="Resume"
      path="/runs/resume"
      body={from ? { run_id: run.id, from_step: from } : { run_id: run.id }}
      cli={cli}
      done="Resumed"
      onClose={onClose}
    >
      <label class="field">
        From
        <select value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
          <option value="">where it stopped: all results are kept</option>
          {steps.map((step) => (
            <option key={step.id} value={step.id}>
              {step.label}
            </option>
          ))}
        </select>
      </label>
      <p class="muted">
        {from
          ? `Runs again, with what came after: ${again.map((step) => step.label).join(", ")}. Effects outside are repeated unless they use the step's key.`
          : "The function goes on after the last recorded step, with a fresh budget of attempts. Recorded steps do not run again."}
      </p>
    </ActionDialog>
  );
}

function Pause({ run, onClose }: Subject & { onClose: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <ActionDialog
      title={`Pause ${run.function_id}`}
      label="Pause"
      path={`/runs/${run.id}/pause`}
      body={{ reason }}
      cli={`ironflow run pause ${run.id}${reason ? ` --reason ${quoted(reason)}` : ""}`}
      done="Pausing"
      onClose={onClose}
    >
      <p class="muted">A step that is under way is recorded first; nothing is lost. It goes on when somebody resumes it.</p>
      <Reason value={reason} onValue={setReason} />
    </ActionDialog>
  );
}

function Cancel({ run, onClose }: Subject & { onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [compensate, setCompensate] = useState(true);
  return (
    <ActionDialog
      title={`Cancel ${run.function_id}`}
      label="Cancel the run"
      path={`/runs/${run.id}/cancel`}
      body={{ reason, compensate }}
      cli={`ironflow run cancel ${run.id}${compensate ? " --compensate" : ""}${reason ? ` --reason ${quoted(reason)}` : ""}`}
      done="Cancelled"
      danger
      onClose={onClose}
    >
      <p class="muted">
        <span class="mono">{run.id}</span> ends for good, and the children it waits for with it. What it did so far stays in history.
      </p>
      <label class="check">
        <input type="checkbox" checked={compensate} onChange={(event) => setCompensate(event.currentTarget.checked)} />
        First undo what it did, by its compensations
      </label>
      <Reason value={reason} onValue={setReason} />
    </ActionDialog>
  );
}

export function Reason({ value, onValue }: { value: string; onValue: (value: string) => void }) {
  return (
    <label class="field">
      Reason <span class="faint">is recorded with it</span>
      <input value={value} required onInput={(event) => onValue(event.currentTarget.value)} />
    </label>
  );
}
