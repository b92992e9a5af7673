import assert from "node:assert/strict";
import { test } from "node:test";
import { isPattern, levelOf, stepsTo } from "../src/model/levels";

test("a key is listed in the level up to its last separator", () => {
  assert.deepEqual(["stock", "user.7", "user.7/cart", "b:", "ü:1"].map(levelOf), ["", "user.", "user.7/", "b:", "ü:"]);
});

test("the way to a prefix goes by its separators", () => {
  assert.deepEqual(stepsTo("user.7/x"), [
    { label: "user.", prefix: "user." },
    { label: "7/", prefix: "user.7/" },
    { label: "x", prefix: "user.7/x" },
  ]);
  assert.deepEqual(stepsTo("::"), [
    { label: ":", prefix: ":" },
    { label: ":", prefix: "::" },
  ]);
  assert.deepEqual(stepsTo(""), []);
});

test("wildcards make a pattern", () => {
  assert.equal(isPattern("user.*"), true);
  assert.equal(isPattern("user.7"), false);
});
