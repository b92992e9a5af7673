/** What the address of a list may say. A name that a list knows otherwise is put where it is read, as somebody who came from
 * the API would write it; what none reads is told, so that nobody takes a list for filtered that is not. */

import { worded } from "./quoted";

interface Known {
  /** Parameters that the page reads, with spaces between. */
  names: string;
  /** Keys of the filter's text, by the names that a parameter may have for them. */
  tokens?: Readonly<Record<string, string>>;
  /** The parameter that words are looked for with; left out where words cannot be looked for. */
  words?: string;
}

const EVERYWHERE = "env range";
const TIMES = { since: "since", until: "until" };
/** Names for words to be looked for. */
const WORDS = ["q", "search"];

/** By the path of the list; `:id` stands for one segment or more. */
export const LISTS: Readonly<Record<string, Known>> = {
  "/events": { names: "q pattern filter watch sample event show publish data", tokens: { name: "name", source: "source", ...TIMES }, words: "q" },
  "/runs": {
    names: "q run job",
    tokens: { status: "status", function: "function", function_id: "function", event_id: "event", event: "event", parent: "parent", parent_run_id: "parent", failure: "failure", group: "group", tag: "tag", sort: "sort", order: "sort", ...TIMES },
    words: "q",
  },
  "/failures": { names: "q status failure", tokens: { function: "function", function_id: "function", step: "step", type: "type", error_type: "type", assignee: "assignee", ...TIMES }, words: "q" },
  "/functions": { names: "function show" },
  "/workers": { names: "tab worker lane" },
  "/projections": { names: "projection" },
  "/streams": { names: "type search deleted stream", words: "search" },
  "/kv": { names: "bucket" },
  "/kv/:id": { names: "filter under key revision against as", words: "filter" },
  "/config": { names: "tab name revision against of" },
  "/groups": { names: "tab group show cause find letter q by is subscription topic", words: "q" },
  "/webhooks": { names: "tab source delivery of status" },
  "/audit": { names: "tab type action actor since until decision kind stream entry show" },
  "/access": { names: "tab one" },
  "/policies": { names: "tab policy show revision against principal action address kind resource roles subject when" },
};

export function listAt(path: string): Known | undefined {
  return LISTS[path] ?? Object.entries(LISTS).find(([known]) => known.endsWith(":id") && path.startsWith(known.slice(0, -":id".length)))?.[1];
}

/** The parameters as the list at a path reads them; the same ones where there is nothing to be put elsewhere. */
export function understood(path: string, query: URLSearchParams): URLSearchParams {
  const list = listAt(path);
  if (!list) return query;
  const names = list.names.split(" ");
  const said = new URLSearchParams(query);
  const more: string[] = [];
  for (const [name, value] of query) {
    const token = list.tokens?.[name];
    if (names.includes(name) || !(token ?? (list.words && WORDS.includes(name)))) continue;
    said.delete(name);
    if (value) more.push(token ? `${token}:${worded(value)}` : value);
  }
  if (more.length > 0 && list.words) said.set(list.words, [query.get(list.words), ...more].filter(Boolean).join(" "));
  return said.size === query.size && more.length === 0 ? query : said;
}

/** The names that no list at this path reads; none at the path of no list. */
export function ignored(path: string, query: URLSearchParams): string[] {
  const list = listAt(path);
  if (!list) return [];
  const names = `${EVERYWHERE} ${list.names}`.split(" ");
  return [...new Set(query.keys())].filter((name) => !names.includes(name));
}
