/** Instants and durations as people read them. Everything is in milliseconds. */

/** Milliseconds of an RFC 3339 instant, with the fraction that Date.parse cuts off; NaN for none. */
export function ms(instant: string | null | undefined): number {
  if (!instant) return NaN;
  const found = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(instant);
  if (!found) return Date.parse(instant);
  return Date.parse(found[1] + found[3]) + (found[2] ? Number(`0.${found[2]}`) * 1000 : 0);
}

/** `840 ms`, `12.4 s`, `3 m 05 s`, `2 h 10 m`, `4 d 3 h`. A negative one comes of clocks that differ: `skew`. */
export function duration(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return "";
  if (milliseconds < -1) return "skew";
  const span = Math.max(0, milliseconds);
  if (span < 1) return span === 0 ? "0 ms" : "< 1 ms";
  if (span < 1_000) return `${Math.round(span)} ms`;
  const seconds = span / 1_000;
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  return twoUnits(Math.round(seconds));
}

/** `now`, `12 s ago`, `in 3 m`. */
export function relative(instant: number, now: number): string {
  if (Number.isNaN(instant)) return "";
  const seconds = Math.round((now - instant) / 1_000);
  if (Math.abs(seconds) < 2) return "now";
  const text = oneUnit(Math.abs(seconds));
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export type Clock = "relative" | "local" | "utc";

/** The instant in the manner that is chosen. */
export function shown(instant: number, now: number, clock: Clock): string {
  if (Number.isNaN(instant)) return "";
  if (clock === "relative") return relative(instant, now);
  if (clock === "utc") return iso(instant).replace("T", " ").replace(/\.\d+Z$/, "Z");
  const date = new Date(instant);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** RFC 3339 in UTC with milliseconds. */
export function iso(instant: number): string {
  return Number.isNaN(instant) ? "" : new Date(instant).toISOString();
}

/** `12:04:31.882` in local time; `11:04:31.882Z` by the clock of UTC. */
export function clockTime(instant: number, clock: Clock = "local"): string {
  if (Number.isNaN(instant)) return "";
  if (clock === "utc") return iso(instant).slice(11);
  const date = new Date(instant);
  const fraction = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${fraction}`;
}

/** Ticks for an axis of `span`, about `count` of them: 0, 5 s, 10 s, … */
export function ticks(span: number, count: number): number[] {
  if (!(span > 0) || count < 1) return [0];
  const rough = span / count;
  const units = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 864e5];
  const step = units.find((unit) => unit >= rough) ?? Math.ceil(rough / 864e5) * 864e5;
  const found: number[] = [];
  for (let at = 0; at <= span * 1.0001; at += step) found.push(at);
  return found;
}

/** A tick's label: as short as a duration can be. */
export function tickText(milliseconds: number): string {
  if (milliseconds === 0) return "0";
  if (milliseconds < 1_000) return `${milliseconds} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 3_600) return seconds % 60 ? `${Math.floor(seconds / 60)} m ${seconds % 60} s` : `${seconds / 60} m`;
  return twoUnits(Math.round(seconds)).replace(/ 00? [hms]$/, "");
}

function twoUnits(seconds: number): string {
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

function oneUnit(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
