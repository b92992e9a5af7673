import assert from "node:assert/strict";
import { test } from "node:test";
import { WINDOW_MS, perSecond, rate, recent, sampleAt } from "../src/model/rate";

const heard = (...ones: [number, number][]) => ones.map(([at, many]) => ({ at, many }));

test("the rate is of the last seconds, and falls when nothing comes", () => {
  const one = heard([1_000, 40], [4_000, 60]);

  assert.equal(rate(one, -60_000, 5_000), 20);
  assert.equal(rate(one, -60_000, 7_000), 12);
  assert.equal(rate(one, -60_000, 20_000), 0);
  assert.deepEqual(recent(one, 1_000 + WINDOW_MS), heard([4_000, 60]));
});

test("who has listened for a moment only is told what came then, over a second at least", () => {
  assert.equal(rate(heard([100, 30]), 0, 200), 30);
  assert.equal(rate(heard([100, 30]), 0, 2_000), 15);
});

test("of so many one is shown that 200 a second are left", () => {
  assert.deepEqual([0, 200, 201, 400, 900, 1_001, 1e9].map((value) => sampleAt(value, 1)), [1, 1, 2, 2, 5, 10, 1_000]);
});

test("a rate near the limit does not flicker", () => {
  assert.equal(sampleAt(190, 2), 2);
  assert.equal(sampleAt(130, 2), 1);
  assert.equal(sampleAt(900, 2), 5);
  assert.equal(sampleAt(100, 1_000), 1);
});

test("few are told with a digit behind the point", () => {
  assert.deepEqual([0, 0.24, 9.96, 10.4, 1_234.5].map(perSecond), ["0", "0.2", "10.0", "10", "1,235"]);
});
