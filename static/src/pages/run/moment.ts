/** Which moment of a run is shown: the live end of its history, or an earlier position. The URL has it. */
import { useRef } from "preact/hooks";
import { type Gap, gapAt } from "../../model/gaps";
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

export function momentOf(records: readonly Rec[], now: number, wanted: number): Moment {
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
  goToPosition(records, records[Math.max(0, index)]?.position ?? Infinity);
}

/** Also of one that is not loaded yet. */
export function goToPosition(records: readonly Rec[], position: number): void {
  choose({ at: position >= (records.at(-1)?.position ?? 0) ? null : position });
}

/** The position that the URL names, once what is there is loaded: until then the moment before stays in sight. */
export function useWanted(gaps: readonly Gap[]): number {
  const wanted = Number(chosen("at"));
  const shown = useRef(wanted);
  if (!gapAt(gaps, wanted)) shown.current = wanted;
  return shown.current;
}
