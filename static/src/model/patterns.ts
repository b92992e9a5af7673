/** Patterns of events' names: `*` is one part between dots, a last `>` one or more. The server applies them; here they are
 * made, to be chosen. */

const OFFERED_MAX = 60;

/** The names, and before those that share a beginning the pattern for all of them; the most general come first. */
export function patternsOf(names: readonly string[]): string[] {
  const beginnings = new Map<string, number>();
  for (const name of names) {
    const parts = name.split(".");
    for (let end = 1; end < parts.length; end++) {
      const pattern = `${parts.slice(0, end).join(".")}.>`;
      beginnings.set(pattern, (beginnings.get(pattern) ?? 0) + 1);
    }
  }
  const shared = [...beginnings].filter(([, count]) => count > 1).map(([pattern]) => pattern);
  return [...shared, ...names].sort(bySegments).slice(0, OFFERED_MAX);
}

/** The pattern with one part less, which fits all that it fits and more; "" where nothing is left of it. */
export function widened(pattern: string): string {
  const [, prefix, rest] = /^(events:|entity:)?(.*)$/.exec(pattern) ?? [];
  const parts = (rest ?? "").split(".");
  const kept = parts.slice(0, parts.at(-1) === ">" ? -2 : -1);
  return kept.length > 0 ? `${prefix ?? ""}${kept.join(".")}.>` : "";
}

function bySegments(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.replace(/\.>$/, ""));
  return a < b ? -1 : a > b ? 1 : other.length - one.length;
}
