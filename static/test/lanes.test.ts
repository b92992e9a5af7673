import assert from "node:assert/strict";
import test from "node:test";
import { type FacetsShape, busiest, endOf, partOf, tall } from "../src/model/lanes";

const told: FacetsShape = {
  entries: 4,
  first: 1,
  last: 4,
  since: "2026-03-01T12:00:00.000000Z",
  until: "2026-03-01T12:00:10.000000Z",
  whole: true,
  kinds: [],
  actors: [],
  lanes: [{ lane: "run", count: 4, slices: [1, 0, 3, 0, 0] }],
};

test("the end of each part is a moment within that part", () => {
  assert.equal(endOf(told, 1), "2026-03-01T12:00:04.000Z");
  for (const part of [0, 1, 2, 3, 4]) assert.equal(partOf(told, endOf(told, part)), part);
});

test("now is the last part, and what is outside is in none", () => {
  assert.equal(partOf(told, ""), 4);
  assert.equal(partOf(told, "2026-03-01T11:59:59Z"), null);
  assert.equal(partOf(told, "2026-03-01T12:01:00Z"), null);
  assert.equal(partOf(told, "8812"), null, "a position is no time");
  assert.equal(partOf(told, "15m"), null);
});

test("a single instant has parts as well", () => {
  const once = { ...told, until: told.since };
  assert.equal(partOf(once, endOf(once, 2)), 0);
});

test("little is seen beside much, and nothing is not drawn", () => {
  assert.equal(tall(0, 10), 0);
  assert.ok(tall(1, 10_000) >= 0.1);
  assert.equal(tall(10, 10), 1);
  assert.equal(busiest(told.lanes[0].slices), 2);
});
