/** Two changes of one document made into one: member by member, as far as they touch different ones. */
import { type Json, equal, pathText } from "./json";

export interface Merged {
  value: Json;
  /** Where both changed the same to something else; the value has ours there. */
  conflicts: string[];
}

type Maybe = Json | undefined;

/** What ours and theirs are together, both made of `base`. Lists are one value: whoever changed one has changed all of it. */
export function merged(base: Json, theirs: Json, ours: Json): Merged {
  const conflicts: string[] = [];
  const value = together(base, theirs, ours, [], conflicts);
  return { value: value ?? null, conflicts };
}

function together(base: Maybe, theirs: Maybe, ours: Maybe, path: readonly string[], conflicts: string[]): Maybe {
  if (same(base, theirs)) return ours;
  if (same(base, ours) || same(theirs, ours)) return theirs;
  if (theirs instanceof Map && ours instanceof Map) {
    const before = base instanceof Map ? base : new Map<string, Json>();
    const found = new Map<string, Json>();
    // In our order; what only they have stands at the end.
    for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
      const one = together(before.get(key), theirs.get(key), ours.get(key), [...path, key], conflicts);
      if (one !== undefined) found.set(key, one);
    }
    return found;
  }
  conflicts.push(pathText(path));
  return ours;
}

function same(a: Maybe, b: Maybe): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}
