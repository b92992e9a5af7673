/** The list that somebody came from: to go on to its next one without going back first. */
let ids: readonly string[] = [];

export function leave(list: readonly string[]): void {
  ids = list;
}

/** What stands so many places after an id there; undefined at the end, and for what was not listed. */
export function neighbour(id: string, step: number): string | undefined {
  const at = ids.indexOf(id);
  return at < 0 ? undefined : ids[at + step];
}
