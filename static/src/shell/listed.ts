/** The list that somebody came from: to go on to its next one without going back first. */
import { toast } from "../ui/toast";
import type { Binding } from "./keys";

let ids: readonly string[] = [];

export function leave(list: readonly string[]): void {
  ids = list;
}

/** What stands so many places after an id there; undefined at the end, and for what was not listed. */
export function neighbour(id: string, step: number): string | undefined {
  const at = ids.indexOf(id);
  return at < 0 ? undefined : ids[at + step];
}

/** The keys to the one after and before it in that list; `noun` is what people call them. */
export function siblingKeys(id: string, noun: string, go: (id: string) => void): readonly Binding[] {
  const step = (by: number): void => {
    const next = neighbour(id, by);
    if (next) go(next);
    else toast(`There is no other ${noun} that way`, true);
  };
  return [
    { keys: "]", label: `Next ${noun} of the list you came from`, run: () => step(1) },
    { keys: "[", label: `Previous ${noun} of the list you came from`, run: () => step(-1) },
  ];
}
