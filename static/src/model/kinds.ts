/** Where a value is of another kind than one before it: what code that reads it would stumble over. */
import { type Json, Num, pathText } from "./json";

type Path = readonly (string | number)[];

const TOLD_MAX = 5;

/** One sentence for each place, at most a few; members that are new are none of them. */
export function kindsChanged(before: Json, after: Json): string[] {
  const found: string[] = [];
  compare(before, after, [], found);
  return found.slice(0, TOLD_MAX);
}

function compare(before: Json, after: Json, path: Path, found: string[]): void {
  const [was, is] = [kind(before), kind(after)];
  if (was === "null" || found.length >= TOLD_MAX) return; // nothing is known of what stands there otherwise
  if (was !== is) {
    found.push(`${pathText(path) || "it"} was ${was}, and is ${is}`);
  } else if (before instanceof Map && after instanceof Map) {
    for (const [name, value] of before) {
      const now = after.get(name);
      if (now === undefined) found.push(`${pathText([...path, name])} is missing`);
      else compare(value, now, [...path, name], found);
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length > 0) {
    // An item beyond the end is as the last one was.
    after.forEach((item, index) => compare(before[Math.min(index, before.length - 1)], item, [...path, index], found));
  }
}

function kind(value: Json): string {
  if (value === null) return "null";
  if (value instanceof Num) return "a number";
  if (value instanceof Map) return "an object";
  if (Array.isArray(value)) return "a list";
  return typeof value === "string" ? "text" : "true or false";
}
