/** Rows and bars of a run's timeline, folded from its records once. What a row looked like at an earlier position is
 * read off its bars: each knows the position at which it ended. */
import { type Gap, gapId, unloadedText } from "./gaps";
import type { Failure, Rec } from "./records";
import type { Role } from "./status";
import { Step, Steps } from "./step";
import { forget } from "./tally";

export type Pattern = "solid" | "thin" | "hatch" | "hollow" | "dashed";

export interface Bar {
  from: number;
  /** NaN while it goes on. */
  to: number;
  role: Role;
  pattern: Pattern;
  status: string;
  attempt: number;
  /** Whether its end, or that it went on, is in records that are not loaded. */
  lost?: boolean;
  /** What it was called while it went on, where its end changed that. */
  going?: { role: Role; status: string };
  /** Position at which it was known to have begun; 0 where only its end was recorded. */
  opened: number;
  /** Position at which it ended; Infinity while it goes on. */
  closed: number;
}

export interface Row {
  id: string;
  kind: "run" | "group" | "step" | "gap";
  label: string;
  type: string;
  parent: Row | null;
  depth: number;
  /** Whether it is one of the branches of a parallel block. */
  branch: boolean;
  children: Row[];
  bars: Bar[];
  records: Rec[];
  error: Failure | null;
  about: string;
  childRunId: string;
  compensationFor: string;
}

export interface Waterfall {
  root: Row;
  steps: Steps;
  start: number;
  /** How it goes on with later records: which are in it, and the groups made so far. */
  folded: { records: readonly Rec[]; groups: Map<string, Row> };
}

/** So many in a group are folded until somebody unfolds them; so many steps of one name make a group. */
export const COLLAPSED_FROM = 10;
const SEGMENT = /(?:\\.|[^:\\])+/gs;
const PREFIXES = new Set(["compensate", "publish"]);

export interface StepPath {
  branches: { parallel: string; index: string }[];
  name: string;
  number: number;
}

/** What a step id says: `<run>[:<parallel>:<branch>]…:[compensate:]<name>:<number>`. */
export function stepPath(id: string): StepPath {
  const parts = (id.match(SEGMENT) ?? [id]).map((part) => part.replace(/\\(.)/gs, "$1"));
  if (parts.length < 3) return { branches: [], name: id, number: 0 };
  const number = Number(parts.at(-1)) || 0;
  let name = parts.at(-2) as string;
  let path = parts.slice(1, -2);
  if (path.length % 2 === 1 && PREFIXES.has(path.at(-1) as string)) {
    name = `${path.at(-1)}: ${name}`;
    path = path.slice(0, -1);
  }
  const branches = [];
  for (let at = 0; at + 1 < path.length; at += 2) branches.push({ parallel: path[at], index: path[at + 1] });
  return { branches, name, number };
}

/** Rows of all records, in the order in which they began. With those of the first of them, only the others are folded,
 * into the same rows: a long run that goes on would otherwise be folded anew with each record. */
export function waterfall(records: readonly Rec[], label: string, known?: Waterfall): Waterfall {
  const before = known && known.root.label === label && begins(records, known.folded.records) ? known : null;
  const { root, steps, start, folded: { groups } } = before ?? { root: row("run", "run", label, null), steps: new Steps(), start: records[0]?.at ?? 0, folded: { groups: new Map<string, Row>() } };
  const folded: Waterfall = { root, steps, start, folded: { records, groups } };
  for (let index = before?.folded.records.length ?? 0; index < records.length; index++) {
    const record = records[index];
    const before = records[index - 1];
    if (before && record.version > before.version + 1) lose(folded, before, record);
    if (record.stepId) {
      const step = folded.steps.get(record.stepId);
      if (step) step.take(record);
      forget(step ?? placed(folded, groups, record));
    } else {
      root.records.push(record);
      advanceRun(folded, record);
    }
    if (record.startedAt < folded.start) folded.start = record.startedAt;
  }
  return folded;
}

/** Whether a list of records begins with those of another one; positions say which record is which. */
function begins(records: readonly Rec[], first: readonly Rec[]): boolean {
  const last = first.length - 1;
  return last >= 0 && last < records.length && records[0].position === first[0].position && records[last].position === first[last].position;
}

/** Whether a group is folded until somebody unfolds it. */
export function isCollapsed(row: Row): boolean {
  return row.children.length >= COLLAPSED_FROM;
}

/** The rows in sight: children of those that are open, depth first. A branch of one step is shown as that step. */
export function visible(root: Row, isOpen: (row: Row) => boolean): Row[] {
  const found: Row[] = [root];
  const walk = (parent: Row, depth: number): void => {
    for (const child of parent.children) {
      const alone = child.branch && child.children.length === 1 && child.children[0].kind === "step";
      const shown = alone ? child.children[0] : child;
      shown.depth = depth;
      found.push(shown);
      if (shown.children.length > 0 && isOpen(shown)) walk(shown, depth + 1);
    }
  };
  walk(root, 1);
  return found;
}

/** The same rows, and below each step that started another run the rows of that, where it is known: positions are those of
 * all of history, so they can be read beside one another. */
export function inlined(rows: readonly Row[], inside: ReadonlyMap<string, Row>, isOpen: (row: Row) => boolean): readonly Row[] {
  if (inside.size === 0) return rows;
  return rows.flatMap((row) => {
    const child = row.childRunId ? inside.get(row.childRunId) : undefined;
    if (!child) return [row];
    const below = inlined(visible(child, isOpen).slice(1), inside, isOpen);
    for (const one of below) one.depth += row.depth;
    return [row, ...below];
  });
}

