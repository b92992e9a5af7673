/** What the code of a run logged, line by line. A line's place, the position of its record and its number in it, orders
 * all lines of the run as they were recorded. */
import { type Json, print } from "./json";

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

export interface LogLine {
  position: number;
  index: number;
  at: number;
  level: Level;
  message: string;
  fields: Json;
  /** Name of the step that said it, and its id without the run; "" between steps. */
  step: string;
  path: string;
  attempt: number;
  /** Its name; "" for ctx.log. */
  logger: string;
  source: { path: string; line: number } | null;
  /** So many bytes of it were cut off. */
  cut: number;
  /** So many further lines there was no room for. */
  dropped: number;
  redacted: boolean;
}

export function placeOf(line: LogLine): string {
  return `${line.position}.${line.index}`;
}

/** Known lines and newer ones, in order and once each. */
export function joined(known: readonly LogLine[], newer: readonly LogLine[]): readonly LogLine[] {
  const last = known.at(-1);
  const fresh = last ? newer.filter((line) => line.position > last.position || (line.position === last.position && line.index > last.index)) : newer;
  return fresh.length === 0 ? known : [...known, ...fresh];
}

/** How many of the lines were there at a position. */
export function countUntil(lines: readonly LogLine[], position: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Fields as one reads them in a line: `amount=12 currency="EUR"`. */
export function fieldsText(fields: Json): string {
  if (!(fields instanceof Map)) return "";
  return [...fields].map(([name, value]) => `${name}=${print(value)}`).join(" ");
}

/** Whether the words stand in the line, in either case. */
export function says(line: LogLine, words: string): boolean {
  return `${line.message} ${fieldsText(line.fields)} ${line.step} ${line.logger}`.toLowerCase().includes(words.toLowerCase());
}
