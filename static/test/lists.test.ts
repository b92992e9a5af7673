import assert from "node:assert/strict";
import { test } from "node:test";
import { score } from "../src/model/fuzzy";
import { elementOf, inSight, scrolledTo, turnedFor } from "../src/model/window";

test("only rows in sight are drawn, and a few around them", () => {
  assert.deepEqual(inSight(0, 280, 28, 50_000), { first: 0, last: 27 });
  assert.deepEqual(inSight(28_000, 280, 28, 50_000), { first: 992, last: 1_019 });
  assert.deepEqual(inSight(50_000 * 28 - 280, 280, 28, 50_000), { first: 49_973, last: 50_000 });
  assert.deepEqual(inSight(9e9, 280, 28, 5), { first: 0, last: 5 });
  assert.deepEqual(inSight(0, 280, 28, 0), { first: 0, last: 0 });
});

test("rows that stay in sight keep their elements, and where none stays no element changes its place", () => {
  const elements = (first: number, turn: number): number[] => Array.from({ length: 27 }, (_, index) => elementOf(first + index, turn, 27));
  let [turn, at] = [0, { first: 0, last: 27 }];
  const go = (first: number): number[] => {
    const next = { first, last: first + 27 };
    turn = turnedFor(turn, at, next);
    at = next;
    return elements(first, turn);
  };

  assert.deepEqual(go(8).slice(0, 19), elements(0, 0).slice(8));
  assert.deepEqual(go(40_000), elements(8, 0));
  assert.deepEqual(go(39_990).slice(10), elements(8, 0).slice(0, 17));
  for (const first of [3, 26, 0, 49_973, 49_970]) assert.equal(new Set(go(first)).size, 27, "each row has an element of its own");
  assert.equal(turnedFor(5, { first: 0, last: 27 }, { first: 0, last: 20 }), 0);
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
