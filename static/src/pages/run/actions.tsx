/** What can be done to a run. Each action says why it cannot be done now, and its dialog what it will do; a further one
 * is a further line of the table. */
import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { may } from "../../api/session";
import type { Run } from "../../api/types";
import { editLacks } from "../../model/rights";
import { isEnded, look } from "../../model/status";
import { useKeys } from "../../shell/keys";
import { toast } from "../../ui/toast";
import { Edit } from "./edit";
import type { Moment } from "./moment";
import { Cancel, Fork, Pause, Replay, Resume, Undo } from "./steer";

export interface Subject {
  run: Run;
  moment: Moment;
  /** Names of the steps that ended, in order, by their ids. */
  steps: readonly { id: string; label: string }[];
  /** The step that is chosen; null for the run. */
  chosen: { id: string; label: string; position: number; type: string; corrected: boolean } | null;
}

export interface Action {
  id: string;
  label: string;
  key: string;
  danger?: boolean;
  permission: string;
  /** What somebody lacks for it, where several rights would do; "" for nothing. */
  lacks?: (subject: Subject) => string;
  /** Whether its button is there; left out: always. */
  shown?: (subject: Subject) => boolean;
  /** Why it cannot be done; "" if it can. */
  barred: (subject: Subject) => string;
  Dialog: FunctionComponent<Subject & { onClose: () => void }>;
}

export const ACTIONS: readonly Action[] = [
  {
    id: "resume",
    label: "Resume…",
    key: "U",
    permission: "runs:resume",
    barred: ({ run }) => (stands(run) ? "" : `only failed and paused runs can be resumed: this one is ${said(run)}`),
    Dialog: Resume,
  },
  {
    id: "edit",
    label: "Edit output…",
    key: "e",
    permission: "runs:patch",
    lacks: ({ run }) => editLacks(run.status, may),
    barred: ({ run, chosen }) => {
      if (!chosen) return "choose a step first";
      if (stands(run) || isEnded(run.status)) return "";
      return `it is ${said(run)}: pause it first`;
    },
    Dialog: Edit,
  },
  {
    id: "undo",
    label: "Undo the edit…",
    key: "Z",
    permission: "runs:patch",
    shown: ({ chosen }) => chosen?.corrected ?? false,
    barred: ({ run, chosen }) => {
      if (!chosen) return "choose a step first";
      if (!chosen.corrected) return "this step has the output that it gave itself";
      return stands(run) ? "" : `it is ${said(run)}: only of failed and paused runs an edit can be undone`;
    },
    Dialog: Undo,
  },
  {
    id: "fork",
    label: "Fork from here…",
    key: "F",
    permission: "runs:fork",
    barred: () => "",
    Dialog: Fork,
  },
  {
    id: "replay",
    label: "Replay…",
    key: "R",
    permission: "runs:replay",
    barred: () => "",
    Dialog: Replay,
  },
  {
    id: "pause",
    label: "Pause…",
    key: "H",
    permission: "runs:pause",
    barred: ({ run }) => (isEnded(run.status) || run.status === "paused" ? `it is ${said(run)}` : run.pause_requested ? "it will pause at the next step" : ""),
    Dialog: Pause,
  },
  {
    id: "cancel",
    label: "Cancel…",
    key: "K",
    permission: "runs:cancel",
    danger: true,
    barred: ({ run }) => (isEnded(run.status) ? `it is ${said(run)}` : ""),
    Dialog: Cancel,
  },
];

/** Whether it waits for a person: what it does next can be changed. */
function stands(run: Run): boolean {
  return run.status === "failed" || run.status === "paused";
}

/** Why somebody cannot do it to a run now; "" if they can. */
function barredOf(action: Action, subject: Subject): string {
  const lacks = action.lacks ? action.lacks(subject) : may(action.permission) ? "" : `you need the permission ${action.permission}`;
  return lacks || action.barred(subject);
}

function said(run: Run): string {
  return look(run.status).label.toLowerCase();
}

export function Actions(subject: Subject) {
  const [open, setOpen] = useState("");
  const start = (action: Action): void => {
    const barred = barredOf(action, subject);
    if (barred) toast(`${action.label.replace("…", "")}: ${barred}`, true);
    else setOpen(action.id);
  };
  useKeys(
    "Run",
    ACTIONS.map((action) => ({ keys: action.key, label: action.label, run: () => start(action) })),
  );
  const first = ACTIONS.find((action) => !barredOf(action, subject));
  const Opened = ACTIONS.find((action) => action.id === open)?.Dialog;
  return (
    <div class="buttons">
      {ACTIONS.filter((action) => action.shown?.(subject) ?? true).map((action) => {
        const barred = barredOf(action, subject);
        return (
          <button
            key={action.id}
            type="button"
            class={`${action === first && action.id === "resume" ? "primary" : ""} ${barred ? "barred" : ""}`}
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
