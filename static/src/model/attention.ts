/** What needs somebody: groups of failures, beside the runs that stand still because of one, and projections. */
import type { ProjectionSummary } from "../api/data";
import type { FailureGroup, RunSummary } from "../api/types";

export interface Failing {
  fingerprint: string;
  title: string;
  note: string;
}

const DAY_MS = 86_400_000;

/** The groups without those of a function whose open runs are all listed as paused; `now` in ms. Which of a function's
 * groups a paused run belongs to it does not say: unless all are accounted for, all are told. */
export function failingOf(groups: readonly FailureGroup[], paused: readonly RunSummary[], now: number): Failing[] {
  const left = new Map<string, number>();
  for (const group of groups) left.set(group.function_id, (left.get(group.function_id) ?? 0) + group.open);
  for (const run of paused) if (run.error) left.set(run.function_id, (left.get(run.function_id) ?? 0) - 1);
  return groups
    .filter((group) => group.open > 0 && (left.get(group.function_id) ?? 0) > 0)
    .map((group) => ({
      fingerprint: group.fingerprint,
      title: `${group.function_id} ${group.open === 1 ? "failed" : `failed in ${group.open.toLocaleString("en")} runs`}`,
      note: isNew(group, now) ? `${group.message} · new` : group.message,
    }));
}

/** Whether it failed so for the first time within a day; `now` in ms. */
export function isNew(group: Pick<FailureGroup, "first_seen">, now: number): boolean {
  return now - Date.parse(group.first_seen) < DAY_MS;
}

/** What a group is at, in a word; `now` in ms. An open one that was resolved before is regressed, one that failed so for the
 * first time within a day is new, any other is ongoing. */
export function stateOf(group: Pick<FailureGroup, "status" | "first_seen" | "decided">, now: number): string {
  if (group.status !== "open") return group.status;
  if (group.decided?.reopened_position !== undefined) return "regressed";
  return isNew(group, now) ? "new" : "ongoing";
}

export interface Standing {
  /** The newest of them. */
  run: RunSummary;
  /** How many stand still alike. */
  alike: number;
  /** Which ones. */
  ids: readonly string[];
}

/** So many runs that stand still alike are told one by one. */
const EACH_MAX = 3;

/** The paused runs, those of one function at one error as one where they are many. Numbers in a message make no difference. */
export function standing(paused: readonly RunSummary[]): Standing[] {
  const kinds = new Map<string, RunSummary[]>();
  for (const run of paused) {
    const kind = `${run.function_id} ${(run.error?.message ?? run.pause_reason ?? "").replace(/\d+/g, "0")}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), run]);
  }
  return [...kinds.values()].flatMap((runs) => (runs.length > EACH_MAX ? [{ run: runs[0], alike: runs.length, ids: runs.map((run) => run.id) }] : runs.map((run) => ({ run, alike: 1, ids: [run.id] }))));
}

/** Under load every projection is a moment behind: fewer positions are nothing to look at. */
const LAG_NOTABLE = 1_000;

type Folding = Pick<ProjectionSummary, "name" | "status" | "lag" | "error_message">;

/** The projections that stand still at an error, or are far behind. */
export function laggingOf<P extends Folding>(projections: readonly P[]): P[] {
  return projections.filter((one) => one.status === "error" || one.lag >= LAG_NOTABLE);
}

/** How far, and how many do not go on. */
export function lagNote(lagging: readonly Folding[]): string {
  const worst = Math.max(0, ...lagging.map((one) => one.lag));
  const stopped = lagging.filter((one) => one.status === "error").length;
  return [worst > 0 && `by up to ${worst.toLocaleString("en")}`, stopped > 0 && `${stopped.toLocaleString("en")} stopped`].filter(Boolean).join(", ") || "no projection is";
}
