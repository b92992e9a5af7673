/** Where an instant lies on an axis from 0 to 1: evenly by record, by time, or by time with idle gaps squeezed. Each is
 * a line through knots. */
import type { Row, Waterfall } from "./waterfall";

export type Mode = "squeezed" | "time" | "sequence";

export interface Gap {
  from: number;
  to: number;
}

export interface Scale {
  times: Float64Array;
  places: Float64Array;
  gaps: Gap[];
}

const IDLE_MS_MIN = 1_000;
const GAP_SHARE = 0.12;

export function place(scale: Scale, time: number): number {
  const { times, places } = scale;
  const last = times.length - 1;
  if (last < 0 || time <= times[0]) return 0;
  if (time >= times[last]) return 1;
  const next = above(times, time);
  const width = times[next] - times[next - 1];
  return places[next - 1] + ((time - times[next - 1]) / width) * (places[next] - places[next - 1]);
}

/** The instant at a place: the inverse. */
export function timeAt(scale: Scale, at: number): number {
  const { times, places } = scale;
  const last = times.length - 1;
  if (last < 0) return NaN;
  if (at <= 0) return times[0];
  if (at >= 1) return times[last];
  const next = above(places, at);
  const width = places[next] - places[next - 1];
  return times[next - 1] + (width > 0 ? (at - places[next - 1]) / width : 0) * (times[next] - times[next - 1]);
}

/** The part of a scale between two places, drawn over the whole width. */
export function zoomed(scale: Scale, from: number, to: number): Scale {
  const width = to - from;
  if (!(width > 0) || (from <= 0 && to >= 1)) return scale;
  const times = [timeAt(scale, from)];
  const places = [0];
  for (let index = 0; index < scale.times.length; index++) {
    const at = (scale.places[index] - from) / width;
    if (at <= 0 || at >= 1) continue;
    times.push(scale.times[index]);
    places.push(at);
  }
  times.push(timeAt(scale, to));
  places.push(1);
  const within = scale.gaps.filter((gap) => gap.to > times[0] && gap.from < times[times.length - 1]);
  return knots(times, places, within);
}

const WIDTH_MIN = 0.0005;

/** The part that is shown after a turn of the wheel over a place of it (0 to 1): what is under the pointer stays there. `by`
 * above 1 shows more. Null for the whole. */
export function turned(zoom: readonly [number, number] | null, at: number, by: number): readonly [number, number] | null {
  const [from, to] = zoom ?? [0, 1];
  const width = Math.max(WIDTH_MIN, (to - from) * by);
  if (width >= 1) return null;
  const begin = Math.max(0, Math.min(1 - width, from + at * (to - from) - at * width));
  return [begin, begin + width];
}

/** The place in the whole of one in the part that is shown. */
export function placeOf(zoom: readonly [number, number] | null, at: number): number {
  const [from, to] = zoom ?? [0, 1];
  return from + at * (to - from);
}

/** Whether any of a stretch of time is in sight. */
export function inView({ times }: Scale, from: number, to: number): boolean {
  return to >= times[0] && from <= times[times.length - 1];
}

/** A scale over a run, from its first instant to `end`. */
export function scaleOf(mode: Mode, folded: Waterfall, instants: ArrayLike<number>, end: number): Scale {
  const start = folded.start;
  const stop = Math.max(end, start + 1);
  if (mode === "time") return knots([start, stop], [0, 1], []);
  if (mode === "sequence") return bySequence(start, stop, instants);
  return squeezed(start, stop, busy(folded, start, stop));
}

function bySequence(start: number, stop: number, instants: ArrayLike<number>): Scale {
  const times = [start];
  for (const instant of Array.from(instants)) if (instant > (times.at(-1) as number) && instant < stop) times.push(instant);
  times.push(stop);
  return knots(times, times.map((_, index) => index / (times.length - 1)), []);
}

/** Stretches in which something was executed, in order; every other record is a point of its own. */
function busy(folded: Waterfall, start: number, stop: number): [number, number][] {
  const found: [number, number][] = [
    [start, start],
    [stop, stop],
  ];
  const add = (row: Row): void => {
    for (const bar of row.bars) {
      if (bar.pattern !== "hatch" && bar.status !== "unloaded") found.push([bar.from, Number.isNaN(bar.to) ? stop : bar.to]);
      else found.push([bar.from, bar.from], [bar.to || stop, bar.to || stop]);
    }
  };
  add(folded.root);
  folded.steps.all.forEach(add);
  found.sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [from, to] of found) {
    const last = joined.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

function squeezed(start: number, stop: number, stretches: [number, number][]): Scale {
  const idle: Gap[] = [];
  let worked = 0;
  stretches.forEach(([from, to], index) => {
    worked += Math.min(to, stop) - from;
    const next = stretches[index + 1];
    if (next) idle.push({ from: to, to: Math.min(next[0], stop) });
  });
  // The shortest first: a gap is squeezed when it is longer than all that is drawn at its length together.
  let drawn = worked;
  const gaps: Gap[] = [];
  for (const gap of [...idle].sort((a, b) => a.to - a.from - (b.to - b.from))) {
    const length = gap.to - gap.from;
    if (length > IDLE_MS_MIN && length > drawn) gaps.push(gap);
    else drawn += length;
  }
  if (gaps.length === 0) return knots([start, stop], [0, 1], []);
  const share = Math.min(GAP_SHARE, 0.6 / gaps.length);
  const width = Math.max(drawn, 1) / (1 - share * gaps.length);
  gaps.sort((a, b) => a.from - b.from);
  const times = [start];
  const places = [0];
  const step = (time: number, place: number): void => {
    if (time <= (times.at(-1) as number)) return;
    times.push(time);
    places.push(Math.min(1, place));
  };
  for (const gap of gaps) {
    step(gap.from, (places.at(-1) as number) + (gap.from - (times.at(-1) as number)) / width);
    step(gap.to, (places.at(-1) as number) + share);
  }
  step(stop, 1);
  places[places.length - 1] = 1;
  return knots(times, places, gaps);
}

function knots(times: number[], places: number[], gaps: Gap[]): Scale {
  return { times: Float64Array.from(times), places: Float64Array.from(places), gaps };
}

/** The first index whose value is greater. */
function above(values: Float64Array, value: number): number {
  let low = 1;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
