/** How far projections are and who folds them, as people read it. */
import type { PaceSample, ProjectionSummary } from "../api/data";
import { perSecond } from "./rate";
import { duration } from "./time";

export interface Standing {
  status: string;
  /** Why nothing comes of it; empty where something does. */
  why: string;
}

/** What is said of a projection: its status, unless nobody has folded it or nobody does. */
export function standing(of: ProjectionSummary): Standing {
  if (of.status !== "active") return { status: of.status, why: "" };
  const own = of.mode === "declared" || of.mode === "sql";
  if (of.runner === "never") return { status: "never_ran", why: own ? "The server has not begun to fold it yet." : "No worker that has it has come yet: start the one whose code it is." };
  if (of.runner === "gone" && !own)
    return of.lag > 0 ? { status: "unattended", why: "No worker folds it now: its state stands still, while events come." } : { status: of.status, why: "No worker is there to fold what comes next." };
  if (!of.last_event_id && of.lag === 0) return { status: of.status, why: `No event that it folds has come yet: ${of.events.join(", ") || "any"}.` };
  return { status: of.status, why: "" };
}

/** `12 · 3.50 s`, in positions of history and the age of the oldest; empty if there is none. */
export function lagText(of: Pick<ProjectionSummary, "lag" | "lag_seconds">): string {
  if (of.lag === 0) return "";
  return `${of.lag.toLocaleString("en")} · ${duration(of.lag_seconds * 1_000)}`;
}

/** `4.2/s`; empty where nobody can tell yet. */
export function rateText(of: Pick<ProjectionSummary, "events_per_second">): string {
  return of.events_per_second === undefined ? "" : `${perSecond(of.events_per_second)}/s`;
}

/** So many the server counts. */
const COUNTED_MAX = 1_000;

export function partitionsText(of: Pick<ProjectionSummary, "partitions">): string {
  return of.partitions === undefined ? "" : countedText(of.partitions);
}

export function countedText(partitions: number): string {
  return partitions < COUNTED_MAX ? String(partitions) : `${COUNTED_MAX.toLocaleString("en")}+`;
}

/** What a chart of its pace can show, each with how a value is told. */
export const SERIES = {
  seconds: { label: "Lag in time", value: (one: PaceSample) => one.lag_seconds, told: (value: number) => (value === 0 ? "none" : duration(value * 1_000)) },
  positions: { label: "Lag in positions", value: (one: PaceSample) => one.lag, told: (value: number) => value.toLocaleString("en") },
  rate: { label: "Events a second", value: (one: PaceSample) => one.events_per_second ?? 0, told: (value: number) => `${perSecond(value)}/s` },
} as const;

export type SeriesName = keyof typeof SERIES;

/** The bounds of a rebuild, as they were typed: empty ones are left out, and what cannot be is said. */
export function between(from: string, to: string, head: number): { fromPosition?: number; toPosition?: number } | { wrong: string } {
  const [first, last] = [from.trim(), to.trim()];
  for (const one of [first, last]) if (one !== "" && !(/^\d{1,15}$/.test(one) && Number(one) >= 1 && Number(one) <= head)) return { wrong: `${one} is no position from 1 to ${head.toLocaleString("en")}.` };
  if (first !== "" && last !== "" && Number(last) < Number(first)) return { wrong: "It ends before it begins." };
  return { ...(first === "" ? {} : { fromPosition: Number(first) }), ...(last === "" ? {} : { toPosition: Number(last) }) };
}
