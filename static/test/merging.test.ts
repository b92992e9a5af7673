import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, refusedText, taker } from "../src/model/merging";

const group = (fingerprint: string, failures: number, function_id = "shop", first_seen = "2026-01-01T00:00:00Z") => ({ fingerprint, failures, function_id, first_seen });

test("the group with most failures takes the others, of two alike the one that came first", () => {
  const later = group("b", 7, "shop", "2026-02-01T00:00:00Z");

  assert.equal(taker([group("a", 2), later, group("c", 7)])?.fingerprint, "c");
  assert.equal(taker([]), undefined);
});

test("groups of several functions are kept apart, and one alone is not merged", () => {
  assert.equal(apart([group("a", 1), group("b", 1)]), "");
  assert.match(apart([group("a", 1), group("b", 1, "mail")]), /2 functions/);
  assert.match(apart([group("a", 1)]), /two groups/);
});

test("what some refused is told with why, and no more of it than one can read", () => {
  assert.equal(refusedText(2, ["no price: it was merged"]), "1 of 2 refused: no price: it was merged");
  assert.equal(refusedText(9, ["a", "b", "c", "d", "e"]), "5 of 9 refused: a; b; c; and 2 more");
});
