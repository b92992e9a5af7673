/** How often something is looked at again. */

const SHARE = 10;

/** How long to wait before the next look, in ms: what takes long to answer is asked for at most a tenth of the time. */
export function waitAfter(tookMs: number, everyMs: number): number {
  return Math.max(everyMs, tookMs * (SHARE - 1));
}

/** When something that was refused or failed is looked at again by itself: soon while the server is away; never where we may not
 * see it, which only fills the audit with refusals; else as ever. */
export function afterFailure(status: number): "soon" | "as ever" | "never" {
  if (status === 0 || status === 503) return "soon";
  return status === 403 ? "never" : "as ever";
}
