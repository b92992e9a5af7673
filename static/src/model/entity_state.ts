/** The state of an entity where no reducer of its own is known: what its events said, laid one over another. */
import { counted } from "./counted";
import type { Json } from "./json";

/** The name of the entry that ends a deleted entity. */
export const DELETED = "$stream.deleted";

/** Members of an object replace those of the same name and leave the others; any other data replace all of it. */
export function laid(base: Json | undefined, events: readonly { name: string; data: Json }[]): Json | undefined {
  return events.reduce<Json | undefined>((state, { name, data }) => {
    if (name === DELETED || data === null) return state;
    return state instanceof Map && data instanceof Map ? new Map([...state, ...data]) : data;
  }, base);
}

/** What a state is made of, in a sentence. */
export function madeOf(snapshot: number, version: number): string {
  if (snapshot === version) return `A client kept this snapshot as of version ${version}.`;
  const events = version - snapshot;
  const said = `${counted(events, "event")}, laid one over another`;
  return snapshot > 0 ? `The snapshot that a client kept of version ${snapshot}, and ${said}.` : `The data of ${said}: the code that folds them is not known here.`;
}

/** A version that there is, out of what was asked for. */
export function within(version: number, newest: number): number {
  return Math.max(1, Math.min(newest, Math.floor(version) || newest));
}
