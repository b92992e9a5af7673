/** What happened to runs, over the time at which it did, as areas on top of each other. */
import type { Outcome, RunOutcomes } from "../api/types";

export const LAYERS = ["completed", "failed", "began"] as const;
export type Layer = (typeof LAYERS)[number];

export interface Column {
  /** When it begins, in ms. */
  at: number;
  counts: Record<keyof Omit<Outcome, "at">, number>;
  /** How high its areas are together. */
  height: number;
}

const NOTHING = { began: 0, completed: 0, failed: 0, cancelled: 0 };

/** A column for each part of the time, also where nothing happened. */
export function columnsOf(told: RunOutcomes, wanted: number): Column[] {
  const start = Date.parse(told.since);
  const columns = Array.from({ length: wanted }, (_, index): Column => ({ at: start + index * told.bucket_ms, counts: NOTHING, height: 0 }));
  for (const { at, ...counts } of told.buckets) {
    const index = Math.round((Date.parse(at) - start) / told.bucket_ms);
    if (columns[index]) columns[index] = { ...columns[index], counts, height: LAYERS.reduce((sum, layer) => sum + counts[layer], 0) };
  }
  return columns;
}

/** How often it happened in all. */
export function sumOf(columns: readonly Column[], what: keyof Column["counts"]): number {
  return columns.reduce((total, one) => total + one.counts[what], 0);
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
