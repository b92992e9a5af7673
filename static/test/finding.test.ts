import assert from "node:assert/strict";
import { test } from "node:test";
import { HITS_MAX, leadsTo, offsetsOf, pieces, placesOf } from "../src/model/finding";
import { parse } from "../src/model/json";

const ORDER = parse('{"order":{"id":9007199254740993,"lines":[{"sku":"Tea"},{"sku":"cup","tea":null}]},"paid":true}');

test("names and values are found in either case, in the order of the document", () => {
  assert.deepEqual(placesOf(ORDER, "TEA"), [
    ["order", "lines", 0, "sku"],
    ["order", "lines", 1, "tea"],
  ]);
  assert.deepEqual(placesOf(ORDER, "740993"), [["order", "id"]], "numbers beyond 2^53 are what they are");
  assert.deepEqual(placesOf(ORDER, "true"), [["paid"]]);
  assert.deepEqual(placesOf(parse('"tea"'), "tea"), [[]], "a value that is none of an object");
  assert.deepEqual(placesOf(ORDER, "coffee"), []);
  assert.deepEqual(placesOf(ORDER, ""), []);
});

test("a name that is found does not hide what is below it", () => {
  assert.deepEqual(placesOf(ORDER, "s").slice(0, 2), [
    ["order", "lines"],
    ["order", "lines", 0, "sku"],
  ]);
});

test("of very many hits the first are told", () => {
  assert.equal(placesOf(Array(HITS_MAX + 5).fill("x"), "x").length, HITS_MAX);
  assert.equal(offsetsOf("x".repeat(HITS_MAX + 5), "x").length, HITS_MAX);
});

test("a branch leads to what is in it, and to nothing beside it", () => {
  assert.ok(leadsTo(["order"], ["order", "lines", 0]));
  assert.ok(leadsTo([], ["order"]));
  assert.ok(!leadsTo(["order", "lines"], ["order"]));
  assert.ok(!leadsTo(["order", 1], ["order", 0, "sku"]));
});

test("a text is cut at the words", () => {
  assert.deepEqual(pieces("Tea, tea", "tea"), ["", "Tea", ", ", "tea", ""]);
  assert.deepEqual(pieces("cup", "tea"), ["cup"]);
  assert.deepEqual(pieces("İi", "i"), ["İi"], "a letter with more of them in lower case moves every offset after it");
  assert.deepEqual(offsetsOf("aaa", "aa"), [0]);
});
