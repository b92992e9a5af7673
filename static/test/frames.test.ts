import assert from "node:assert/strict";
import { test } from "node:test";
import { dataOf } from "../src/model/frames";

test("a frame's data are its lines together, a comment has none", () => {
  assert.equal(dataOf('id: 7\ndata: {"a": 1}'), '{"a": 1}');
  assert.equal(dataOf("data: {\ndata: }"), "{\n}");
  assert.equal(dataOf(": still here"), "");
});
