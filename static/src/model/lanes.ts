/** History over time, a lane for each noun: which part of the time a moment is in, and the other way round. Pure. */
import { iso, ms } from "./time";

/** What the server counted: see GET /api/v1/history/facets. */
export interface FacetsShape {
  entries: number;
  first: number;
  last: number;
  since?: string;
  until?: string;
  whole: boolean;
  kinds: { kind: string; count: number }[];
  actors: { actor: string; count: number }[];
  lanes: { lane: string; count: number; slices: number[] }[];
}

/** How many parts the time is cut into; 0 where nothing is. */
export function parts(of: FacetsShape): number {
  return of.lanes[0]?.slices.length ?? 0;
}

/** The end of a part, as a moment that the server takes. */
export function endOf(of: FacetsShape, part: number): string {
  const [since, until] = [ms(of.since), ms(of.until)];
  return iso(Math.ceil(since + ((until - since) * (part + 1)) / parts(of)));
}

/** The part that a moment is in; the last for "", which is now; null for one outside, or that is none of the clock. */
export function partOf(of: FacetsShape, moment: string): number | null {
  const count = parts(of);
  if (moment === "") return count - 1;
  const [since, until, at] = [ms(of.since), ms(of.until), /^\d{4}-/.test(moment) ? ms(moment) : NaN];
  if (Number.isNaN(at) || at < since || at > Math.ceil(until)) return null;
  const part = Math.ceil(((at - since) * count) / Math.max(1, until - since)) - 1;
  return Math.max(0, Math.min(count - 1, part));
}

/** How tall a bar is, of 1: the root, so that one entry is seen beside a thousand. */
export function tall(count: number, most: number): number {
  return count === 0 ? 0 : Math.max(0.12, Math.sqrt(count / most));
}

/** The part of a lane in which most happened. */
export function busiest(slices: readonly number[]): number {
  return slices.indexOf(Math.max(...slices));
}
