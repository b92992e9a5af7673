import assert from "node:assert/strict";
import test from "node:test";
import { atMost, between } from "../src/model/traffic";

const look = (now: string, total: number, failed = 0) => ({ now, requests: { total, failed } });

test("what came between two looks is told a second", () => {
  const after = look("2026-03-01T12:00:05Z", 60, 5);
  assert.deepEqual(between(look("2026-03-01T12:00:00Z", 10), after), { perSecond: 10, failedPerSecond: 1 });
  assert.equal(between(null, after), null);
  assert.equal(between(after, look("2026-03-01T12:00:09Z", 2)), null, "another node, or it began anew");
  assert.equal(between(after, after), null);
});

test("a quantile is told as what it is: a bound", () => {
  assert.equal(atMost(2.5), "≤ 2.5 ms");
  assert.equal(atMost(2_500), "≤ 2.5 s");
  assert.equal(atMost(undefined), "> 5 s");
});
