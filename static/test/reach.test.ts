import assert from "node:assert/strict";
import { test } from "node:test";
import { reachAfter } from "../src/model/reach";

test("a tab looks by itself where only the socket is kept from it", () => {
  assert.equal(reachAfter(1, true), "reconnecting", "it was cut: it comes back at once");
  assert.equal(reachAfter(2, true), "polling");
  assert.equal(reachAfter(9, true), "polling");
});

test("a server that is away is not asked by polling", () => {
  assert.equal(reachAfter(1, false), "reconnecting");
  assert.equal(reachAfter(9, false), "reconnecting");
});
