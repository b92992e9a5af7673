/** Which of some groups of failures takes the others, and what keeps them apart. */

export interface Mergeable {
  fingerprint: string;
  function_id: string;
  failures: number;
  first_seen: string;
}

/** The one with most failures, of these the one that came first: it is known best. */
export function taker<G extends Mergeable>(groups: readonly G[]): G | undefined {
  return [...groups].sort((one, other) => other.failures - one.failures || one.first_seen.localeCompare(other.first_seen))[0];
}

/** Why they cannot be merged; "" if they can. */
export function apart(groups: readonly Mergeable[]): string {
  if (groups.length < 2) return "Choose two groups or more.";
  const functions = new Set(groups.map((group) => group.function_id));
  if (functions.size > 1) return `They are of ${functions.size} functions: only groups of one can be merged.`;
  return "";
}

const REFUSALS_TOLD = 3;

/** `2 of 5 refused: …`: what was asked of several, and why some did not take it. */
export function refusedText(asked: number, refused: readonly string[]): string {
  const more = refused.length > REFUSALS_TOLD ? `; and ${refused.length - REFUSALS_TOLD} more` : "";
  return `${refused.length} of ${asked} refused: ${refused.slice(0, REFUSALS_TOLD).join("; ")}${more}`;
}
