/** A run's steps as a graph: what began after what had ended. Nobody declares it; it is read off the instants, and off
 * the parallel blocks that ids of steps tell of. Where it would be too large, what follows one another is folded. */
import { span } from "./tally";
import type { Row } from "./waterfall";

export type NodeKind = "start" | "step" | "group" | "fold" | "joint" | "end";

export interface Node {
  id: string;
  kind: NodeKind;
  label: string;
  /** The rows that it stands for; none for a joint and for the ends. */
  rows: readonly Row[];
}

export interface Graph {
  nodes: readonly Node[];
  edges: readonly (readonly [from: string, to: string])[];
  /** How many nodes it has when nothing is folded for its size. */
  whole: number;
}

/** Nodes up to which it is drawn unasked, and up to which at all. */
export const DRAWN_MAX = 300;
export const ASKED_MAX = 2_000;
const FOLDED_TO = 100;

interface Unit {
  node: Node;
  from: number;
  to: number;
  /** Those that it begins and ends with: of a parallel block that is open, those of its branches. */
  entries: readonly string[];
  exits: readonly string[];
}

/** The graph of a run. `max`: how many nodes of steps it may have. */
export function graphOf(root: Row, isOpen: (row: Row) => boolean, max = DRAWN_MAX): Graph {
  const made = new Maker(isOpen);
  const whole = size(root, isOpen);
  const units = whole > max ? made.folded(root.children) : made.units(root.children);
  const { entries, exits } = made.linked(units);
  made.add({ id: "start", kind: "start", label: "start", rows: [] });
  made.add({ id: "end", kind: "end", label: "end", rows: [] });
  made.link(["start"], entries.length > 0 ? entries : ["end"]);
  made.link(exits, ["end"]);
  return { nodes: made.nodes, edges: made.edges, whole };
}

/** How many nodes a row's children are. */
function size(row: Row, isOpen: (row: Row) => boolean): number {
  return row.children.reduce((sum, child) => sum + (child.kind === "group" && (child.branch || isOpen(child)) ? size(child, isOpen) : 1), 0);
}

class Maker {
  nodes: Node[] = [];
  edges: [string, string][] = [];
  #isOpen: (row: Row) => boolean;

  constructor(isOpen: (row: Row) => boolean) {
    this.#isOpen = isOpen;
  }

  add(node: Node): Node {
    this.nodes.push(node);
    return node;
  }

  link(from: readonly string[], to: readonly string[]): void {
    if (from.length > 1 && to.length > 1) {
      const joint = this.add({ id: `joint ${from[0]} ${to[0]}`, kind: "joint", label: "", rows: [] }).id;
      this.link(from, [joint]);
      this.link([joint], to);
      return;
    }
    for (const one of from) for (const other of to) this.edges.push([one, other]);
  }

  /** A unit for each row: of an open block, its branches side by side, each a sequence of its own. */
  units(rows: readonly Row[]): Unit[] {
    return rows.filter((row) => !Number.isNaN(span(row).from)).map((row) => this.#unit(row));
  }

  #unit(row: Row): Unit {
    const { from, to } = span(row);
    const until = Number.isNaN(to) ? Infinity : to;
    if (row.kind === "group" && this.#isOpen(row)) {
      const sides = row.children.map((branch) => this.linked(this.units(branch.kind === "group" ? branch.children : [branch])));
      const node: Node = { id: row.id, kind: "group", label: row.label, rows: [row] };
      return { node, from, to: until, entries: sides.flatMap((side) => side.entries), exits: sides.flatMap((side) => side.exits) };
    }
    const node = this.add({ id: row.id, kind: row.kind === "group" ? "group" : "step", label: row.label, rows: [row] });
    return { node, from, to: until, entries: [node.id], exits: [node.id] };
  }

  /** Few units for many rows: neighbours of the same name are one, and then as many as it takes. */
  folded(rows: readonly Row[]): Unit[] {
    const began = rows.filter((row) => !Number.isNaN(span(row).from)).sort((a, b) => span(a).from - span(b).from);
    const named: Row[][] = [];
    for (const row of began) {
      const last = named.at(-1);
      if (last && row.kind === "step" && last[0].kind === "step" && base(last[0].label) === base(row.label)) last.push(row);
      else named.push([row]);
    }
    const each = Math.ceil(named.length / FOLDED_TO);
    const parts = named.length <= FOLDED_TO ? named : Array.from({ length: Math.ceil(named.length / each) }, (_, index) => named.slice(index * each, (index + 1) * each).flat());
    return parts.map((part) => (part.length === 1 ? this.#closed(part[0]) : this.#fold(part)));
  }

  #closed(row: Row): Unit {
    const kind = row.kind === "group" ? "group" : "step";
    return this.#of({ id: row.id, kind, label: row.label, rows: [row] });
  }

  #fold(rows: readonly Row[]): Unit {
    const [first, last] = [base(rows[0].label), base((rows.at(-1) as Row).label)];
    return this.#of({ id: `fold ${rows[0].id}`, kind: "fold", label: first === last ? first : `${first} … ${last}`, rows });
  }

  #of(node: Node): Unit {
    this.add(node);
    const spans = node.rows.map(span);
    const to = spans.map((one) => (Number.isNaN(one.to) ? Infinity : one.to)).reduce((a, b) => Math.max(a, b));
    return { node, from: spans[0].from, to, entries: [node.id], exits: [node.id] };
  }

  /** Links units that follow one another: each to those that had ended when it began, and that nothing stands between.
   * What they begin and end with is returned. */
  linked(units: readonly Unit[]): { entries: string[]; exits: string[] } {
    const ordered = [...units].sort((a, b) => a.from - b.from);
    const followed = new Set<Unit>();
    const steps: { before: Unit[]; after: Unit[] }[] = [];
    const entries: string[] = [];
    let open: Unit[] = [];
    let ended: Unit[] = [];
    for (const unit of ordered) {
      const now = open.filter((one) => one.to <= unit.from);
      if (now.length > 0) {
        open = open.filter((one) => one.to > unit.from);
        const all = [...ended, ...now];
        const latest = all.reduce((a, b) => (b.from >= a.from ? b : a));
        ended = all.filter((one) => one === latest || one.to > latest.from);
        steps.push({ before: ended, after: [] });
      }
      const step = steps.at(-1);
      if (step) step.after.push(unit);
      else entries.push(...unit.entries);
      open.push(unit);
    }
    for (const { before, after } of steps) {
      for (const one of before) followed.add(one);
      this.link(before.flatMap((one) => one.exits), after.flatMap((one) => one.entries));
    }
    return { entries, exits: ordered.filter((one) => !followed.has(one)).flatMap((one) => one.exits) };
  }
}

/** A step's label without its number. */
function base(label: string): string {
  return label.replace(/ \(\d+\)$/, "").replace(/[ -]?\d+$/, "") || label;
}
