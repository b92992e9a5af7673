import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rec, corrected, indexAt, isFailure, markedOf, marking, merged, seek } from "../src/model/records";
import { place, placeOf, scaleOf, timeAt, turned } from "../src/model/scale";
import { barAt, counts, span, statusAt } from "../src/model/tally";
import { apart, inlined, stepPath, visible, waterfall } from "../src/model/waterfall";

const RUN = "run_1";

function rec(position: number, kind: string, at: number, more: Partial<Rec> = {}): Rec {
  const step = kind.startsWith("step.") ? { stepId: `${RUN}:${more.name}:0` } : {};
  return { position, version: 0, kind, at, summary: kind, stepId: "", name: "", type: "invoke", attempt: 1, startedAt: NaN, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "", ...step, ...more };
}

const FAILURE = { message: "timeout", code: "E" };
const STORY = [
  rec(10, "run.created", 1_000),
  rec(11, "run.started", 1_010),
  rec(14, "step.failed", 1_200, { name: "charge", startedAt: 1_100, error: FAILURE }),
  rec(15, "step.completed", 1_400, { name: "charge", startedAt: 1_300, attempt: 2 }),
  rec(19, "step.waiting", 1_410, { name: "paid", type: "wait_for_event", about: "payment.*" }),
  rec(20, "run.suspended", 1_411),
  rec(31, "step.completed", 9_000_000, { name: "paid", type: "wait_for_event" }),
  rec(32, "run.woken", 9_000_001),
  rec(33, "run.started", 9_000_005),
  rec(34, "run.completed", 9_000_100),
];

test("each step has one row, with a bar for every try", () => {
  const { root, steps } = waterfall(STORY, "pay");

  assert.deepEqual(visible(root, () => true).map((row) => row.label), ["pay", "charge", "paid"]);
  const bars = steps.get(`${RUN}:charge:0`)?.bars ?? [];
  assert.deepEqual(bars.map((bar) => [bar.from, bar.to, bar.role, bar.attempt]), [
    [1_100, 1_200, "fail", 1],
    [1_300, 1_400, "ok", 2],
  ]);
});

test("at an earlier position a row is as it was", () => {
  const { steps, root } = waterfall(STORY, "pay");
  const [charge, paid] = steps.all;
  const at = (position: number): [number, number] => [position, STORY[indexAt(STORY, position)].at];

  assert.equal(statusAt(charge, ...at(11)), "ghost");
  assert.equal(statusAt(charge, ...at(14)), "failed");
  assert.equal(statusAt(charge, ...at(15)), "completed");
  assert.equal(statusAt(paid, ...at(15)), "ghost");
  assert.equal(statusAt(paid, ...at(20)), "waiting");
  assert.equal(statusAt(paid, ...at(31)), "completed");
  assert.equal(statusAt(root, ...at(20)), "waiting");
  assert.equal(statusAt(root, ...at(34)), "completed");
  assert.equal(barAt(charge.bars[1], 14, 1_350)?.status, "running");
});

test("what a failed run still waited for was given up", () => {
  const { steps } = waterfall([...STORY.slice(0, 6), rec(40, "run.cancelled", 2_000)], "pay");

  assert.equal(statusAt(steps.all[1], Infinity, 3_000), "dead");
});

test("branches stand below their block, and are counted", () => {
  const done = (branch: number, position: number, kind = "step.completed"): Rec =>
    rec(position, kind, position, { name: "pack", stepId: `${RUN}:all:${branch}:pack:0`, startedAt: position - 5 });
  const { root } = waterfall([rec(1, "run.created", 0), done(0, 10), done(1, 11), done(2, 12, "step.failed")], "f");
  const block = root.children[0];

  assert.equal(block.label, "all");
  assert.equal(visible(root, () => false).length, 2);
  assert.deepEqual(visible(root, () => true).map((row) => [row.label, row.depth]), [["f", 0], ["all", 1], ["pack", 2], ["pack", 2], ["pack", 2]]);
  assert.deepEqual([...counts(block, Infinity, 99)], [["completed", 2], ["failed", 1]]);
  assert.deepEqual(span(block), { from: 5, to: 12 });
  assert.equal(statusAt(block, Infinity, 99), "failed");
});

