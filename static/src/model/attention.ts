/** Groups of failures that need somebody, beside the runs that stand still because of one. */
import type { FailureGroup, RunSummary } from "../api/types";

export interface Failing {
  fingerprint: string;
  title: string;
  note: string;
}

const DAY_MS = 86_400_000;

/** The groups without those whose open runs are all listed as paused; `now` in ms. */
export function failingOf(groups: readonly FailureGroup[], paused: readonly RunSummary[], now: number): Failing[] {
  const told = new Map<string, number>();
  for (const run of paused) if (run.error) told.set(run.function_id, (told.get(run.function_id) ?? 0) + 1);
  return groups
    .filter((group) => group.open > (told.get(group.function_id) ?? 0))
    .map((group) => ({
      fingerprint: group.fingerprint,
      title: `${group.function_id} ${group.open === 1 ? "failed" : `failed in ${group.open.toLocaleString("en")} runs`}`,
      note: now - Date.parse(group.first_seen) < DAY_MS ? `${group.message} · new` : group.message,
    }));
}
