/** A line over time, in a box of `width` by `height`: pure geometry. */

export interface Point {
  at: number;
  value: number;
}

/** The most there is; 1 where all is none, so that the line lies on the ground. */
export function peak(points: readonly Point[]): number {
  return Math.max(0, ...points.map((one) => one.value)) || 1;
}

function placeOf(points: readonly Point[], width: number, height: number): (one: Point) => string {
  const [first, last] = [points[0].at, points[points.length - 1].at];
  const [span, most] = [Math.max(1, last - first), peak(points)];
  return (one) => `${round(((one.at - first) / span) * width)} ${round(height - (one.value / most) * height)}`;
}

/** The path of the line; empty for fewer than two points. */
export function lineOf(points: readonly Point[], width: number, height: number): string {
  if (points.length < 2) return "";
  return `M${points.map(placeOf(points, width, height)).join("L")}`;
}

/** The same, closed along the ground. */
export function areaOf(points: readonly Point[], width: number, height: number): string {
  const line = lineOf(points, width, height);
  return line && `${line}L${width} ${height}L0 ${height}Z`;
}

/** The point nearest to a share of the time from the first to the last. */
export function nearest(points: readonly Point[], share: number): number {
  const [first, last] = [points[0].at, points[points.length - 1].at];
  const wanted = first + (last - first) * share;
  let found = 0;
  for (let index = 1; index < points.length; index++) if (Math.abs(points[index].at - wanted) < Math.abs(points[found].at - wanted)) found = index;
  return found;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
