/** Why a run that is to start has not: its place among those of its function, and what is missing. */

/** A run that waits, as the server lists it. */
export interface Waiting {
  run_id: string;
  blocking_reason: string;
}

export interface Serving {
  id: string;
  function_ids: readonly string[];
  active_jobs: number;
  max_concurrent: number;
  draining: boolean;
}

/** The endpoint of a push function: called, or left alone for now. */
export interface Guarded {
  function_id: string;
  state: string;
  consecutive_fails: number;
  last_error?: string;
  retry_at?: string;
}

export interface WhyQueued {
  /** From 1, of `of`; those that wait longest come first. */
  place: number;
  of: number;
  why: string;
  /** When that changes, where it is known; "" otherwise. */
  until: string;
  /** Whether nobody is there who could start it. */
  nobody: boolean;
}

/** Who could start it, as far as one node knows; null for what one may not see. */
export interface Hands {
  workers: readonly Serving[] | null;
  breakers: readonly Guarded[] | null;
}

const LIMITS: Record<string, string> = {
  paused: "the function is paused: its runs wait until it is resumed",
  concurrency: "as many runs of it are at work as its limit lets be",
  throttle: "it has started as often as its limit lets it for now",
};
/** Push functions have a session of this name, whose slots are calls of their endpoint. */
const PUSH = "push:";

/** Whether only hands are missing: what is at work has to be known to say more. */
export function wantsHands(runId: string, queue: readonly Waiting[]): boolean {
  const found = queue.find((one) => one.run_id === runId);
  return found !== undefined && !(found.blocking_reason in LIMITS);
}

/** What is said before the reason: of a run that is to begin, or to go on after a wait or another attempt. */
export function waitsFor(begun: boolean): string {
  return begun ? "It waits to go on" : "It has not started";
}

/** Null for a run that is not in the queue, or no more; `begun`: it is to go on. */
export function whyQueued(runId: string, functionId: string, queue: readonly Waiting[], { workers, breakers }: Hands, begun = false): WhyQueued | null {
  const index = queue.findIndex((one) => one.run_id === runId);
  if (index < 0) return null;
  const place = { place: index + 1, of: queue.length };
  const limit = LIMITS[queue[index].blocking_reason];
  if (limit) return { ...place, why: limit, until: "", nobody: false };
  const serving = workers?.filter((one) => one.function_ids.includes(functionId)) ?? null;
  const pulling = serving?.filter((one) => !one.id.startsWith(PUSH)) ?? [];
  const left = breakers?.find((one) => one.function_id === functionId && one.state !== "closed");
  if (left && pulling.length === 0) return { ...place, why: leftAlone(left), until: left.retry_at ?? "", nobody: true };
  return { ...place, why: missing(serving, pulling, begun), until: "", nobody: serving?.length === 0 };
}

function leftAlone(endpoint: Guarded): string {
  const failures = endpoint.consecutive_fails === 1 ? "a failure" : `${endpoint.consecutive_fails} failures`;
  return `its endpoint is left alone after ${failures}${endpoint.last_error ? `: ${endpoint.last_error}` : ""}`;
}

function missing(serving: readonly Serving[] | null, pulling: readonly Serving[], begun: boolean): string {
  if (!serving) return "it waits for a worker; to see which are connected takes the permission workers:read";
  if (serving.length === 0) return "no worker that serves it is connected to this node";
  const taking = serving.filter((one) => !one.draining);
  const free = taking.reduce((sum, one) => sum + Math.max(0, one.max_concurrent - one.active_jobs), 0);
  if (pulling.length === 0) return taking.length === 0 ? "its endpoint is not called while this node ends" : free === 0 ? "as many calls of its endpoint are under way as this node makes at once" : "its endpoint is called any moment";
  if (taking.length === 0) return `${counted(serving.length)} it at this node, and takes nothing more: draining`;
  return `${counted(taking.length)} it at this node${free === 0 ? ", and all of their slots are taken" : `: it ${begun ? "goes on" : "starts"} any moment`}`;
}

function counted(workers: number): string {
  return workers === 1 ? "1 worker serves" : `${workers} workers serve`;
}
