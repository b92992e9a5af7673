/** How far a bulk job is, in words. */
import type { BulkJob } from "../api/types";
import { quoted, worded } from "./quoted";
import { look } from "./status";
import { duration } from "./time";

export const VERBS = [
  { id: "resume", label: "Resume…", done: "resumed" },
  { id: "replay", label: "Replay…", done: "replayed" },
  { id: "fork", label: "Fork from failure…", done: "forked from where they failed" },
  { id: "pause", label: "Pause…", done: "paused" },
  { id: "cancel", label: "Cancel…", done: "cancelled" },
  { id: "tag", label: "Tag…", done: "tagged" },
] as const;

export type Verb = (typeof VERBS)[number];

/** Of what is done to more than so many at once, the number or the name is typed first. */
export const TYPED_FROM = 100;

/** Runs of which statuses can be asked it: app/runs/bulk.py says the same. Left out: of any. */
const POSSIBLE: Partial<Record<Verb["id"], readonly string[]>> = {
  resume: ["paused", "failed"],
  fork: ["paused", "failed"],
  pause: ["waiting_for_capacity", "running", "waiting"],
  cancel: ["waiting_for_capacity", "running", "waiting", "paused"],
};

/** Why one run cannot be asked it as it is; "" if it can. */
export function barredAt(verb: Verb, status: string): string {
  const possible = POSSIBLE[verb.id];
  if (!possible || possible.includes(status)) return "";
  return `it is ${look(status).label.toLowerCase()}`;
}

/** `Resume 3 runs`, `Fork 3 runs from failure`. */
export function titleOf(verb: Verb, runs: string): string {
  const [first, ...rest] = verb.label.replace("…", "").split(" ");
  return [first, runs, ...rest].join(" ");
}

/** What is done to a run by a verb: `3 runs resumed`. */
export function doneBy(verb: string): string {
  return VERBS.find((one) => one.id === verb)?.done ?? verb;
}

/** From 0 to 1; there may have been more runs when it began than are left. */
export function shareOf(job: Pick<BulkJob, "status" | "total" | "changed" | "refused">): number {
  if (job.status === "completed" || job.total === 0) return 1;
  return Math.min(1, (job.changed + job.refused) / job.total);
}

/** `430 of 1,240 resumed, 2 refused`. */
export function farOf(job: Pick<BulkJob, "verb" | "total" | "changed" | "refused">): string {
  const refused = job.refused > 0 ? `, ${job.refused.toLocaleString("en")} refused` : "";
  return `${job.changed.toLocaleString("en")} of ${job.total.toLocaleString("en")} ${doneBy(job.verb)}${refused}`;
}

/** How it ended, or how long it takes yet at the pace so far; "" where nobody can tell. `now` in ms. */
export function outlook(job: BulkJob, now: number): string {
  if (job.status === "stopped") return job.stop_reason ? `stopped: ${job.stop_reason}` : "stopped, the rest stay as they are";
  const done = job.changed + job.refused;
  const left = Math.max(0, job.total - done);
  if (job.status === "completed") return left > 0 ? `${left.toLocaleString("en")} went on by themselves before it came to them` : "";
  if (done === 0) return "";
  const took = Math.max(0, now - Date.parse(job.started_at));
  return `about ${duration((took / done) * left)} to go`;
}

export interface Refusal {
  run_id: string;
  error: string;
  hint?: string;
}

export interface Reason {
  text: string;
  hint: string;
  /** Those that it holds of. */
  runs: readonly string[];
}

/** Why runs are left out, those of one reason together, the most frequent first: the id of a run is no part of it. */
export function reasonsOf(refused: readonly Refusal[]): Reason[] {
  const found = new Map<string, { text: string; hint: string; runs: string[] }>();
  for (const { run_id: id, error, hint = "" } of refused) {
    const text = error.split(id).join("it");
    const reason = found.get(text) ?? { text, hint, runs: [] };
    reason.runs.push(id);
    found.set(text, reason);
  }
  return [...found.values()].sort((a, b) => b.runs.length - a.runs.length);
}

/** `12 completed, 3 cancelled`: those that a filter has, and that cannot be asked it. */
export function excludedText(excluded: Readonly<Record<string, number>>): string {
  return Object.entries(excluded)
    .sort(([, a], [, b]) => b - a)
    .map(([status, count]) => `${count.toLocaleString("en")} ${look(status).label.toLowerCase()}`)
    .join(", ");
}

/** Which runs, as the filter of the list says it; "" for those that were named. */
export function whichOf(job: Pick<BulkJob, "filter" | "named">): string {
  if (job.named) return "";
  const { function_id, event_id, parent_run_id, failure, status, tag, search, since } = job.filter ?? {};
  const tokens = { status, function: function_id, event: event_id, parent: parent_run_id, failure, tag, since };
  const said = Object.entries(tokens).flatMap(([key, value]) => (value ? [`${key}:${worded(value)}`] : []));
  return [...said, ...(search ? [search] : [])].join(" ");
}

/** What begins a job, and the options of the command that say the same. */
const OPTIONS = [
  ["function_id", "function"],
  ["event_id", "event"],
  ["parent_run_id", "parent"],
  ["failure", "failure"],
  ["status", "status"],
  ["tag", "tag"],
  ["since", "since"],
  ["until", "until"],
  ["search", "search"],
  ["run_ids", "run"],
  ["add", "add"],
  ["remove", "remove"],
  ["per_second", "per-second"],
] as const;

/** The command that begins the same job; `given` is what the call is given. */
export function commandOf(verb: Verb["id"], given: Record<string, unknown>, reason: string, environment: string): string {
  const options = OPTIONS.flatMap(([field, option]) => [given[field] ?? []].flat().map((value) => `--${option} ${quoted(String(value))}`));
  const words = ["ironflow bulk start", verb, ...options, ...(given.compensate ? ["--compensate"] : []), "--reason", quoted(reason)];
  return [...words, ...(environment === "default" ? [] : ["--env", environment])].join(" ");
}
