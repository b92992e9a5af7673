/** Workers as the page tells them: those that are connected, those that left of late, and those that were turned away. */
import type { Lane, TurnedAway, WorkerShape } from "../api/types";
import { counted } from "./counted";
import { duration } from "./time";

export interface WorkersTold {
  workers: readonly WorkerShape[];
  departed: readonly WorkerShape[];
  rejected: readonly TurnedAway[];
}

/** Those that are connected first; of those that left, the last first. */
export function rowsOf(told: WorkersTold): WorkerShape[] {
  return [...told.workers, ...told.departed];
}

export function isPush(worker: WorkerShape): boolean {
  return worker.transport === "push";
}

/** A status of the catalogue, and what there is to say besides. */
export function standingOf(worker: WorkerShape): { status: string; note: string } {
  if (worker.left_at) return { status: "left", note: worker.reason === "drained" ? "drained" : "" };
  if (!worker.draining) return { status: "active", note: "" };
  return worker.active_jobs > 0 ? { status: "draining", note: `${worker.active_jobs} left` } : { status: "drained", note: "" };
}

/** What it is doing, in a sentence without an end. */
export function doing(worker: WorkerShape): string {
  if (worker.left_at) return `it is gone: ${worker.reason || "its connection ended"}`;
  if (worker.draining && worker.active_jobs > 0) return "takes nothing more, and finishes what it has";
  if (worker.draining) return "has drained: it takes nothing more";
  return `${worker.active_jobs} of ${worker.max_concurrent} slots in use`;
}

export function rttText(worker: WorkerShape): string {
  return worker.rtt_ms === undefined ? "" : span(worker.rtt_ms);
}

function span(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : duration(milliseconds);
}

/** How far its clock is from the server's, "3.20 s ahead", as far as that can be told; "" if it did not say what time it is. */
export function skewText(worker: WorkerShape): string {
  if (worker.skew_ms === undefined) return "";
  if (!worker.skewed) return "in step";
  return `${duration(Math.abs(worker.skew_ms))} ${worker.skew_ms > 0 ? "ahead" : "behind"}`;
}

/** The same in a narrow place: "+3.20 s". */
export function skewSigned(worker: WorkerShape): string {
  if (!worker.skewed) return skewText(worker);
  return `${(worker.skew_ms ?? 0) > 0 ? "+" : "−"}${duration(Math.abs(worker.skew_ms ?? 0))}`;
}

/** How far that may be wrong. */
export function doubtText(worker: WorkerShape): string {
  return worker.rtt_ms === undefined ? "" : `give or take ${span(worker.rtt_ms / 2)}`;
}

/** Of those that are connected: how many clocks are known, and the workers whose clocks differ, the worst first. */
export function clocksOf(workers: readonly WorkerShape[]): { known: number; off: readonly WorkerShape[] } {
  const far = (one: WorkerShape): number => Math.abs(one.skew_ms ?? 0);
  return { known: workers.filter((one) => one.skew_ms !== undefined).length, off: workers.filter((one) => one.skewed).sort((one, other) => far(other) - far(one)) };
}

/** One line for all: "3 rejected connects, key ifkey_…ab". */
export function rejectedText(rejected: readonly TurnedAway[]): string {
  const times = rejected.reduce((sum, one) => sum + one.times, 0);
  if (times === 0) return "";
  const [first] = rejected;
  const whose = rejected.length > 1 ? `${rejected.length} kinds` : first.key ? `key ${first.key}` : "without a key";
  return `${counted(times, "rejected connect")}, ${whose}`;
}

const WAITS_FOR: Record<string, string> = {
  paused: "the function is paused",
  concurrency: "a run at work has to end",
  throttle: "the throttle's next window",
  worker: "a worker with a free slot",
};

/** What the runs of the lane wait for; "" where none waits. */
export function waitsFor(lane: Lane): string {
  return lane.queued > 0 ? (WAITS_FOR[lane.blocking_reason] ?? lane.blocking_reason) : "";
}

/** How much of its limit is taken up, "2 of 5"; without a limit, what is at work. */
export function takenText(lane: Lane): string {
  return lane.limit > 0 ? `${lane.active_reserved} of ${lane.limit}` : String(lane.active_reserved);
}

/** How warm each is among the lanes that are shown, from 0 to 1: by the age of what waits longest. */
export function heatOf(lane: Lane, among: readonly Lane[]): number {
  const most = Math.max(...among.map((one) => one.oldest_queue_age_seconds));
  return most > 0 ? lane.oldest_queue_age_seconds / most : 0;
}
