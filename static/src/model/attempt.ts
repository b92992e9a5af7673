/** When what was asked for under an Idempotency-Key is settled, so that what follows is another attempt. */

/** Every code of our server, and none of a proxy's or of Connect's own. */
const OURS = /^[A-Z][A-Z0-9_]*$/;

/** Whether our server has refused it: nothing was done under the key. Where nobody answered, somebody on the way to the
 * server did, or it broke off, it may be done by now: it is asked for again under the same key, which does nothing twice. */
export function isRefused({ status, code }: { status: number; code: string }): boolean {
  return status >= 400 && status < 500 && OURS.test(code);
}