/** The same tree, its groups called by its run too: several runs may have a block, or a loop, of one name. */
export function apart(parent: Row, runId: string): Row {
  for (const child of parent.children) {
    if (child.kind !== "group") continue;
    child.id = `${runId}${child.id}`;
    apart(child, runId);
  }
  return parent;
}

function row(id: string, kind: Row["kind"], label: string, parent: Row | null): Row {
  const made: Row = {
    id,
    kind,
    label,
    type: "",
    parent,
    depth: 0,
    branch: false,
    children: [],
    bars: [],
    records: [],
    error: null,
    about: "",
    childRunId: "",
    compensationFor: "",
  };
  if (parent) put(parent, made);
  return made;
}

/** A new step's row, below the parallel blocks and branches of its id. */
function placed(folded: Waterfall, groups: Map<string, Row>, record: Rec): Step {
  const path = stepPath(record.stepId);
  let parent = folded.root;
  let key = "";
  for (const { parallel, index } of path.branches) {
    key += `:${parallel}`;
    parent = group(groups, key, parallel, parent);
    key += `:${index}`;
    parent = group(groups, key, `branch ${index}`, parent);
    parent.branch = true;
  }
  const step = new Step(parent, record, path.name, path.number);
  put(parent, step);
  folded.steps.add(step);
  return step;
}

/** Another child of a row, which stays where it is in its own tree. */
export function put(parent: Row, child: Row): void {
  parent.children.push(child);
}

/** The group of a key, made below `parent` when it is first asked for. */
export function group(groups: Map<string, Row>, key: string, label: string, parent: Row): Row {
  let found = groups.get(key);
  if (!found) groups.set(key, (found = row(key, "group", label, parent)));
  return found;
}

/** Between two records others are not loaded: what went on before is not known to go on after, until something says so. That
 * the run is at work then is what most records mean. */
function lose({ root, steps }: Waterfall, before: Rec, after: Rec): void {
  for (const step of steps.all) if (step.lose(before, after)) forget(step);
  const last = root.bars.at(-1);
  if (last && Number.isNaN(last.to)) Object.assign(last, { to: before.at, closed: after.position, going: { role: last.role, status: last.status } });
  const base = { attempt: after.attempt, opened: after.position };
  root.bars.push({ ...base, from: before.at, to: after.at, closed: after.position, role: "idle", pattern: "dashed", status: "unloaded" });
  root.bars.push({ ...base, from: after.at, to: NaN, closed: Infinity, role: "run", pattern: "thin", status: "running" });
}

/** The same rows, and where the records between them are not loaded a row that says so: before the first that began later. */
export function withGaps(rows: readonly Row[], gaps: readonly Gap[]): readonly Row[] {
  if (gaps.length === 0) return rows;
  const open = [...gaps];
  const found: Row[] = [];
  for (const row of rows) {
    while (open.length > 0 && row.depth === 1 && beganAt(row) > open[0].after) found.push(gapRow(open.shift() as Gap));
    found.push(row);
  }
  return [...found, ...open.map(gapRow)];
}

function gapRow(gap: Gap): Row {
  const made = row(gapId(gap), "gap", unloadedText(gap), null);
  made.depth = 1;
  return made;
}

/** Position of the first record of a row, or of what is below it. */
function beganAt(row: Row): number {
  return row.records[0]?.position ?? (row.children.length > 0 ? beganAt(row.children[0]) : 0);
}

function advanceRun(folded: Waterfall, record: Rec): void {
  const { root } = folded;
  const last = root.bars.at(-1);
  const close = (): void => {
    if (!last || !Number.isNaN(last.to)) return;
    last.to = record.at;
    last.closed = record.position;
  };
  const open = (role: Role, pattern: Pattern, status: string): void => {
    close();
    const span = { from: record.at, to: NaN, attempt: record.attempt, opened: record.position, closed: Infinity };
    root.bars.push({ ...span, role, pattern, status });
  };
  switch (record.kind) {
    case "run.created":
    case "run.woken":
    case "run.released":
    case "run.resumed":
      return open("idle", "dashed", "waiting_for_capacity");
    case "run.retrying":
      root.error = record.error;
      return open("wait", "hatch", "waiting");
    case "run.started":
      return open("run", "thin", "running");
    case "run.suspended":
      return open("wait", "hatch", "waiting");
    case "run.paused":
      return open("warn", "hatch", "paused");
    case "run.completed":
      root.error = null;
      return point(root, record, "ok", "completed", close);
    case "run.failed":
      root.error = record.error;
      giveUp(folded, record);
      return point(root, record, "fail", "failed", close);
    case "run.cancelled":
      giveUp(folded, record);
      return point(root, record, "idle", "cancelled", close);
    case "run.unwinding":
      return giveUp(folded, record);
    default:
  }
}

/** The run came to rest here. */
function point(root: Row, record: Rec, role: Role, status: string, close: () => void): void {
  close();
  const span = { from: record.at, to: record.at, attempt: record.attempt, opened: record.position };
  root.bars.push({ ...span, role, pattern: "solid", status, closed: record.position });
}

/** What the run still waited for is not waited for any more. */
function giveUp(folded: Waterfall, record: Rec): void {
  for (const step of folded.steps.all) if (step.giveUp(record)) forget(step);
}
