/** Which rows of a long list are in sight. */
export interface Window {
  first: number;
  last: number;
}

const OVERSCAN = 8;

/** Rows [first, last) to draw for a viewport; a few more on both sides, so that scrolling never shows a gap. */
export function inSight(scrollTop: number, height: number, rowHeight: number, count: number): Window {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight)) - OVERSCAN);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + OVERSCAN);
  return { first, last: Math.max(first, last) };
}

/** Where to scroll so that a row is whole in sight; the same place if it is. */
export function scrolledTo(row: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return top + rowHeight > scrollTop + height ? top + rowHeight - height : scrollTop;
}
