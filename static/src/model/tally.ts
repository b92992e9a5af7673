/** What a row was at a moment, read off its bars. Of a group it is put together of stretches of its steps: those that had all
 * ended by the moment, or not begun, are not gone through again, so that a group of a hundred thousand steps is told in each
 * frame of a scrub. */
import type { Bar, Row } from "./waterfall";

export interface Span {
  from: number;
  /** NaN while it goes on. */
  to: number;
}

/** A bar as it was at a position whose instant is `at`; null where it had not begun. */
export function barAt(bar: Bar, position: number, at: number): Bar | null {
  if (bar.closed <= position) return bar;
  if (bar.opened > position || bar.from > at) return null;
  const going = bar.going ?? (bar.pattern === "solid" ? { role: "run" as const, status: "running" } : {});
  return { ...bar, ...going, to: NaN, closed: Infinity };
}

/** A row's status at a position: that of its last bar, `ghost` where it was not reached; of a group the worst below it. */
export function statusAt(row: Row, position: number, at: number): string {
  if (row.kind === "group") {
    const found = counts(row, position, at);
    return ORDER.find((status) => found.has(status)) ?? "ghost";
  }
  for (let index = row.bars.length - 1; index >= 0; index--) {
    const bar = barAt(row.bars[index], position, at);
    if (bar) return bar.status;
  }
  return "ghost";
}

const ORDER = ["failed", "timed_out", "paused", "running", "waiting", "sleeping", "unloaded", "dead", "completed", "ghost"];

/** From the first to the last instant of what a row did, or of what is below a group: what a person edited later took none of
 * its time. */
export function span(row: Row): Span {
  if (row.children.length > 0 && row.kind !== "run") return tallyOf(row).span;
  const own = row.bars.filter((bar) => bar.role !== "edit");
  const bars = own.length > 0 ? own : row.bars;
  // Not as arguments of Math.max: there may be more than a call can have.
  return { from: bars[0]?.from ?? NaN, to: bars.reduce((to, bar) => Math.max(to, bar.to), -Infinity) };
}

/** How many of the steps below a row have each status at a position. */
export function counts(row: Row, position: number, at: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const stretch of tallyOf(row).stretches)
    for (const [status, count] of countsOf(stretch, position, at)) found.set(status, (found.get(status) ?? 0) + count);
  return found;
}

/** How often a step was tried by a position. */
export function attempts(row: Row, position: number): number {
  return row.bars.filter((bar) => bar.pattern === "solid" && bar.closed <= position).length;
}

/** So many steps are a stretch. */
const STRETCH = 256;

interface Stretch {
  steps: readonly Row[];
  /** The first instant of all their bars, and the positions at which the first and the last of these ended. */
  begun: number;
  firstClosed: number;
  lastClosed: number;
  /** When all of them have ended, and before any has begun. */
  ended: ReadonlyMap<string, number>;
  ghosts: ReadonlyMap<string, number>;
}

interface Tally {
  stretches: readonly Stretch[];
  span: Span;
}

/** Of the groups that were told, until something happens below them. */
const tallies = new WeakMap<Row, Tally>();

/** Something happened to a step: the groups that it is in are not what they were. */
export function forget(step: Row): void {
  for (let above = step.parent; above?.kind === "group"; above = above.parent) tallies.delete(above);
}

function tallyOf(row: Row): Tally {
  const known = tallies.get(row);
  if (known) return known;
  const steps = stepsBelow(row, []);
  const stretches: Stretch[] = [];
  for (let first = 0; first < steps.length; first += STRETCH) stretches.push(stretchOf(steps.slice(first, first + STRETCH)));
  const made = { stretches, span: spanOf(steps) };
  if (row.kind === "group") tallies.set(row, made);
  return made;
}

function stepsBelow(row: Row, found: Row[]): Row[] {
  for (const child of row.children) {
    if (child.kind === "step") found.push(child);
    else stepsBelow(child, found);
  }
  return found;
}

function spanOf(steps: readonly Row[]): Span {
  const spans = steps.map(span).filter((one) => !Number.isNaN(one.from));
  // Not as arguments of Math.min: there may be more than a call can have.
  return spans.length > 0 ? spans.reduce((all, one) => ({ from: Math.min(all.from, one.from), to: Math.max(all.to, one.to) })) : { from: NaN, to: NaN };
}

function stretchOf(steps: readonly Row[]): Stretch {
  let [begun, firstClosed, lastClosed] = [Infinity, Infinity, -Infinity];
  for (const step of steps)
    for (const bar of step.bars) {
      begun = Math.min(begun, bar.from);
      firstClosed = Math.min(firstClosed, bar.closed);
      lastClosed = Math.max(lastClosed, bar.closed);
    }
  return { steps, begun, firstClosed, lastClosed, ended: counted(steps, Infinity, Infinity), ghosts: counted(steps, -1, -Infinity) };
}

function countsOf(stretch: Stretch, position: number, at: number): ReadonlyMap<string, number> {
  if (stretch.lastClosed <= position) return stretch.ended;
  if (stretch.firstClosed > position && stretch.begun > at) return stretch.ghosts;
  return counted(stretch.steps, position, at);
}

function counted(steps: readonly Row[], position: number, at: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const step of steps) {
    const status = statusAt(step, position, at);
    found.set(status, (found.get(status) ?? 0) + 1);
  }
  return found;
}