test("a step id is taken apart, whatever the names have in them", () => {
  assert.deepEqual(stepPath("run_1:all:2:in\\:ner:0:book\\\\ it:3"), {
    branches: [
      { parallel: "all", index: "2" },
      { parallel: "in:ner", index: "0" },
    ],
    name: "book\\ it",
    number: 3,
  });
  assert.equal(stepPath("run_1:compensate:book:0").name, "compensate: book");
});

test("newer records are added once", () => {
  const more = merged(STORY.slice(0, 5), STORY.slice(3, 8));

  assert.deepEqual(more.map((record) => record.position), [10, 11, 14, 15, 19, 20, 31, 32]);
  assert.equal(merged(more, STORY.slice(0, 2)), more);
});

test("records are found by position and by kind", () => {
  assert.equal(indexAt(STORY, 13), 1);
  assert.equal(indexAt(STORY, 9), -1);
  assert.equal(seek(STORY, 9, -1, isFailure), 2);
  assert.equal(seek(STORY, 3, 1, isFailure), -1);
});

test("idle hours are squeezed, and what was executed keeps its proportions", () => {
  const folded = waterfall(STORY, "pay");
  const scale = scaleOf("squeezed", folded, [], 9_000_100);

  assert.equal(scale.gaps.length, 1);
  const [from, to] = [place(scale, 1_411), place(scale, 9_000_000)];
  assert.ok(to - from < 0.2, `${to - from}`);
  assert.ok(Math.abs((place(scale, 1_200) - place(scale, 1_100)) / (place(scale, 1_400) - place(scale, 1_300)) - 1) < 1e-9);
});

test("a place and its instant are each other's inverse on every scale", () => {
  const folded = waterfall(STORY, "pay");
  for (const mode of ["squeezed", "time", "sequence"] as const) {
    const scale = scaleOf(mode, folded, STORY.map((record) => record.at), 9_000_100);
    assert.equal(place(scale, 1_000), 0);
    assert.equal(place(scale, 9_000_100), 1);
    for (const at of [1_050, 1_250, 1_405, 4_000_000, 9_000_050]) assert.ok(Math.abs(timeAt(scale, place(scale, at)) - at) < 1, `${mode} ${at}`);
  }
});

test("fifty thousand records are folded", () => {
  const many = Array.from({ length: 50_000 }, (_, index) => rec(index + 1, "step.completed", index, { name: "s", stepId: `${RUN}:s:${index}`, startedAt: index - 1 }));
  const folded = waterfall(many, "f");

  assert.equal(visible(folded.root, () => true).length, 50_001);
  assert.ok(place(scaleOf("squeezed", folded, [], 50_000), 25_000) > 0.49);
});

test("an edit can be undone until it has been", () => {
  const told = (...kinds: string[]): Rec[] => kinds.map((kind) => ({ kind }) as Rec);

  assert.equal(corrected(told("step.completed")), false);
  assert.equal(corrected(told("step.completed", "step.patched")), true);
  assert.equal(corrected(told("step.patched", "step.restored")), false);
  assert.equal(corrected(told("step.patched", "step.injected", "step.restored")), true);
});

test("records that come later are folded into the same rows, as if all had come at once", () => {
  const told = (of: ReturnType<typeof waterfall>): string => JSON.stringify(visible(of.root, () => true).map(({ id, kind, label, type, depth, bars, records, error, about }) => [id, kind, label, type, depth, bars, records, error, about]));
  const whole = told(waterfall(STORY, "pay"));

  for (let known = 1; known <= STORY.length; known++) {
    const first = waterfall(STORY.slice(0, known), "pay");
    const all = waterfall(STORY, "pay", first);
    assert.equal(told(all), whole);
    assert.equal(all.root, first.root);
  }

  const other = waterfall(STORY, "pay", waterfall([rec(1, "run.created", 1), ...STORY.slice(0, 3)], "pay"));
  assert.equal(told(other), whole);
});

