import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rec } from "../src/model/records";
import { counts, span, statusAt } from "../src/model/tally";
import { type Row, waterfall } from "../src/model/waterfall";

const RUN = "run_1";
const BRANCHES = 600;

function rec(position: number, kind: string, branch: number, more: Partial<Rec> = {}): Rec {
  const step = kind.startsWith("step.") ? { stepId: `${RUN}:all:${branch}:pack:0`, name: "pack" } : {};
  return { position, version: 0, kind, at: position * 10, summary: kind, stepId: "", name: "", type: "invoke", attempt: 1, startedAt: NaN, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "", ...step, ...more };
}

/** Branches that overlap: of each some fail first, some wait, some are edited later, and some go on. */
function story(): Rec[] {
  const records = [rec(1, "run.created", 0)];
  for (let index = 0; index < BRANCHES; index++) {
    const at = records.length + 1;
    const startedAt = (at - (index % 40)) * 10;
    if (index % 7 === 0) records.push(rec(at, "step.waiting", index, { type: "wait_for_event" }));
    else if (index % 5 === 0) records.push(rec(at, "step.failed", index, { startedAt, error: { message: "timeout", code: "E" } }));
    else records.push(rec(at, "step.completed", index, { startedAt }));
    const earlier = index - 30;
    if (earlier >= 0 && earlier % 10 === 0) records.push(rec(at + 1, "step.completed", earlier, { startedAt: startedAt - 50, attempt: 2 }));
    if (earlier >= 0 && earlier % 11 === 0 && earlier % 7 !== 0) records.push(rec(records.length + 1, "step.patched", earlier));
  }
  return records;
}

/** As it is defined: every step is asked. */
function asked(group: Row, position: number, at: number): Map<string, number> {
  const found = new Map<string, number>();
  const walk = (row: Row): void => {
    if (row.kind === "group") return row.children.forEach(walk);
    const status = statusAt(row, position, at);
    found.set(status, (found.get(status) ?? 0) + 1);
  };
  walk(group);
  return found;
}

test("a group's steps are counted at every moment as if each were asked", () => {
  const records = story();
  const group = waterfall(records, "f").root.children[0];

  for (const { position, at } of [...records, { position: Infinity, at: 1e9 }]) assert.deepEqual([...counts(group, position, at)], [...asked(group, position, at)]);
  const middle = records[records.length >> 1];
  assert.deepEqual([...counts(group, middle.position, middle.at).keys()].sort(), ["completed", "failed", "ghost", "running", "waiting"]);
  assert.equal(statusAt(group, Infinity, 1e9), "failed");
});

test("what is known of a group is forgotten when something happens below it", () => {
  const records = story();
  let known = waterfall(records.slice(0, 1), "f");
  for (let end = 100; end < records.length + 100; end += 100) {
    known = waterfall(records.slice(0, end), "f", known);
    const [group] = known.root.children;
    assert.deepEqual([...counts(group, Infinity, 1e9)], [...asked(group, Infinity, 1e9)]);
  }
  const [group] = known.root.children;
  assert.ok(Number.isNaN(span(group).to) && counts(group, Infinity, 1e9).has("waiting"));

  const ended = waterfall([...records, rec(5_000, "run.cancelled", 0)], "f", known);

  assert.equal(ended.root.children[0], group);
  assert.equal(span(group).to, 50_000);
  assert.deepEqual([...counts(group, Infinity, 1e9)], [...asked(group, Infinity, 1e9)]);
  assert.ok(counts(group, Infinity, 1e9).has("dead"));
});

test("the time of a run is told however often it was at work", () => {
  const { root } = waterfall(story(), "f");
  const bar = { role: "run", pattern: "thin", status: "running", attempt: 1, opened: 0, closed: 0 } as const;
  const bars = Array.from({ length: 200_000 }, (_, index) => ({ ...bar, from: index, to: index + 1 }));

  assert.deepEqual(span({ ...root, bars }), { from: 0, to: 200_000 });
  assert.deepEqual(span({ ...root, bars: [...bars, { ...bar, from: 200_000, to: NaN }] }), { from: 0, to: NaN });
});
