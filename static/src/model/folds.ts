/** Which groups of a run are open: as they are by themselves, or down to a level, but for those that somebody turned round.
 * The URL has it: a level, the groups by their ids, and of many of them a mark of each. */
import { hashOf } from "./hash";
import { type Row, isCollapsed } from "./waterfall";

export interface Folds {
  /** Groups down to this one are open and others are not; null for as they are by themselves. */
  level: number | null;
  /** Ids, or marks of ids, of what is the other way round. */
  turned: ReadonlySet<string>;
}

const SEPARATOR = "\n";
const LEVEL = "=";
const MARKS = "#";
const MARK_CHARS = 5;
const IDS_MAX = 40;
/** More than a person turns round; the address would be too long for some who pass it on. */
const MARKS_MAX = 1_000;
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export function isOpenIn({ level, turned }: Folds, row: Row): boolean {
  const open = level === null ? !isCollapsed(row) : depthOf(row) <= level;
  return open !== (turned.size > 0 && keysOf(row.id).some((key) => turned.has(key)));
}

export function turnedIn(folds: Folds, row: Row): Folds {
  const turned = new Set(folds.turned);
  if (!keysOf(row.id).map((key) => turned.delete(key)).includes(true)) turned.add(row.id);
  return { ...folds, turned };
}

/** All closed if all are open, else all open. */
export function allIn(root: Row, folds: Folds): Folds {
  return { level: groupsOf(root).every((row) => isOpenIn(folds, row)) ? 0 : Infinity, turned: new Set() };
}

export function foldsOf(text: string): Folds {
  let level: number | null = null;
  const turned = new Set<string>();
  for (const line of text.split(SEPARATOR)) {
    if (line.startsWith(LEVEL)) level = line === `${LEVEL}all` ? Infinity : Number(line.slice(1)) || 0;
    else if (line.startsWith(MARKS)) for (let at = 1; at < line.length; at += MARK_CHARS) turned.add(MARKS + line.slice(at, at + MARK_CHARS));
    else if (line) turned.add(line);
  }
  return { level, turned };
}

export function foldsText({ level, turned }: Folds): string {
  const lines = level === null ? [] : [LEVEL + (level === Infinity ? "all" : level)];
  const keys = [...turned];
  if (keys.length <= IDS_MAX && !keys.some((key) => key.startsWith(MARKS))) lines.push(...keys);
  else if (keys.length <= MARKS_MAX) lines.push(MARKS + keys.map((key) => (key.startsWith(MARKS) ? key : markOf(key)).slice(1)).join(""));
  return lines.join(SEPARATOR);
}

function keysOf(id: string): readonly string[] {
  return [id, markOf(id)];
}

const marks = new Map<string, string>();

/** 30 bits of a group's id: of a thousand groups hardly two have the same. */
function markOf(id: string): string {
  const known = marks.get(id);
  if (known) return known;
  const hash = hashOf(id);
  const made = MARKS + [0, 6, 12, 18, 24].map((shift) => DIGITS[(hash >>> shift) & 63]).join("");
  marks.set(id, made);
  return made;
}

/** How deep a row is, as the rows in sight count it. */
function depthOf(row: Row): number {
  return row.parent ? depthOf(row.parent) + 1 : 0;
}

function groupsOf(root: Row): Row[] {
  return root.children.flatMap((child) => (child.kind === "group" ? [child, ...groupsOf(child)] : []));
}
