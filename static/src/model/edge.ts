/** How wide what stands at the right side of a page may be made, in CSS pixels. */

export const NARROWEST = 300;
/** Of the window: the list beside it has to stay of use. */
const SHARE_MAX = 0.6;
const STEP = 16;
const LEAP = 64;

export function widest(window: number): number {
  return Math.max(NARROWEST, Math.floor(window * SHARE_MAX));
}

/** The nearest width that it may have. */
export function fitting(width: number, window: number): number {
  return Math.round(Math.max(NARROWEST, Math.min(width, widest(window))));
}

/** The width after a key at its edge, which moves as the arrows point; null for keys that mean nothing there. */
export function moved(key: string, leap: boolean, width: number, window: number): number | null {
  const step = leap ? LEAP : STEP;
  switch (key) {
    case "ArrowLeft":
      return fitting(width + step, window);
    case "ArrowRight":
      return fitting(width - step, window);
    case "Home":
      return NARROWEST;
    case "End":
      return widest(window);
    default:
      return null;
  }
}
