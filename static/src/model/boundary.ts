/** Where a run that is paused will stop, as far as another run of its function tells. */

export interface Known {
  /** Its id without that of its run. */
  path: string;
  name: string;
}

export interface Boundary {
  /** The step that is under way, or that comes next: it is recorded first. */
  first: string;
  /** The one before which it stops; "" where none comes after it. */
  before: string;
}

/** `ended`: paths of the steps that the run has; `known`: steps of one that went well, in order. Null if those tell of
 * nothing that is still to come. */
export function boundaryOf(ended: ReadonlySet<string>, known: readonly Known[]): Boundary | null {
  const [first, next] = known.filter((step) => !ended.has(step.path));
  return first ? { first: first.name, before: next?.name ?? "" } : null;
}

/** As the end of a sentence about the run. */
export function stopText({ first, before }: Boundary): string {
  return before ? `: if it goes as the last one did, it ends ${first} and stops before ${before}` : `: if it goes as the last one did, ${first} is its last step and it completes`;
}
