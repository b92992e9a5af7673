/** Events as lists show them: what each carries is kept as it was written. */
import { type Json, at, plain } from "../model/json";
import type { Page, PageOf } from "../model/listed";
import { type Query, exact, exactly } from "./client";
import type { EventSummary } from "./types";

const LIMIT_MAX = 500;

/** Events that came after a position, newest first, but not all at once: `next` where more of them follow. */
export async function newerEvents(query: Query, after: number, signal?: AbortSignal): Promise<PageOf<EventSummary>> {
  const page = await exact("/events", { ...query, limit: LIMIT_MAX, before: after }, signal);
  const more = at(page, "prev_cursor");
  return { items: (at(page, "events") as Json[]).map(summary), next: typeof more === "string" ? more : "" };
}

/** A page of events, newest first. */
export async function events(query: Query, limit: number, cursor: string, signal?: AbortSignal, environment?: string): Promise<Page<EventSummary>> {
  const page = await exactly("GET", "/events", { query: { ...query, limit: Math.min(limit, LIMIT_MAX), cursor }, signal, environment });
  const next = at(page, "next_cursor");
  return { items: (at(page, "events") as Json[]).map(summary), next: typeof next === "string" ? next : "", total: NaN, exact: false };
}

function summary(event: Json): EventSummary {
  const rest = new Map(event as Map<string, Json>);
  const data = rest.get("data") ?? null;
  rest.delete("data");
  rest.delete("metadata");
  return { ...(plain(rest) as EventSummary), data };
}
