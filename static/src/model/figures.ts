/** How often it went well, and how long it took: figures of functions and their steps. */
import type { FunctionFigures, RunSummary, StepFigures } from "../api/types";
import { duration } from "./time";

/** In whole percent, of which 100 means all and 0 none. */
export function share(part: number, whole: number): string {
  if (part === whole) return "100%";
  if (part === 0) return "0%";
  return `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))}%`;
}

export interface Said {
  text: string;
  /** Of what the figure is. */
  said: string;
}

/** How many began. */
export function begunOf(figures: FunctionFigures): string {
  return `${figures.begun.toLocaleString("en")}${figures.begun_exact ? "" : "+"}`;
}

/** Of the runs that ended, and without those that somebody cancelled; null if there are none. */
export function successOf(figures: FunctionFigures): (Said & { bad: boolean }) | null {
  const { completed = 0, failed = 0 } = figures.counts;
  if (completed + failed === 0) return null;
  return { text: share(completed, completed + failed), said: `${completed} of ${completed + failed} that ended went well${newest(figures)}`, bad: failed > 0 };
}

/** `1.2 s / 4.0 s`; null if none completed. */
export function tookOf(figures: FunctionFigures): Said | null {
  const { took } = figures;
  if (!took) return null;
  const [p50, p95] = [duration(took.p50_ms), duration(took.p95_ms)];
  return { text: `${p50} / ${p95}`, said: `half took at most ${p50}, 95% at most ${p95}: of ${took.count} that completed${newest(figures)}` };
}

function newest(figures: FunctionFigures): string {
  return figures.sampled < figures.begun || !figures.begun_exact ? `, among the newest ${figures.sampled}` : "";
}

/** How long each run took from its start, the oldest first; those that never started are left out. */
export function tookEach(runs: readonly Pick<RunSummary, "id" | "started_at" | "ended_at">[]): { id: string; ms: number }[] {
  return runs
    .flatMap(({ id, started_at: from, ended_at: to }) => (from && to ? [{ id, ms: Math.max(0, Date.parse(to) - Date.parse(from)) }] : []))
    .reverse();
}

export interface StepShares {
  failed: Said;
  retried: Said;
  /** From 0 to 1: how long it takes beside the longest. */
  weight: number;
}

/** What is shown of a step beside the others. */
export function sharesOf(step: StepFigures, steps: readonly StepFigures[]): StepShares {
  const longest = Math.max(1, ...steps.map((one) => one.took?.p95_ms ?? 0));
  return {
    failed: { text: share(step.failed, step.count), said: `${step.failed} of ${step.count} failed` },
    retried: { text: share(step.retried, step.count), said: `${step.retried} of ${step.count} took more than one attempt` },
    weight: (step.took?.p95_ms ?? 0) / longest,
  };
}

/** The ids in parts that one call asks for; no more than `max` parts. */
export function parts(ids: readonly string[], size: number, max: number): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < ids.length && found.length < max; at += size) found.push(ids.slice(at, at + size));
  return found;
}
