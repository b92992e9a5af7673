/** What can be done to a run. Each action says why it cannot be done now, and its dialog what it will do; a further one
 * is a further line of the table. */
import type { FunctionComponent } from "preact";
import { useState } from "preact/hooks";
import { may } from "../../api/session";
import type { Run } from "../../api/types";
import { editLacks } from "../../model/rights";
import { isEnded, look } from "../../model/status";
import { type Binding, take, useKeys } from "../../shell/keys";
import { Dialog } from "../../ui/dialog";
import { Edit } from "./edit";
import type { Moment } from "./moment";
import { Cancel, Fork, Replay, Resume, Undo, pause } from "./steer";

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
  /** What it is called while the past is shown, where it is something else then; about as wide, so that nothing moves. */
  past?: string;
  key: string;
  danger?: boolean;
  permission: string;
  /** What somebody lacks for it, where several rights would do; "" for nothing. */
  lacks?: (subject: Subject) => string;
  /** Whether its button is there; left out: always. */
  shown?: (subject: Subject) => boolean;
  /** Why it cannot be done; "" if it can. */
  barred: (subject: Subject) => string;
  Dialog?: FunctionComponent<Subject & { onClose: () => void }>;
  /** Done at once instead, since it can be taken back. */
  now?: (subject: Subject) => void;
}

export const ACTIONS: readonly Action[] = [
  {
    id: "resume",
    label: "Resume…",
    key: "U",
    permission: "runs:resume",
    shown: ({ moment }) => !moment.past,
    barred: ({ run, moment }) => (moment.past ? "the past is shown: fork from here (F), or go back to live (End) first" : stands(run) ? "" : `only failed and paused runs can be resumed: this one is ${said(run)}`),
    Dialog: Resume,
  },
  {
    id: "edit",
    label: "Edit output…",
    past: "Patch this output…",
    key: "e",
    permission: "runs:patch",
    lacks: ({ run, moment }) => editLacks(moment.past ? "" : run.status, may),
    barred: ({ run, moment, chosen }) => {
      if (!chosen) return "choose a step first";
      if (moment.past && chosen.position === 0) return "it was not reached by then";
      if (moment.past || stands(run) || isEnded(run.status)) return "";
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
    label: "Fork…",
    past: "Fork from here…",
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
    label: "Pause",
    key: "H",
    permission: "runs:pause",
    barred: ({ run }) => (isEnded(run.status) || run.status === "paused" ? `it is ${said(run)}` : run.pause_requested ? "it will pause at the next step" : ""),
    now: (subject) => void pause(subject),
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

function labelOf(action: Action, { moment }: Subject): string {
  return (moment.past && action.past) || action.label;
}

function said(run: Run): string {
  return look(run.status).label.toLowerCase();
}

export function Actions(subject: Subject) {
  const [open, setOpen] = useState("");
  const bindingOf = (action: Action): Binding => ({
    keys: action.key,
    label: labelOf(action, subject),
    barred: barredOf(action, subject),
    run: () => (action.now ? action.now(subject) : setOpen(action.id)),
  });
  useKeys("Run", ACTIONS.map(bindingOf));
  const shown = ACTIONS.filter((action) => action.shown?.(subject) ?? true);
  const barred = shown.filter((action) => barredOf(action, subject));
  const Opened = ACTIONS.find((action) => action.id === open)?.Dialog;
  return (
    <div class="buttons">
      {shown.map((action) => {
        const why = barredOf(action, subject);
        const primary = why === "" && action.id === (subject.moment.past ? "fork" : "resume");
        return (
          <button
            key={action.id}
            type="button"
            class={`${primary ? "primary" : ""} ${why ? "barred" : ""}`}
            aria-disabled={why !== ""}
            title={why || `${spoken(action, subject)} (${action.key})${subject.moment.past && !action.past ? ": the run as it is now" : ""}`}
            onClick={() => take(bindingOf(action))}
          >
            {labelOf(action, subject)}
          </button>
        );
      })}
      {barred.length > 0 && (
        <button type="button" class="only-narrow" onClick={() => setOpen(BARRED)}>
          {barred.length} not now…
        </button>
      )}
      {Opened && <Opened {...subject} onClose={() => setOpen("")} />}
      {open === BARRED && (
        <Dialog title="What cannot be done now" onClose={() => setOpen("")}>
          <dl class="barred-list">
            {barred.map((action) => (
              <div key={action.id}>
                <dt>{spoken(action, subject)}</dt>
                <dd class="muted">{barredOf(action, subject)}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </div>
  );
}

/** Where a screen is narrow, the buttons of what cannot be done are one, which says why. */
const BARRED = "barred";

function spoken(action: Action, subject: Subject): string {
  return labelOf(action, subject).replace("…", "");
}
