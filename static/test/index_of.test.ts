import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexOf } from "../src/model/index_of";

test("each of many names is found at its place, and none that was not added", () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `run_1:step ${index % 50}:${index}`);
  const index = new IndexOf((place) => names[place]);

  names.forEach((name, place) => {
    assert.equal(index.find(name), -1);
    index.add(name);
    assert.equal(index.find(name), place);
  });
  names.forEach((name, place) => assert.equal(index.find(name), place));
  assert.equal(index.find(""), -1);
  assert.equal(index.find("run_1:step 1:2"), -1);
});
