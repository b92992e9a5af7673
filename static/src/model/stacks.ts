/** How runs went, over the time at which they began, as areas on top of each other. */
import type { RunStats } from "../api/types";

export const LAYERS = ["completed", "failed", "others"] as const;
export type Layer = (typeof LAYERS)[number];

export interface Column {
  /** When it begins, in ms. */
  at: number;
  /** How many began in it. */
  began: number;
  counts: Record<Layer, number>;
}

/** A column for each part of the time, also where nothing began. */
export function columnsOf(stats: Pick<RunStats, "since" | "bucket_ms" | "buckets">, wanted: number): Column[] {
  const start = Date.parse(stats.since);
  const columns = Array.from({ length: wanted }, (_, index): Column => ({ at: start + index * stats.bucket_ms, began: 0, counts: { completed: 0, failed: 0, others: 0 } }));
  for (const { at, counts } of stats.buckets) {
    const column = columns[Math.round((Date.parse(at) - start) / stats.bucket_ms)];
    if (!column) continue;
    for (const [status, count] of Object.entries(counts)) {
      column.counts[status === "completed" || status === "failed" ? status : "others"] += count;
      column.began += count;
    }
  }
  return columns;
}

/** The outline of a layer, lying on those below it, in a box of so many units: a column is one wide, `most` is all its height. */
export function areaOf(columns: readonly Column[], layer: Layer, most: number, height: number): string {
  const below = LAYERS.slice(0, LAYERS.indexOf(layer));
  const y = (count: number): string => (height - (count / Math.max(1, most)) * height).toFixed(2);
  const under = columns.map(({ counts }) => below.reduce((sum, one) => sum + counts[one], 0));
  const edge = (heights: readonly number[]): string[] => {
    const middle = heights.map((count, index) => `${index + 0.5} ${y(count)}`);
    return [`0 ${y(heights[0] ?? 0)}`, ...middle, `${heights.length} ${y(heights[heights.length - 1] ?? 0)}`];
  };
  const over = columns.map(({ counts }, index) => under[index] + counts[layer]);
  return `M${edge(over).join("L")}L${edge(under).reverse().join("L")}Z`;
}
