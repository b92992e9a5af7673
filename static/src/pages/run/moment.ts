/** Which moment of a run is shown: the live end of its history, or an earlier position. The URL has it. */
import { type Rec, indexAt } from "../../model/records";
import { choose, chosen } from "../../shell/route";

export interface Moment {
  /** Index of the last record that counts; -1 for a run without any. */
  index: number;
  position: number;
  at: number;
  /** Whether later records are left out. */
  past: boolean;
}

export function momentOf(records: readonly Rec[], now: number): Moment {
  const wanted = Number(chosen("at"));
  const head = records.length - 1;
  const index = wanted > 0 ? Math.max(0, indexAt(records, wanted)) : head;
  if (head < 0 || index >= head) return { index: head, position: Infinity, at: now, past: false };
  return { index, position: records[index].position, at: records[index].at, past: true };
}

/** The moment to compare with, as an index; -1 for none. */
export function comparedOf(records: readonly Rec[]): number {
  const wanted = Number(chosen("b"));
  return wanted > 0 ? indexAt(records, wanted) : -1;
}

/** Show the moment of a record; the last one is live. */
export function goTo(records: readonly Rec[], index: number): void {
  const to = Math.max(0, index);
  choose({ at: to >= records.length - 1 ? null : records[to].position });
}
