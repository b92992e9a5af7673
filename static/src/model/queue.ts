/** Why a run that is to start has not: its place among those of its function, and what is missing. */

/** A run that waits, as the server lists it. */
export interface Waiting {
  run_id: string;
  blocking_reason: string;
}

export interface Serving {
  function_ids: readonly string[];
  active_jobs: number;
  max_concurrent: number;
  draining: boolean;
}

export interface WhyQueued {
  /** From 1, of `of`; those that wait longest come first. */
  place: number;
  of: number;
  why: string;
  /** Whether nobody is there who could start it. */
  nobody: boolean;
}

const LIMITS: Record<string, string> = {
  paused: "the function is paused: no run of it starts until it is resumed",
  concurrency: "as many runs of it are at work as its limit lets be",
  throttle: "it has started as often as its limit lets it for now",
};

/** Null for a run that is not in the queue, or no more. */
export function whyQueued(runId: string, functionId: string, queue: readonly Waiting[], workers: readonly Serving[]): WhyQueued | null {
  const index = queue.findIndex((one) => one.run_id === runId);
  if (index < 0) return null;
  const reason = queue[index].blocking_reason;
  const serving = workers.filter((one) => one.function_ids.includes(functionId));
  const nobody = reason === "worker" && serving.length === 0;
  return { place: index + 1, of: queue.length, why: LIMITS[reason] ?? missing(serving), nobody };
}

function missing(serving: readonly Serving[]): string {
  if (serving.length === 0) return "no worker that serves it is connected";
  const taking = serving.filter((one) => !one.draining);
  if (taking.length === 0) return `${counted(serving.length)} it, and takes nothing more: draining`;
  const free = taking.reduce((sum, one) => sum + Math.max(0, one.max_concurrent - one.active_jobs), 0);
  return free === 0 ? `${counted(taking.length)} it, and all of their slots are taken` : `${counted(taking.length)} it: it starts any moment`;
}

function counted(workers: number): string {
  return workers === 1 ? "1 worker serves" : `${workers} workers serve`;
}
