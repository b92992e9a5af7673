/** Expressions over all of a run: the records at which any was not what it had been before. */

export interface Turn {
  position: number;
  summary: string;
  /** What each expression was, as a text; "" where it was nothing. */
  values: readonly string[];
}

/** Of each turn, which of its values are not those of the turn before; of the first none, for what was before is not there. */
export function differences(turns: readonly Turn[]): boolean[][] {
  return turns.map(({ values }, index) => values.map((value, column) => index > 0 && value !== turns[index - 1].values[column]));
}
