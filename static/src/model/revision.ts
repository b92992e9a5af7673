/** The revision that an answer tells; undefined where it tells none, and whatever follows from it is done in any case. */
export function revisionOf(told: unknown): number | undefined {
  const revision = typeof told === "object" && told !== null ? (told as { revision?: unknown }).revision : undefined;
  return typeof revision === "number" ? revision : undefined;
}
