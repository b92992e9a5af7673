/** Ways to see more where nothing fits: without one of the things that were asked for, or with a wider pattern. */
import { tokenised, withoutToken, withToken } from "./filter";
import { widened } from "./patterns";

export interface Asked {
  q: string;
  pattern: string;
  filter: string;
}

export interface Widening {
  label: string;
  asked: Asked;
}

const TIME = new Set(["since", "until"]);

/** Each leaves one thing out, or widens it, the last of them all; the most likely come first. */
export function wideningsOf(asked: Asked): Widening[] {
  const { tokens, words } = tokenised(asked.q);
  const found: Widening[] = [];
  if (tokens.some((token) => TIME.has(token.key))) found.push({ label: "At any time", asked: { ...asked, q: withToken(withToken(asked.q, "since", ""), "until", "") } });
  for (let wider = widened(asked.pattern); wider; wider = widened(wider)) found.push({ label: `Pattern ${wider}`, asked: { ...asked, pattern: wider } });
  if (asked.pattern) found.push({ label: "Any pattern", asked: { ...asked, pattern: "" } });
  if (asked.filter) found.push({ label: `Without ${asked.filter}`, asked: { ...asked, filter: "" } });
  for (const token of tokens) if (!TIME.has(token.key)) found.push({ label: `Without ${token.text}`, asked: { ...asked, q: withoutToken(asked.q, token) } });
  if (words) found.push({ label: `Without “${words}”`, asked: { ...asked, q: tokens.map((token) => token.text).join(" ") } });
  const parts = tokens.length + [words, asked.pattern, asked.filter].filter(Boolean).length;
  return parts > 1 ? [...found, { label: "Clear all", asked: { q: "", pattern: "", filter: "" } }] : found;
}
