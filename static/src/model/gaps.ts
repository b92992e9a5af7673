/** Of a long run the oldest and the newest records are loaded, and between them what somebody asks for. Records are numbered
 * in their run, so that what is missing shows. */
import { counted } from "./counted";
import type { Rec } from "./records";

/** A run with more records is not loaded whole by itself: five pages come in a moment. */
export const WHOLE_MAX = 5_000;
export const OLDEST = 100;
export const NEWEST = 500;
/** So many are loaded on each side of a moment that is between. */
export const AROUND = 250;

export interface Gap {
  /** Index of the first record after it. */
  index: number;
  missing: number;
  /** Positions of the records on both sides. */
  after: number;
  before: number;
}

export function gapsOf(records: readonly Rec[]): readonly Gap[] {
  const last = records.at(-1);
  if (!last || last.version - records[0].version === records.length - 1) return [];
  const found: Gap[] = [];
  for (let index = 1; index < records.length; index++) {
    const [one, next] = [records[index - 1], records[index]];
    const missing = next.version - one.version - 1;
    if (missing > 0) found.push({ index, missing, after: one.position, before: next.position });
  }
  return found;
}

export function gapId({ after }: Gap): string {
  return `gap ${after}`;
}

export function unloadedText({ missing }: Gap): string {
  return `${counted(missing, "record")} ${missing === 1 ? "is" : "are"} not loaded`;
}

/** The one that a position is in. */
export function gapAt(gaps: readonly Gap[], position: number): Gap | undefined {
  return gaps.find((gap) => position > gap.after && position < gap.before);
}

/** Those that lie in a direction from a record, the nearest first. */
export function gapsFrom(gaps: readonly Gap[], index: number, direction: 1 | -1): Gap[] {
  return direction === 1 ? gaps.filter((gap) => gap.index > index) : gaps.filter((gap) => gap.index <= index).reverse();
}

/** The line of a record in a list that has a line for each gap. */
export function lineOf(gaps: readonly Gap[], index: number): number {
  return index + gaps.filter((gap) => gap.index <= index).length;
}

/** What is in a line of it: a gap, or a record by its index. */
export function atLine(gaps: readonly Gap[], line: number): Gap | number {
  const before = gaps.filter((gap, nth) => gap.index + nth < line).length;
  const gap = gaps[before];
  return gap && gap.index + before === line ? gap : line - before;
}

/** The first of what pages have, from an edge on; null where none has any. A page may be empty and have where to go on; one
 * that leads to where it was asked from is the last. */
export async function firstOf<T>(ask: (edge: number) => Promise<{ records: readonly T[]; next?: number }>, edge: number): Promise<T | null> {
  for (let from = edge; ; ) {
    const { records, next } = await ask(from);
    if (records.length > 0) return records[0];
    if (next === undefined || next === from) return null;
    from = next;
  }
}
