/** The records of a run, light: what happened, when, to which step. Payloads stay on the server until they are asked for
 * by position. Positions order everything; several records may have the same instant. */

export interface Failure {
  message: string;
  code: string;
}

export interface Rec {
  position: number;
  /** Which of the run's records it is, from 1. */
  version: number;
  kind: string;
  at: number;
  /** What happened, in a line. */
  summary: string;
  stepId: string;
  name: string;
  type: string;
  attempt: number;
  /** When the work began, before it was recorded; NaN where nothing says so. */
  startedAt: number;
  /** Until when it sleeps or waits; NaN for no end. */
  until: number;
  error: Failure | null;
  /** What it waits for, whom it invokes, why it was done. */
  about: string;
  childRunId: string;
  compensationFor: string;
  actor: string;
}

export const EDITS = new Set(["step.patched", "step.injected", "step.restored"]);

/** Whether it is of one of some kinds; `step.*` is any of a step. */
export function isOf({ kind }: Rec, kinds: readonly string[]): boolean {
  return kinds.some((one) => (one.endsWith("*") ? kind.startsWith(one.slice(0, -1)) : kind === one));
}

export function isFailure(record: Rec): boolean {
  return record.kind === "step.failed" || record.kind === "run.failed" || record.kind === "run.retrying";
}

export function isEdit(record: Rec): boolean {
  return EDITS.has(record.kind);
}

/** Whether one of a step's patches and injections holds, so that it can be undone. */
export function corrected(records: readonly Rec[]): boolean {
  return records.reduce((held, record) => (record.kind === "step.restored" ? Math.max(0, held - 1) : isEdit(record) ? held + 1 : held), 0) > 0;
}

/** Whether a step began, ended or was edited here. */
export function isStep(record: Rec): boolean {
  return record.kind.startsWith("step.");
}

/** The record at a position, or the last one before it; -1 if there is none. */
export function indexAt(records: readonly Rec[], position: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle].position <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The next one in a direction that holds, from an index; -1 if there is none. */
export function seek<T>(all: readonly T[], from: number, direction: 1 | -1, holds: (one: T) => boolean): number {
  for (let index = from + direction; index >= 0 && index < all.length; index += direction)
    if (holds(all[index])) return index;
  return -1;
}

/** Known records and those of a page, in order and once each: a page has all that are between its first and its last. */
export function merged(known: readonly Rec[], page: readonly Rec[]): readonly Rec[] {
  if (page.length === 0) return known;
  const from = indexAt(known, page[0].position - 1) + 1;
  const to = indexAt(known, page[page.length - 1].position) + 1;
  if (page.length === to - from) return known;
  const kept = new Map(known.slice(from, to).map((record) => [record.position, record]));
  return [...known.slice(0, from), ...page.map((record) => kept.get(record.position) ?? record), ...known.slice(to)];
}

/** How a record reads in a list. */
export function title(record: Rec): string {
  return record.summary;
}

/** Two records to compare, as the URL has them: `14-9`, or one of them alone. */
export function markedOf(text: string): number[] {
  return text.split("-").map(Number).filter((one) => Number.isInteger(one) && one > 0);
}

/** With one more marked, of two the one that was marked first gives way; what is marked already is marked no more. */
export function marking(marked: readonly number[], position: number): string {
  return (marked.includes(position) ? marked.filter((one) => one !== position) : [...marked, position].slice(-2)).join("-");
}
