import assert from "node:assert/strict";
import { test } from "node:test";
import { arranged } from "../src/model/arrangement";
import { atLine, firstOf, gapAt, gapsFrom, gapsOf, lineOf } from "../src/model/gaps";
import { type Rec, merged } from "../src/model/records";
import { scaleOf } from "../src/model/scale";
import { statusAt } from "../src/model/tally";
import { visible, waterfall, withGaps } from "../src/model/waterfall";

const RUN = "run_1";

/** The nth record of a run: every second position of history is its own, and each takes a second. */
function rec(version: number, kind: string, name = ""): Rec {
  const none = { attempt: 1, startedAt: NaN, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "" };
  return { ...none, position: version * 2, version, kind, at: version * 1_000, summary: kind, name, type: "invoke", stepId: name && `${RUN}:${name}:0` };
}

function steps(from: number, to: number): Rec[] {
  return Array.from({ length: to - from + 1 }, (_, index) => rec(from + index, "step.completed", `s${from + index}`));
}

const ENDS = [...steps(1, 3), ...steps(10, 12), ...steps(20, 21)];

test("what is not loaded shows by the numbers of the records around it", () => {
  assert.deepEqual(gapsOf(ENDS), [
    { index: 3, missing: 6, after: 6, before: 20 },
    { index: 6, missing: 7, after: 24, before: 40 },
  ]);
  assert.deepEqual(gapsOf(steps(4, 9)), [], "a run whose beginning has expired misses nothing between");
  assert.deepEqual(gapsOf([]), []);
});

test("a position is in a gap only if no record next to it is loaded", () => {
  const gaps = gapsOf(ENDS);

  assert.deepEqual([6, 7, 19, 20, 30].map((position) => gapAt(gaps, position)?.index), [undefined, 3, 3, undefined, 6]);
  assert.deepEqual(gapsFrom(gaps, 4, 1).map((gap) => gap.index), [6]);
  assert.deepEqual(gapsFrom(gaps, 7, -1).map((gap) => gap.index), [6, 3]);
});

test("a list has a line for each gap, between the records around it", () => {
  const gaps = gapsOf(ENDS);
  const lines = Array.from({ length: ENDS.length + gaps.length }, (_, line) => atLine(gaps, line));

  assert.deepEqual(lines, [0, 1, 2, gaps[0], 3, 4, 5, gaps[1], 6, 7]);
  assert.deepEqual(ENDS.map((_, index) => lines.indexOf(index)), ENDS.map((_, index) => lineOf(gaps, index)));
});

test("pages fill gaps in any order, and what was known stays the same record", () => {
  const whole = [steps(14, 19), steps(2, 11), steps(12, 13)].reduce(merged, ENDS as readonly Rec[]);

  assert.deepEqual(whole.map((record) => record.version), Array.from({ length: 21 }, (_, index) => index + 1));
  assert.deepEqual(gapsOf(whole), []);
  assert.equal(whole[10], ENDS[4]);
  assert.equal(merged(whole, steps(5, 8)), whole);
});

test("between rows of the timeline a row says how many records are not loaded", () => {
  const rows = visible(arranged(waterfall(ENDS, "f"), { words: "", failed: false, by: "" }).root, () => true);

  assert.deepEqual(withGaps(rows, gapsOf(ENDS)).map((row) => row.label), [
    ...["f", "s1", "s2", "s3", "6 records are not loaded"],
    ...["s10", "s11", "s12", "7 records are not loaded", "s20", "s21"],
  ]);
});

test("what went on before a gap is not claimed to go on after it", () => {
  const story = [rec(1, "run.created"), rec(2, "run.started"), rec(3, "step.waiting", "paid"), rec(4, "step.waiting", "sent"), rec(5, "run.suspended"), ...steps(90, 91), rec(92, "step.completed", "sent")];
  const { root, steps: rows } = waterfall(story, "f");
  const [paid, sent] = rows.all;

  assert.deepEqual([statusAt(root, 10, 5_000), statusAt(paid, 10, 5_000)], ["waiting", "waiting"]);
  assert.deepEqual([statusAt(root, 180, 90_000), statusAt(paid, 180, 90_000), statusAt(sent, 180, 90_000)], ["running", "unloaded", "waiting"], "where its end tells that it did, it is known");
  assert.deepEqual([statusAt(paid, Infinity, 92_000), statusAt(sent, Infinity, 92_000)], ["unloaded", "completed"]);
  assert.deepEqual([sent.bars.length, sent.bars[0].from, sent.bars[0].to], [1, 4_000, 92_000]);
});

test("the time that is not loaded is squeezed as idle time is", () => {
  const records = [rec(1, "run.created"), ...steps(2, 4), ...steps(9_000, 9_003)];
  const scale = scaleOf("squeezed", waterfall(records, "f"), records.map((record) => record.at), 9_003_000);

  assert.ok(scale.gaps.some((gap) => gap.from === 4_000 && gap.to === 9_000_000));
});

test("what is sought is sought page by page, and given up where no page leads on", async () => {
  const asked: number[] = [];
  const pages = (of: Record<number, { records: string[]; next?: number }>) => (edge: number) => {
    asked.push(edge);
    return Promise.resolve(of[edge]);
  };

  assert.equal(await firstOf(pages({ 0: { records: [], next: 50 }, 50: { records: ["failed", "patched"], next: 70 } }), 0), "failed");
  assert.equal(await firstOf(pages({ 90: { records: [], next: 10 }, 10: { records: [], next: 10 } }), 90), null, "the server stays at the end of what it may look at");
  assert.equal(await firstOf(pages({ 1: { records: [] } }), 1), null);
  assert.deepEqual(asked, [0, 50, 90, 10, 1]);
});
