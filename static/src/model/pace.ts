/** How often something is looked at again. */

const SHARE = 10;

/** How long to wait before the next look, in ms: what takes long to answer is asked for at most a tenth of the time. */
export function waitAfter(tookMs: number, everyMs: number): number {
  return Math.max(everyMs, tookMs * (SHARE - 1));
}
