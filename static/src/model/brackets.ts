/** Brackets and quotes that close themselves while somebody types. */

/** Which close which; a quote closes itself. */
export type Pairs = ReadonlyMap<string, string>;

export interface Typed {
  changes: { from: number; to?: number; insert: string }[];
  /** What is selected then. */
  anchor: number;
  head: number;
}

const FREE = /^[\s)\]},:;]?$/;

/** What a key does where `from` to `to` is selected; null if it only stands for itself. */
export function typed(text: string, from: number, to: number, key: string, pairs: Pairs): Typed | null {
  const close = pairs.get(key);
  const next = text.slice(to, to + 1);
  const closes = [...pairs.values()].includes(key);
  if (from !== to) return close === undefined ? null : around(from, to, key, close);
  const quoted = inQuotes(text, from, pairs);
  if (quoted !== "" && /(?<!\\)(?:\\\\)*\\$/.test(text.slice(0, from))) return null; // it is escaped
  if (closes && next === key && (quoted === "" || quoted === key)) return { changes: [], anchor: to + 1, head: to + 1 };
  if (close === undefined || quoted !== "" || !FREE.test(next)) return null;
  if (close === key && /[\w\\]/.test(text.slice(from - 1, from))) return null;
  return { changes: [{ from, insert: key + close }], anchor: from + 1, head: from + 1 };
}

/** Where the two of an empty pair stand around the place; null if none do. */
export function emptyPair(text: string, at: number, pairs: Pairs): { from: number; to: number } | null {
  const close = at > 0 ? pairs.get(text[at - 1]) : undefined;
  return close !== undefined && text[at] === close ? { from: at - 1, to: at + 1 } : null;
}

function around(from: number, to: number, open: string, close: string): Typed {
  return {
    changes: [
      { from, insert: open },
      { from: to, insert: close },
    ],
    anchor: from + 1,
    head: to + 1,
  };
}

/** The quote that is open at a place, which ends with its line at the latest; "" for none. */
function inQuotes(text: string, at: number, pairs: Pairs): string {
  let open = "";
  for (let index = text.lastIndexOf("\n", at - 1) + 1; index < at; index++) {
    const char = text[index];
    if (char === "\\" && open) index++;
    else if (open ? char === open : pairs.get(char) === char) open = open ? "" : char;
  }
  return open;
}

/** How many brackets of JSON are open at the end of a text; those in strings are none. */
export function depthOf(text: string): number {
  let depth = 0;
  for (const [found] of text.matchAll(/"(?:[^"\\\n]|\\.)*"?|[{}[\]]/g)) {
    if (found === "{" || found === "[") depth++;
    else if (found === "}" || found === "]") depth = Math.max(0, depth - 1);
  }
  return depth;
}
