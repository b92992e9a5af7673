/** What the length of a run is made of. */
import { span } from "./tally";
import type { Row, Waterfall } from "./waterfall";

const TOUCHES_MS = 1;

interface Stretch {
  id: string;
  from: number;
  to: number;
}

/** Ids of the steps on the critical path: the one that ended last, before it the one that had ended last when it began,
 * and so on. Making any of them shorter could have made the run shorter. `now` is when those end that go on. */
export function criticalPath(folded: Waterfall, now: number): ReadonlySet<string> {
  const stretches = folded.steps.all.map((row) => stretch(row, now)).filter((one) => !Number.isNaN(one.from));
  stretches.sort((a, b) => a.to - b.to || a.from - b.from);
  const found = new Set<string>();
  let from = Infinity;
  for (let index = stretches.length - 1; index >= 0; index--) {
    const one = stretches[index];
    if (one.to > from + TOUCHES_MS) continue;
    found.add(one.id);
    from = Math.min(from, one.from);
  }
  return found;
}

function stretch(row: Row, now: number): Stretch {
  const { from, to } = span(row);
  return { id: row.id, from, to: Number.isNaN(to) ? now : to };
}
