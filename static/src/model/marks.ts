/** What is special about a run, and how far it is: as lists of runs show it. */
import type { RunSummary } from "../api/types";
import { counted } from "./counted";

export interface Mark {
  id: "patched" | "fork" | "paused" | "compensating";
  icon: "diamond" | "fork" | "pause" | "undo";
  role: "edit" | "warn";
  label: string;
}

/** In the order in which they are shown. */
export function marksOf(run: Pick<RunSummary, "status" | "patched" | "forked_from" | "pause_requested" | "compensating">): Mark[] {
  const marks: Mark[] = [];
  if (run.patched) marks.push({ id: "patched", icon: "diamond", role: "edit", label: "patched: a person gave a step of it another output" });
  if (run.forked_from) marks.push({ id: "fork", icon: "fork", role: "edit", label: run.forked_from.position > 0 ? "fork of another run" : "replay of another run" });
  if (run.status === "paused") marks.push({ id: "paused", icon: "pause", role: "warn", label: "paused" });
  else if (run.pause_requested) marks.push({ id: "paused", icon: "pause", role: "warn", label: "pauses at its next step" });
  if (run.compensating) marks.push({ id: "compensating", icon: "undo", role: "warn", label: "compensating: what it did is being undone" });
  return marks;
}

export interface Far {
  text: string;
  said: string;
}

/** `7/9`, or `7` where nobody knows of how many; null for a run that has not said anything yet. */
export function farOf(progress: RunSummary["progress"], started: boolean): Far | null {
  if (!progress || (!started && progress.completed === 0)) return null;
  const completed = `${brief(progress.completed)}${progress.at_least ? "+" : ""}`;
  const steps = `${progress.at_least ? "at least " : ""}${counted(progress.completed, "step")} completed`;
  if (!progress.expected) return { text: completed, said: steps };
  const expected = progress.expected.toLocaleString("en");
  return { text: `${completed}/${brief(progress.expected)}`, said: `${steps}; the last run of this version that went well had ${expected}` };
}

/** At most four characters for what has up to six digits. */
function brief(count: number): string {
  return count < 10_000 ? String(count) : `${Math.floor(count / 1_000).toLocaleString("en")}k`;
}
