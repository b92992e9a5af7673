/** Which rows of a long list are in sight. */
export interface Window {
  first: number;
  last: number;
}

const OVERSCAN = 8;

/** Rows [first, last) to draw for a viewport; a few more on both sides, so that scrolling never shows a gap, and as many
 * wherever it is, so that none of their elements is made or dropped on the way. */
export function inSight(scrollTop: number, height: number, rowHeight: number, count: number): Window {
  const drawn = Math.min(count, Math.ceil(height / rowHeight) + 1 + 2 * OVERSCAN);
  const first = Math.max(0, Math.min(count - drawn, Math.floor(scrollTop / rowHeight) - OVERSCAN));
  return { first, last: first + drawn };
}

/** How far the elements are turned against the rows: `elementOf` says which of them shows which. A row that stays in sight
 * keeps its element. Where none stays no element changes its place among the others, which costs more than new words in it. */
export function turnedFor(turn: number, before: Window, next: Window): number {
  const size = next.last - next.first;
  if (size !== before.last - before.first) return 0;
  const jumped = next.first >= before.last || next.last <= before.first;
  return jumped ? elementOf(before.first - next.first, turn, size) : turn;
}

export function elementOf(row: number, turn: number, size: number): number {
  return (((row + turn) % size) + size) % size;
}

/** Where to scroll so that a row is whole in sight; the same place if it is. */
export function scrolledTo(row: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return top + rowHeight > scrollTop + height ? top + rowHeight - height : scrollTop;
}
