/** Expressions over all of a run: which moments are asked for, and which of them made a difference. */

/** So many moments the server answers at once. */
export const AT_ONCE = 20;
/** So many records are looked through, the last ones. */
export const LOOKED_MAX = 400;

/** Positions in parts, of which all but the last stay the same while a run goes on: their answers can be kept. */
export function parts(positions: readonly number[]): number[][] {
  const made: number[][] = [];
  const end = positions.length;
  const begin = Math.max(0, Math.ceil((end - LOOKED_MAX) / AT_ONCE) * AT_ONCE);
  for (let from = begin; from < end; from += AT_ONCE) made.push(positions.slice(from, from + AT_ONCE));
  return made;
}

/** The moments at which a value was not what it had been before, the first among them. `told`: of each moment, what each
 * expression was, as a text. */
export function turns(told: readonly (readonly string[])[]): number[] {
  return told.flatMap((values, index) => (index === 0 || values.some((value, at) => value !== told[index - 1][at]) ? [index] : []));
}
