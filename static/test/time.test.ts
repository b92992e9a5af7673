import assert from "node:assert/strict";
import { test } from "node:test";
import { clockTime, duration, ms, relative, shown, tickText, ticks } from "../src/model/time";

test("instants keep their microseconds", () => {
  assert.equal(ms("2026-01-31T12:00:00.000250Z") - ms("2026-01-31T12:00:00Z"), 0.25);
  assert.ok(Number.isNaN(ms(null)));
});

test("durations are short, and never negative", () => {
  const told = [0, 0.4, 840, 5_012, 59_940, 59_960, 185_000, 7_800_000, 357_000_000].map(duration);

  assert.deepEqual(told, ["0 ms", "< 1 ms", "840 ms", "5.01 s", "59.9 s", "1 m 00 s", "3 m 05 s", "2 h 10 m", "4 d 3 h"]);
  assert.equal(duration(-500), "skew");
});

test("instants are told as they are wanted", () => {
  const at = Date.parse("2026-01-31T12:00:00Z");

  assert.equal(relative(at, at + 12_000), "12 s ago");
  assert.equal(relative(at, at - 180_000), "in 3 m");
  assert.equal(shown(at, at, "utc"), "2026-01-31 12:00:00Z");
  assert.equal(clockTime(at + 120, "utc"), "12:00:00.120Z");
});

test("an axis has ticks at round places", () => {
  assert.deepEqual(ticks(470, 4), [0, 200, 400]);
  assert.deepEqual(ticks(20_000, 4), [0, 5_000, 10_000, 15_000, 20_000]);
  assert.deepEqual([0, 200, 5_000, 90_000, 7_200_000].map(tickText), ["0", "200 ms", "5 s", "1 m 30 s", "2 h"]);
});
