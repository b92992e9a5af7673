/** Records of a run out of history. The seam for a lighter endpoint: all that is asked of one is here. */
import type { Rec } from "../model/records";
import { ms } from "../model/time";
import { get } from "./client";
import type { EntriesPage, Entry } from "./types";

const PAGE = 1_000;

/** Records after a position, a page at a time, in order. `took` is told each page, so that the first shows at once. */
export async function records(
  runId: string,
  after: number,
  took: (page: Rec[]) => void,
  signal?: AbortSignal,
): Promise<void> {
  let cursor = after;
  for (;;) {
    const page = await get<EntriesPage>("/history", { stream: `run/${runId}`, after: cursor, limit: PAGE }, signal);
    if (page.entries.length > 0) took(page.entries.map(recordOf));
    if (!page.next_cursor || page.entries.length === 0) return;
    cursor = Number(page.next_cursor);
  }
}

export function recordOf(entry: Entry): Rec {
  const data = entry.data;
  const at = ms(entry.recorded_at);
  const text = (name: string): string => (typeof data[name] === "string" ? (data[name] as string) : "");
  const whole = (name: string): number => (typeof data[name] === "number" ? (data[name] as number) : 0);
  const error = data.error as { message?: string; code?: string } | undefined | null;
  const started = whole("started_at");
  const until = whole("until") || whole("deadline") || whole("due_at");
  return {
    position: entry.position,
    kind: entry.kind,
    at,
    stepId: entry.kind.startsWith("step.") ? text("step_id") : "",
    name: text("name"),
    type: text("type") || TYPES[entry.kind] || "invoke",
    attempt: whole("attempt") || 1,
    startedAt: started ? started / 1_000 : whole("duration_ms") ? at - whole("duration_ms") : NaN,
    until: until ? until / 1_000 : NaN,
    error: error ? { message: error.message ?? "", code: error.code ?? "" } : null,
    about: text("event") || text("function_id") || text("reason") || text("worker_id"),
    childRunId: text("child_run_id"),
    compensationFor: text("compensation_for"),
    actor: entry.actor,
  };
}

const TYPES: Record<string, string> = {
  "step.sleeping": "sleep",
  "step.waiting": "wait_for_event",
  "step.invoking": "invoke_function",
};
