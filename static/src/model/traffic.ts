/** How many requests a second there were between two looks, and how figures of a server read. Pure. */
import { ms } from "./time";

export interface Look {
  now: string;
  requests: { total: number; failed: number };
}

/** A second; null while there is one look only, or the node began anew between the two. */
export function between(before: Look | null, after: Look): { perSecond: number; failedPerSecond: number } | null {
  if (!before) return null;
  const seconds = (ms(after.now) - ms(before.now)) / 1_000;
  const total = after.requests.total - before.requests.total;
  if (!(seconds > 0) || total < 0) return null;
  return { perSecond: total / seconds, failedPerSecond: Math.max(0, after.requests.failed - before.requests.failed) / seconds };
}

/** `≤ 5 ms`; beyond what is measured it is more than the last bound. */
export function atMost(bound: number | undefined, last = 5_000): string {
  if (bound === undefined) return `> ${last / 1_000} s`;
  return bound < 1_000 ? `≤ ${bound} ms` : `≤ ${bound / 1_000} s`;
}
