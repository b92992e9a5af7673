/** What the list of runs is sorted by: what the server has an index for. */
import type { RunSummary } from "../api/types";
import type { Sort } from "./filter";
import type { RunColumn } from "./run_columns";

export interface Sorts {
  ascending: Sort;
  descending: Sort;
  /** Only runs of one function: how long those of different functions took says nothing. */
  ofOne: boolean;
  told: string;
}

/** What a column sorts by; undefined for one that sorts nothing. */
export function sortsOf(column: RunColumn): Sorts | undefined {
  if (column === "status") return { ascending: "status", descending: "status", ofOne: false, told: "Sort by status: what is under way, what stands still, what has ended" };
  if (column === "started") return { ascending: "oldest", descending: "", ofOne: false, told: "Sort by when they were started" };
  if (column === "duration") return { ascending: "shortest", descending: "longest", ofOne: true, told: "Sort by how long they took: those that have ended" };
  return undefined;
}

/** What a press on the head of a column sorts by next: the greatest first, then the least, then as at first. */
export function sortedNext(column: RunColumn, sort: Sort): Sort {
  const sorts = sortsOf(column);
  if (!sorts || sort === sorts.ascending) return "";
  return sort === sorts.descending ? sorts.ascending : sorts.descending;
}

/** What the server can sort: how long runs took, of one function only. */
export function sortable(sort: Sort, query: Record<string, string>): Sort {
  return (sort === "longest" || sort === "shortest") && !query.function_id ? "" : sort;
}

/** The sections of the list by status, as the server has them: app/runs/orders.py. */
const SECTIONS = ["running", "waiting", "paused", "waiting_for_capacity", "failed", "cancelled", "completed"];
const DIGITS = 20;
const LAST_CODE = 0x7f;

/** Greater for what stands higher in the list, and never the same for two runs. */
export function standing(sort: Sort, run: Pick<RunSummary, "id" | "status" | "started_at" | "ended_at">): string {
  if (sort === "") return run.id;
  if (sort === "status") return `${SECTIONS.length - SECTIONS.indexOf(run.status)} ${run.id}`;
  if (sort === "oldest") return turned(run.id);
  const took = micros(run.ended_at) - micros(run.started_at);
  const key = `${took.toString().padStart(DIGITS, "0")} ${run.id}`;
  return sort === "longest" ? key : turned(key);
}

/** In µs: what the server sorts by, where milliseconds would make two the same. */
function micros(instant: string | null): bigint {
  if (!instant) return 0n;
  const fraction = /\.(\d+)/.exec(instant)?.[1] ?? "";
  const whole = Math.floor(Date.parse(instant) / 1_000);
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** A text that stands the other way round among others of its length. */
function turned(text: string): string {
  return String.fromCharCode(...[...text].map((one) => LAST_CODE - one.charCodeAt(0)));
}
