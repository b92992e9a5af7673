/** Groups of failures that need somebody, beside the runs that stand still because of one. */
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
      note: now - Date.parse(group.first_seen) < DAY_MS ? `${group.message} · new` : group.message,
    }));
}
