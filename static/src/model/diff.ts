/** What differs between two JSON values, as the lines that a person reads. */
import { type Json, Num, equal, print } from "./json";

export type Op = " " | "+" | "-";

export interface Line {
  op: Op;
  depth: number;
  text: string;
}

const LCS_CELLS_MAX = 250_000;

/** The lines of `after`, with those of `before` that are gone; equal parts as they are. */
export function diff(before: Json | undefined, after: Json | undefined): Line[] {
  const lines: Line[] = [];
  if (before === undefined && after === undefined) return lines;
  if (before === undefined) whole(lines, "+", 0, "", after as Json, "");
  else if (after === undefined) whole(lines, "-", 0, "", before, "");
  else compare(lines, 0, "", before, after, "");
  return lines;
}

/** Lines with long equal stretches cut out, as `null`. */
export function folded(lines: readonly Line[], context = 3): (Line | null)[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, index) => {
    if (line.op !== " ") near.fill(1, Math.max(0, index - context), index + context + 1);
  });
  const shown: (Line | null)[] = [];
  lines.forEach((line, index) => {
    if (near[index]) shown.push(line);
    else if (shown.at(-1) !== null) shown.push(null);
  });
  return shown;
}

function compare(lines: Line[], depth: number, label: string, before: Json, after: Json, comma: string): void {
  if (equal(before, after)) {
    whole(lines, " ", depth, label, after, comma);
  } else if (before instanceof Map && after instanceof Map) {
    lines.push({ op: " ", depth, text: `${label}{` });
    members(lines, depth + 1, before, after);
    lines.push({ op: " ", depth, text: `}${comma}` });
  } else if (Array.isArray(before) && Array.isArray(after) && before.length * after.length <= LCS_CELLS_MAX) {
    lines.push({ op: " ", depth, text: `${label}[` });
    items(lines, depth + 1, before, after);
    lines.push({ op: " ", depth, text: `]${comma}` });
  } else {
    whole(lines, "-", depth, label, before, comma);
    whole(lines, "+", depth, label, after, comma);
  }
}

function members(lines: Line[], depth: number, before: Map<string, Json>, after: Map<string, Json>): void {
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  keys.forEach((key, index) => {
    const label = `${JSON.stringify(key)}: `;
    const comma = index < keys.length - 1 ? "," : "";
    const old = before.get(key);
    const now = after.get(key);
    if (old === undefined) whole(lines, "+", depth, label, now as Json, comma);
    else if (now === undefined) whole(lines, "-", depth, label, old, comma);
    else compare(lines, depth, label, old, now, comma);
  });
}

/** Items by their longest common subsequence; one that was replaced by another is compared with it. */
function items(lines: Line[], depth: number, before: Json[], after: Json[]): void {
  const old = before.map((item) => print(item));
  const now = after.map((item) => print(item));
  const width = now.length + 1;
  const length = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      length[i * width + j] =
        old[i] === now[j]
          ? length[(i + 1) * width + j + 1] + 1
          : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    const comma = j < now.length - 1 ? "," : "";
    if (i < old.length && j < now.length && old[i] === now[j]) {
      whole(lines, " ", depth, "", after[j], comma);
      i++;
      j++;
    } else if (i < old.length && j < now.length && length[(i + 1) * width + j + 1] === length[i * width + j]) {
      compare(lines, depth, "", before[i++], after[j++], comma);
    } else if (j < now.length && (i === old.length || length[i * width + j + 1] >= length[(i + 1) * width + j])) {
      whole(lines, "+", depth, "", after[j++], comma);
    } else {
      whole(lines, "-", depth, "", before[i++], comma);
    }
  }
}

function whole(lines: Line[], op: Op, depth: number, label: string, value: Json, comma: string): void {
  if (value instanceof Num || !(value instanceof Map || Array.isArray(value)) || isEmpty(value)) {
    lines.push({ op, depth, text: `${label}${print(value)}${comma}` });
    return;
  }
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((item) => ["", item])
    : [...value].map(([key, item]) => [`${JSON.stringify(key)}: `, item]);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  lines.push({ op, depth, text: `${label}${open}` });
  entries.forEach(([name, item], index) => whole(lines, op, depth + 1, name, item, index < entries.length - 1 ? "," : ""));
  lines.push({ op, depth, text: `${close}${comma}` });
}

function isEmpty(value: Json[] | Map<string, Json>): boolean {
  return Array.isArray(value) ? value.length === 0 : value.size === 0;
}
