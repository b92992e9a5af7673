import assert from "node:assert/strict";
import { test } from "node:test";
import { score } from "../src/model/fuzzy";
import { inSight, scrolledTo } from "../src/model/window";

test("only rows in sight are drawn, and a few around them", () => {
  assert.deepEqual(inSight(0, 280, 28, 50_000), { first: 0, last: 18 });
  assert.deepEqual(inSight(28_000, 280, 28, 50_000), { first: 992, last: 1_018 });
  assert.deepEqual(inSight(9e9, 280, 28, 5), { first: 0, last: 5 });
  assert.deepEqual(inSight(0, 280, 28, 0), { first: 0, last: 0 });
});

test("a row that is chosen is brought into sight, and no further", () => {
  assert.equal(scrolledTo(3, 0, 280, 28), 0);
  assert.equal(scrolledTo(20, 0, 280, 28), 308);
  assert.equal(scrolledTo(2, 300, 280, 28), 56);
});

test("whole words are found before beginnings, and those before scattered letters", () => {
  const [whole, beginnings, scattered, none] = ["runs", "resume until now", "grouped units", "events"].map((text) => score("run", text));

  assert.ok(whole > beginnings && beginnings > scattered && scattered > none);
  assert.equal(none, -1);
});
