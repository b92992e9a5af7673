/** The state of an entity at a version: the snapshot before it that a client kept, with the events since laid over it. */
import { exact } from "../../api/client";
import type { StreamEvent } from "../../api/data";
import { laid } from "../../model/entity_state";
import { type Json, Num, at, objects } from "../../model/json";

const PAGE = 1_000;
/** Of more events than these no state is made here. */
export const EVENTS_MAX = 5_000;

export interface Folded {
  state: Json | undefined;
  /** The version of the snapshot that it begins with; 0 without one. */
  snapshot: number;
  /** Nothing is made of so many events. */
  beyond: boolean;
}

export async function stateAt(base: string, type: string, version: number, signal?: AbortSignal): Promise<Folded> {
  if (version < 1) return { state: undefined, snapshot: 0, beyond: false };
  const kept = await exact(`${base}/snapshot`, { type, version, optional: "true" }, signal);
  const snapshot = kept ? number(at(kept, "version")) : 0;
  if (version - snapshot > EVENTS_MAX) return { state: undefined, snapshot, beyond: true };
  const events = await eventsBetween(base, type, snapshot + 1, version, signal);
  return { state: laid(kept ? at(kept, "state") : undefined, events), snapshot, beyond: false };
}

/** Those of the versions from one to another, both included, in order. */
export async function eventsBetween(base: string, type: string, first: number, last: number, signal?: AbortSignal): Promise<StreamEvent[]> {
  const found: StreamEvent[] = [];
  for (let next = first; next <= last; ) {
    const page = objects<StreamEvent>(at(await exact(`${base}/events`, { type, from_version: next, limit: Math.min(PAGE, last - next + 1) }, signal), "events"), "data", "metadata");
    if (page.length === 0) break;
    found.push(...page);
    next = page[page.length - 1].version + 1;
  }
  return found;
}

function number(value: Json | undefined): number {
  return value instanceof Num ? Number(value.text) : 0;
}