test("the wheel shows more or less around what is under the pointer, and never beyond the run", () => {
  assert.deepEqual(turned(null, 0.5, 0.5), [0.25, 0.75]);
  assert.deepEqual(turned([0.25, 0.75], 0, 0.5), [0.25, 0.5]);
  assert.deepEqual(turned([0.25, 0.5], 1, 3), [0, 0.75]);
  assert.equal(turned([0.25, 0.75], 0.5, 2), null);
  const [from, to] = turned([0.5, 0.5006], 0.5, 0.1) ?? [0, 0];
  assert.ok(to - from > 0.0004);
  assert.equal(placeOf([0.25, 0.75], 0.5), 0.5);
  assert.equal(placeOf(null, 0.5), 0.5);
});

test("of two records that are marked the first gives way to a third, and a mark is taken back", () => {
  assert.deepEqual(markedOf("14-9"), [14, 9]);
  assert.deepEqual(markedOf(""), []);
  assert.deepEqual(markedOf("x-3-0-1.5"), [3]);
  assert.equal(marking([], 9), "9");
  assert.equal(marking([9], 14), "9-14");
  assert.equal(marking([9, 14], 20), "14-20");
  assert.equal(marking([9, 14], 9), "14");
});

test("a run that a step started stands below that step where it is looked into, at the moment of the whole history", () => {
  const parent = waterfall([rec(10, "run.created", 1_000), rec(12, "step.invoking", 1_100, { name: "call", type: "invoke_function", childRunId: "run_2" }), rec(20, "step.completed", 1_500, { name: "call", childRunId: "run_2" }), rec(21, "step.completed", 1_600, { name: "mail" })], "f");
  const work = { stepId: "run_2:work:0" };
  const child = waterfall([rec(13, "run.created", 1_110), rec(15, "step.completed", 1_300, { name: "work", startedAt: 1_200, ...work })], "run_2");
  const rows = visible(parent.root, () => true);

  const shown = inlined(rows, new Map([["run_2", child.root]]), () => true);

  assert.deepEqual(shown.map((row) => `${row.depth} ${row.label}`), ["0 f", "1 call", "2 work", "1 mail"]);
  assert.equal(statusAt(shown[2], 13, 1_110), "ghost");
  assert.equal(statusAt(shown[2], 20, 1_500), "completed");
  assert.equal(inlined(rows, new Map(), () => true), rows);
});

test("blocks of one name in a run and in one that it started are folded each by itself", () => {
  const block = (run: string): ReturnType<typeof waterfall> =>
    waterfall([rec(10, "run.created", 1_000), ...[0, 1].map((branch) => rec(11 + branch, "step.completed", 1_100, { name: "ask", stepId: `${run}:all:${branch}:ask:0` }))], "f");
  const groups = (rows: readonly { kind: string; id: string }[]): string[] => rows.filter((row) => row.kind === "group").map((row) => row.id);

  const [own, others] = [groups(visible(block(RUN).root, () => true)), groups(visible(apart(block("run_2").root, "run_2"), () => true))];

  assert.ok(own.length > 0);
  assert.deepEqual(others, own.map((id) => `run_2${id}`));
});

test("an edit takes none of the time of the step that it is of", () => {
  const { steps } = waterfall([rec(1, "run.created", 0), rec(2, "step.completed", 80, { name: "price", startedAt: 10 }), rec(9, "step.patched", 60_000, { name: "price" }), rec(10, "step.injected", 61_000, { name: "never ran" })], "f");

  assert.deepEqual(span(steps.get(`${RUN}:price:0`) as NonNullable<ReturnType<typeof steps.get>>), { from: 10, to: 80 });
  assert.deepEqual(span(steps.get(`${RUN}:never ran:0`) as NonNullable<ReturnType<typeof steps.get>>), { from: 61_000, to: 61_000 });
});
