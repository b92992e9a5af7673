import assert from "node:assert/strict";
import { test } from "node:test";
import { above, arranged } from "../src/model/arrangement";
import { criticalPath } from "../src/model/critical";
import type { Rec } from "../src/model/records";
import { inView, place, scaleOf, timeAt, zoomed } from "../src/model/scale";
import { visible, waterfall } from "../src/model/waterfall";

const RUN = "run_1";

function step(position: number, path: string, from: number, to: number, error = ""): Rec {
  const name = path.split(":").at(-2) as string;
  const failure = error ? { message: error, code: "E" } : null;
  const kind = failure ? "step.failed" : "step.completed";
  return { position, version: 0, kind, at: to, summary: kind, stepId: `${RUN}:${path}`, name, type: "invoke", attempt: 1, startedAt: from, until: NaN, error: failure, about: "", childRunId: "", compensationFor: "", actor: "" };
}

const STORY = [
  step(1, "fetch:0", 0, 100),
  step(2, "both:0:quick:0", 100, 150),
  step(3, "both:1:slow:0", 100, 400),
  step(4, "poll:0", 400, 500),
  step(5, "poll:1", 500, 600, "the card was declined"),
  step(6, "mail:0", 600, 700),
];
const FOLDED = waterfall(STORY, "f");
const NOTHING = { words: "", failed: false, by: "" } as const;

function labels(how: Partial<Parameters<typeof arranged>[1]>): string[] {
  return visible(arranged(FOLDED, { ...NOTHING, ...how }).root, () => true).map((row) => row.label);
}

test("what does not fit is hidden, and groups that have nothing left", () => {
  assert.deepEqual(labels({ words: "poll" }), ["f", "poll", "poll (2)"]);
  assert.deepEqual(labels({ words: "slow" }), ["f", "both", "slow"]);
  assert.deepEqual(labels({ words: "-poll -both -quick" }), ["f", "fetch", "both", "slow", "mail"]);
  assert.deepEqual(labels({ failed: true }), ["f", "poll (2)"]);
  assert.deepEqual(labels({ words: "declined" }), ["f", "poll (2)"]);
  assert.equal(arranged(FOLDED, { ...NOTHING, words: "poll" }).steps, 2);
});

test("steps are put together by name or by how they ended, one alone is no group", () => {
  assert.deepEqual(labels({ by: "name" }), ["f", "fetch", "quick", "slow", "poll", "poll", "poll (2)", "mail"]);
  assert.deepEqual(labels({ by: "outcome" }), ["f", "Completed", "fetch", "quick", "slow", "poll", "mail", "poll (2)"]);
  assert.equal(arranged(FOLDED, NOTHING).root, FOLDED.root);
});

test("ten steps of one name are a group in the place of the first, also within a branch", () => {
  const loop = (path: string, count: number) => Array.from({ length: count }, (_, index) => step(10 + index, `${path}poll:${index}`, 100 + index, 101 + index));
  const folded = waterfall([step(1, "begin:0", 0, 100), ...loop("", 10), ...loop("both:0:", 12), ...loop("both:1:", 9), step(99, "end:0", 900, 950)], "f");

  const { root } = arranged(folded, NOTHING);
  const closed = visible(root, (row) => row.children.length < 10);

  assert.deepEqual(closed.slice(0, 5).map((row) => `${row.depth} ${row.label} ${row.children.length}`), ["0 f 4", "1 begin 0", "1 poll 10", "1 both 2", "2 branch 0 1"]);
  assert.equal(closed.filter((row) => row.id.startsWith("same:")).length, 2);
  assert.equal(arranged(folded, { ...NOTHING, words: "begin" }).root.children.length, 1);
  const inner = folded.steps.get(`${RUN}:both:0:poll:3`);
  assert.ok(inner);
  assert.deepEqual(above(root, inner)?.map((row) => row.label), ["both", "branch 0", "poll"]);
  assert.equal(above(arranged(folded, { ...NOTHING, words: "begin" }).root, inner), null);
});

test("the critical path leaves out what others took longer than", () => {
  const path = [...criticalPath(FOLDED, 700)].map((id) => FOLDED.steps.get(id)?.label);

  assert.deepEqual(path.reverse(), ["fetch", "slow", "poll", "poll (2)", "mail"]);
});

test("a part of the scale is drawn over the whole width", () => {
  const scale = scaleOf("time", FOLDED, [], 700);

  const part = zoomed(scale, 1 / 7, 3 / 7);

  assert.deepEqual([place(part, 100), place(part, 200), place(part, 300)].map((at) => Number(at.toFixed(6))), [0, 0.5, 1]);
  assert.equal(Math.round(timeAt(part, 0.25)), 150);
  assert.equal(inView(part, 0, 90), false);
  assert.equal(inView(part, 0, 110), true);
  assert.equal(zoomed(scale, 0, 1), scale);
});
