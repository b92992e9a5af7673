/** Where a value is of another kind than those before it: what code that reads it would stumble over. */
import { type Json, Num, pathText } from "./json";

type Path = readonly (string | number)[];

const TOLD_MAX = 5;

/** One sentence for each place, at most a few; members that are new are none of them. Of several values before it, what any of
 * them had will do, and a member that one of them did not have may be missing. */
export function kindsChanged(before: readonly Json[], after: Json): string[] {
  const found: string[] = [];
  compare(before, after, [], found);
  return found.slice(0, TOLD_MAX);
}

function compare(before: readonly Json[], after: Json, path: Path, found: string[]): void {
  const kinds = [...new Set(before.map(kind))];
  const known = kinds.filter((one) => one !== "null"); // nothing is known of what stands there otherwise
  const is = kind(after);
  if (known.length === 0 || found.length >= TOLD_MAX) return;
  if (!kinds.includes(is)) {
    found.push(`${pathText(path) || "it"} was ${known.join(" or ")}, and is ${is}`);
  } else if (after instanceof Map) {
    const objects = before.filter((one) => one instanceof Map);
    for (const name of new Set(objects.flatMap((one) => [...one.keys()]))) {
      const now = after.get(name);
      const values = objects.flatMap((one) => (one.has(name) ? [one.get(name) as Json] : []));
      if (now !== undefined) compare(values, now, [...path, name], found);
      else if (values.length === objects.length && values.some((one) => one !== null)) found.push(`${pathText([...path, name])} is missing`);
    }
  } else if (Array.isArray(after)) {
    const lists = before.filter((one) => Array.isArray(one)).filter((one) => one.length > 0);
    // An item beyond the end is as the last one was.
    after.forEach((item, index) => compare(lists.map((list) => list[Math.min(index, list.length - 1)]), item, [...path, index], found));
  }
}

function kind(value: Json): string {
  if (value === null) return "null";
  if (value instanceof Num) return "a number";
  if (value instanceof Map) return "an object";
  if (Array.isArray(value)) return "a list";
  return typeof value === "string" ? "text" : "true or false";
}
