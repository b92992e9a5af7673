/** The time that somebody looks at on all pages: from an instant until another, as the URL has it. */

const BETWEEN = "~";

export interface Range {
  since: string;
  until: string;
}

/** What the URL says; null for no range, and for what is none. */
export function rangeOf(text: string): Range | null {
  const [since, until, ...more] = text.split(BETWEEN);
  const [from, to] = [Date.parse(since), Date.parse(until ?? "")];
  return more.length === 0 && from < to ? { since, until } : null;
}

export function rangeText({ since, until }: Range): string {
  return since + BETWEEN + until;
}

/** A filter within the range, unless it says a time itself. */
export function within<P extends { query: Record<string, string> }>(parsed: P, text: string): P {
  const range = rangeOf(text);
  if (!range || parsed.query.since !== undefined || parsed.query.until !== undefined) return parsed;
  return { ...parsed, query: { ...parsed.query, ...range } };
}
