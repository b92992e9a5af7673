import assert from "node:assert/strict";
import { test } from "node:test";
import { patternsOf, widened } from "../src/model/patterns";

test("beginnings that names share are offered before them", () => {
  assert.deepEqual(patternsOf(["order.paid", "shop.cart.left", "order.placed", "order.eu.paid", "till"]), [
    "order.>",
    "order.eu.paid",
    "order.paid",
    "order.placed",
    "shop.cart.left",
    "till",
  ]);
  assert.deepEqual(patternsOf([]), []);
});

test("a pattern with a part less fits all that it did, until nothing is left of it", () => {
  assert.equal(widened("order.eu.paid"), "order.eu.>");
  assert.equal(widened("order.eu.>"), "order.>");
  assert.equal(widened("order.>"), "");
  assert.equal(widened("till"), "");
  assert.equal(widened("entity:order.42.>"), "entity:order.>");
  assert.equal(widened("entity:order.>"), "");
});
