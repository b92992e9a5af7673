/** How many come a second, over the last few seconds, and of how many one is shown. */

export const WINDOW_MS = 5_000;
/** More than so many a second nobody can follow. */
export const SHOWN_MAX = 200;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/** What has become less is shown in full again only when it is so by a margin: a rate near the limit would flicker. */
const MARGIN = 0.7;
const FIRST_MS = 1_000;

export interface Heard {
  at: number;
  many: number;
}

/** What was heard within the window. */
export function recent(heard: readonly Heard[], now: number): readonly Heard[] {
  return heard.filter((one) => one.at > now - WINDOW_MS);
}

/** A second, for who listens since an instant. */
export function rate(heard: readonly Heard[], since: number, now: number): number {
  const many = recent(heard, now).reduce((sum, one) => sum + one.many, 0);
  return (many * 1_000) / Math.min(WINDOW_MS, Math.max(FIRST_MS, now - since));
}

/** Of how many one is shown at a rate, where it was `before` until now. */
export function sampleAt(perSecond: number, before: number): number {
  const needed = STEPS.find((step) => perSecond / step <= SHOWN_MAX) ?? STEPS[STEPS.length - 1];
  if (needed >= before) return needed;
  return STEPS.find((step) => perSecond / step <= SHOWN_MAX * MARGIN && step < before) ?? before;
}

/** As people read it: few with a digit behind the point. */
export function perSecond(value: number): string {
  if (value === 0) return "0";
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}
