/** The token bar of lists: `status:failed function:ship since:1h -status:completed some words`. The text is what the URL
 * holds, and what a person may type. */
import { worded } from "./quoted";
import { RUN_STATUSES } from "./status";

export interface Offer {
  key: string;
  hint: string;
}

export interface Token {
  key: string;
  value: string;
  negative: boolean;
  text: string;
}

export interface Parsed {
  tokens: Token[];
  words: string;
  query: Record<string, string>;
  problems: string[];
}

const TOKEN = /(-?)([a-z_]+):("(?:[^"\\]|\\.)*"|\S+)|"((?:[^"\\]|\\.)*)"|(\S+)/g;
const NAMES: Record<string, string> = { function: "function_id", event: "event_id", parent: "parent_run_id", failure: "failure", tag: "tag", since: "since", until: "until" };
const ALIASES: Record<string, string> = { fn: "function", f: "function", s: "status", is: "status", age: "since" };

/** What the bar offers to type. */
export const RUN_KEYS: readonly Offer[] = [
  { key: "status", hint: RUN_STATUSES.join(", ") },
  { key: "function", hint: "the id of a function" },
  { key: "event", hint: "the id of the event that started it" },
  { key: "parent", hint: "the id of the run that started it" },
  { key: "failure", hint: "the fingerprint of how it failed last" },
  { key: "group", hint: "function, failure, parent or day: how many there are of each" },
  { key: "tag", hint: "a tag that it has, or several with commas" },
  { key: "since", hint: "15m, 2h, 7d, or an instant" },
  { key: "until", hint: "15m, 2h, 7d, or an instant" },
  { key: "sort", hint: "oldest, status; of one function also longest or shortest" },
];

/** What stands first in the list of runs; "" for the newest. */
const SORTS = ["oldest", "status", "longest", "shortest"] as const;
export type Sort = (typeof SORTS)[number] | "";

/** What runs can be put together by, and how that is said. */
export const GROUPINGS = { function: "function", failure: "failure", parent: "parent", day: "day" } as const;
export type Grouping = keyof typeof GROUPINGS;
const GROUPING_KEYS = Object.keys(GROUPINGS) as Grouping[];

/** The tokens of a text, and its words. */
export function tokenised(text: string): { tokens: Token[]; words: string } {
  const tokens: Token[] = [];
  const words: string[] = [];
  for (const [whole, minus, name, quoted, phrase, word] of text.matchAll(TOKEN)) {
    if (name === undefined) words.push(phrase === undefined ? word : unescaped(phrase));
    else {
      const value = quoted.startsWith('"') ? unescaped(quoted.slice(1, -1)) : quoted;
      tokens.push({ key: ALIASES[name] ?? name, value, negative: minus === "-", text: whole });
    }
  }
  return { tokens, words: words.join(" ") };
}

export interface ParsedRuns extends Parsed {
  /** What the runs are put together by; "" for a list of them. */
  group: Grouping | "";
  /** What the list is sorted by. */
  sort: Sort;
}

const OF_THE_LIST: ReadonlySet<string> = new Set(["status", "group", "sort"]);

/** The parameters of the list of runs that a text means. */
export function parseRuns(text: string): ParsedRuns {
  const { tokens, words } = tokenised(text);
  const { query, problems } = parameters(tokens.filter((token) => !OF_THE_LIST.has(token.key)), NAMES, RUN_KEYS);
  const by = tokens.findLast((token) => token.key === "group")?.value ?? "";
  const group = GROUPING_KEYS.find((one) => one === by) ?? "";
  if (by !== group) problems.push(`runs are not grouped by ${by} — ${GROUPING_KEYS.join(", ")} are there`);
  const first = tokens.findLast((token) => token.key === "sort")?.value ?? "";
  const sort = SORTS.find((one) => one === first) ?? "";
  if (sort !== first) problems.push(`runs are not sorted by ${first} — ${SORTS.join(", ")} are there`);
  else if ((sort === "longest" || sort === "shortest") && !query.function_id) problems.push(`sort:${sort} is of one function: add function:`);
  let wanted: Set<string> | undefined;
  for (const { key, value, negative } of tokens) {
    if (key !== "status") continue;
    const problem = statusProblem(value);
    if (problem) problems.push(problem);
    else wanted = narrowed(wanted, value.split(","), negative);
  }
  if (wanted?.size) query.status = [...wanted].join(",");
  if (wanted?.size === 0) problems.push("no status is left");
  if (words) query.search = words;
  return { tokens, words, query, problems, group, sort };
}

/** The text with the next way of putting runs together, and after the last with none. */
export function groupedNext(text: string): string {
  const { group } = parseRuns(text);
  return withToken(text, "group", GROUPING_KEYS[group ? GROUPING_KEYS.indexOf(group) + 1 : 0] ?? "");
}

/** The text that lists the runs of one group; null for the group of those that have nothing in common. `now` in ms. */
export function groupOpened(text: string, group: Grouping, key: string, now = Date.now()): string | null {
  if (!key) return null;
  const alone = withToken(text, "group", "");
  if (group !== "day") return withToken(alone, group, key);
  const { query } = parseRuns(text);
  const [first, last] = [`${key}T00:00:00Z`, `${key}T23:59:59.999999Z`];
  // A bound that cuts the day is kept: the count was of that part.
  const [from, to] = [instantOf(query.since, now), instantOf(query.until, now)];
  const since = from > first ? from : first;
  const until = to && to < last ? to : last;
  return withToken(withToken(alone, "since", since), "until", until);
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An instant as it is written, or one before now such as 2h; "" for anything else. */
function instantOf(text: string | undefined, now: number): string {
  if (text === undefined) return "";
  const [, count, unit] = /^([\d.]+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (unit) return new Date(now - Number(count) * UNITS_MS[unit]).toISOString();
  return /^\d{4}-\d\d-\d\dT.*Z$/.test(text) ? text : "";
}

const EVENT_NAMES: Record<string, string> = { name: "name", source: "source", since: "since", until: "until" };

export const EVENT_KEYS: readonly Offer[] = [
  { key: "name", hint: "an exact name, several with commas" },
  { key: "source", hint: "where it came from" },
  { key: "since", hint: "15m, 2h, 7d, or an instant" },
  { key: "until", hint: "15m, 2h, 7d, or an instant" },
];

/** The parameters of the list of events that a text means. */
export function parseEvents(text: string): Parsed {
  const { tokens, words } = tokenised(text);
  const { query, problems } = parameters(tokens, EVENT_NAMES, EVENT_KEYS);
  if (words) query.search = words;
  return { tokens, words, query, problems };
}

const FAILURE_NAMES: Record<string, string> = { function: "function_id", step: "step", type: "error_type", assignee: "assignee", since: "since", until: "until" };

export const FAILURE_KEYS: readonly Offer[] = [
  { key: "function", hint: "the id of a function" },
  { key: "step", hint: "a step, as groups name it" },
  { key: "type", hint: "a type of error, such as ValueError" },
  { key: "assignee", hint: "who looks after it" },
  { key: "since", hint: "failed since: 15m, 2h, 7d, or an instant" },
  { key: "until", hint: "failed until: 15m, 2h, 7d, or an instant" },
];

/** The parameters of the list of groups of failures that a text means. */
export function parseFailures(text: string): Parsed {
  const { tokens, words } = tokenised(text);
  const { query, problems } = parameters(tokens, FAILURE_NAMES, FAILURE_KEYS);
  if (words) query.search = words;
  return { tokens, words, query, problems };
}

function parameters(tokens: readonly Token[], names: Record<string, string>, offers: readonly Offer[]): { query: Record<string, string>; problems: string[] } {
  const query: Record<string, string> = {};
  const problems: string[] = [];
  for (const { key, value, negative } of tokens) {
    if (!(key in names)) problems.push(`there is no filter ${key}: — ${offers.map((one) => one.key).join(", ")} are there`);
    else if (negative) problems.push(`only status: can be turned round, not ${key}:`);
    else if (key === "tag" && query.tag) query.tag += `,${value}`;
    else query[names[key]] = key === "since" || key === "until" ? value.replace(/^[<>]/, "") : value;
  }
  return { query, problems };
}

/** The text with a token put in the place of those with the same key; without it for an empty value. */
export function withToken(text: string, key: string, value: string): string {
  const { tokens, words } = tokenised(text);
  const kept = tokens.filter((token) => token.key !== key).map((token) => token.text);
  if (value) kept.push(`${key}:${worded(value)}`);
  if (words) kept.push(words);
  return kept.join(" ");
}

/** The text with a tag more among those that a run has to have. */
export function withTag(text: string, tag: string): string {
  const { tokens, words } = tokenised(text);
  if (tokens.some((token) => token.key === "tag" && token.value.split(",").includes(tag))) return text;
  return [...tokens.map((token) => token.text), `tag:${worded(tag)}`, ...(words ? [words] : [])].join(" ");
}

/** The text without one token. */
export function withoutToken(text: string, token: Token): string {
  const { tokens, words } = tokenised(text);
  const index = tokens.findIndex((one) => one.text === token.text);
  const kept = tokens.filter((_, at) => at !== index).map((one) => one.text);
  return [...kept, ...(words ? [words] : [])].join(" ");
}

function narrowed(before: Set<string> | undefined, values: string[], negative: boolean): Set<string> {
  const all = before ?? new Set<string>(RUN_STATUSES);
  return new Set([...all].filter((status) => values.includes(status) !== negative));
}

function statusProblem(value: string): string {
  const unknown = value.split(",").find((one) => !(RUN_STATUSES as readonly string[]).includes(one));
  return unknown === undefined ? "" : `status ${unknown} is unknown — one of ${RUN_STATUSES.join(", ")}`;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}
