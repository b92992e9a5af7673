/** Which steps a timeline shows, and how they are put together. Rows stay those of the waterfall; what is made anew are
 * the groups above them. */
import { IndexOf } from "./index_of";
import { look } from "./status";
import { Step } from "./step";
import { statusAt } from "./tally";
import { COLLAPSED_FROM, type Row, type Waterfall, group, put } from "./waterfall";

export type By = "" | "name" | "outcome";

export interface Arrangement {
  /** Words that a step's name, kind, wait or error has; one with a minus is one that it has not. */
  words: string;
  /** Only steps of which a try failed. */
  failed: boolean;
  by: By;
}

export interface Arranged {
  root: Row;
  /** How many steps are in it. */
  steps: number;
}

/** All of it: the same rows, where nothing is asked for and no loop is in it. */
export function arranged(folded: Waterfall, how: Arrangement): Arranged {
  const fits = fitting(how);
  if (!fits && !how.by) return { root: gathered(folded.root), steps: folded.steps.size };
  if (!how.by) {
    const kept = narrowed(folded.root, fits ?? (() => true));
    return { root: gathered({ ...folded.root, children: kept.children }), steps: kept.steps };
  }
  const steps = folded.steps.all.filter(fits ?? (() => true));
  const groups = new Map<string, Row>();
  const root: Row = { ...folded.root, children: [] };
  for (const step of steps) {
    const label = how.by === "name" ? step.name : look(statusAt(step, Infinity, Infinity)).label;
    put(group(groups, `by:${how.by}:${label}`, label, root), step);
  }
  root.children = root.children.map((one) => (one.children.length === 1 ? one.children[0] : one));
  return { root, steps: steps.length };
}

/** The tree with many steps of one name, side by side or one after the other, as a group in the place of the first. */
function gathered(parent: Row): Row {
  const below = parent.children.map((child) => (child.kind === "group" ? gathered(child) : child));
  const { of, counts } = namesOf(below.filter((child) => child instanceof Step));
  if (!counts.some((count) => count >= COLLAPSED_FROM)) return below.every((child, index) => child === parent.children[index]) ? parent : { ...parent, children: below };
  const groups = new Map<string, Row>();
  const made: Row = { ...parent, children: [] };
  let step = 0;
  for (const child of below) {
    const name = child instanceof Step && counts[of[step++]] >= COLLAPSED_FROM ? child.name : "";
    if (name) put(group(groups, `same:${parent.id}:${name}`, name, made), child);
    else put(made, child);
  }
  return made;
}

/** Which of their names each step has, and how many have it. There may be as many names as steps: see IndexOf. */
function namesOf(steps: readonly Step[]): { of: number[]; counts: number[] } {
  const counts: number[] = [];
  if (steps.length < COLLAPSED_FROM) return { of: [], counts };
  const names: string[] = [];
  const index = new IndexOf((place) => names[place]);
  const of = steps.map(({ name }) => {
    let place = index.find(name);
    if (place < 0) {
      index.add(name);
      place = names.push(name) - 1;
    }
    counts[place] = (counts[place] ?? 0) + 1;
    return place;
  });
  return { of, counts };
}

/** The groups on the way from a tree's root to a row; null where it is not in it. */
export function above(root: Row, wanted: Row): Row[] | null {
  for (const child of root.children) {
    if (child === wanted) return [];
    const below = child.kind === "group" ? above(child, wanted) : null;
    if (below) return [child, ...below];
  }
  return null;
}

function fitting({ words, failed }: Arrangement): ((step: Row) => boolean) | null {
  const terms = words.toLowerCase().split(/\s+/).filter((term) => term !== "" && term !== "-");
  if (terms.length === 0 && !failed) return null;
  return (step) => {
    if (failed && step.error === null && !step.bars.some((bar) => bar.role === "fail")) return false;
    if (terms.length === 0) return true;
    const text = `${step.label} ${step.type} ${step.about} ${step.error?.message ?? ""} ${step.error?.code ?? ""}`.toLowerCase();
    return terms.every((term) => (term.startsWith("-") ? !text.includes(term.slice(1)) : text.includes(term)));
  };
}

/** The tree without the steps that do not fit, and without the groups that have none left. */
function narrowed(parent: Row, fits: (step: Row) => boolean): { children: Row[]; steps: number } {
  const children: Row[] = [];
  let steps = 0;
  for (const child of parent.children) {
    if (child.kind === "step") {
      if (!fits(child)) continue;
      children.push(child);
      steps++;
    } else {
      const kept = narrowed(child, fits);
      if (kept.steps === 0) continue;
      children.push({ ...child, children: kept.children });
      steps += kept.steps;
    }
  }
  return { children, steps };
}
