/** Changes of a document member by member, by the rule of PATCH: members are replaced whole, none is removed, null is a value. */
import { type Json, equal } from "./json";

/** The document once the members are merged into it. */
export function patched(document: Map<string, Json>, members: Map<string, Json>): Map<string, Json> {
  return new Map([...document, ...members]);
}

/** The members that make the one of the other, as far as merging can. */
export function membersOf(before: Map<string, Json>, after: Map<string, Json>): Map<string, Json> {
  return new Map([...after].filter(([name, value]) => !before.has(name) || !equal(before.get(name) as Json, value)));
}

/** The members that are gone, which merging does not do. */
export function removed(before: Map<string, Json>, after: Map<string, Json>): string[] {
  return [...before.keys()].filter((name) => !after.has(name));
}
