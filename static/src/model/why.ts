/** Which records write what is known of a run as a whole: the last of them before a moment made a value what it was then.
 * Steps, waits and notes tell that themselves. */
import type { Gap } from "./gaps";
import { type Rec, isOf, seek } from "./records";

const ENDS = ["run.completed", "run.failed", "run.cancelled"];
const HELD = ["run.created", "run.started", "run.suspended", "run.woken", "run.released", "run.retrying", "run.paused", "run.resumed", "run.unwinding"];

/** By the name of a field of the state: what can have given it a value. All others a run has from its beginning. */
const WRITERS: Record<string, readonly string[]> = {
  status: [...HELD, ...ENDS],
  attempt: ["run.created", "run.started", "run.retrying", "run.resumed", "run.unwinding"],
  executions: ["run.created", "run.started"],
  worker_id: ["run.created", "run.started"],
  due_at: ["run.created", "run.suspended", "run.retrying"],
  timeout_at: ["run.started"],
  ended_at: ENDS,
  output: ["run.completed"],
  error: ["run.retrying", "run.failed", "run.paused"],
  tags: ["run.created", "run.tagged"],
  pause_requested: ["run.pause_requested"],
  pause_reason: ["run.paused", "run.pause_explained"],
  held: ["run.paused"],
  divergence: ["run.paused"],
  unwinding: ["run.unwinding"],
  cancellation_cause: ["run.cancelled"],
  not_undone: ["run.failed", "run.cancelled"],
};

/** What is said of a run as a whole, in the order in which it is read; payloads and steps stand for themselves. */
const SAID = [
  ...["status", "attempt", "max_attempts", "executions", "worker_id", "tags", "due_at", "timeout_at", "pause_requested", "pause_reason", "held"],
  ...["divergence", "unwinding", "cancellation_cause", "not_undone", "ended_at", "event_name", "event_id", "function_version", "parent_run_id", "forked_from", "fork_reason"],
];

export function writersOf(field: string): readonly string[] {
  return WRITERS[field] ?? ["run.created"];
}

/** Position of the record that last wrote a field by the one at an index; 0 where one that is not loaded may have, and where
 * none did. */
export function lastWriter(records: readonly Rec[], gaps: readonly Gap[], by: number, field: string): number {
  const writers = WRITERS[field];
  if (!writers) return records[0].kind === "run.created" ? records[0].position : 0;
  const index = seek(records, by + 1, -1, (record) => isOf(record, writers));
  return index < 0 || gaps.some((gap) => gap.index > index && gap.index <= by) ? 0 : records[index].position;
}

/** The fields of a state that have a value, without those that others show. */
export function saidOf<V>(state: ReadonlyMap<string, V>): Map<string, V> {
  const found = SAID.flatMap((field): [string, V][] => {
    const value = state.get(field);
    return value === undefined || value === null || (value as unknown) === "" ? [] : [[field, value]];
  });
  return new Map(found);
}
