import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, parse, print } from "../src/model/json";
import { membersOf, patched, removed } from "../src/model/patch";

const of = (text: string): Map<string, Json> => parse(text) as Map<string, Json>;

test("members are merged whole: what is within is not, and null is a value", () => {
  const before = of('{"a": {"x": 1, "y": 2}, "b": 1}');
  assert.equal(print(patched(before, of('{"a": {"x": 3}, "c": null}'))), '{"a":{"x":3},"b":1,"c":null}');
});

test("what was edited becomes the members that changed, and what merging leaves is told", () => {
  const before = of('{"a": 1.0, "b": [1], "c": 3}');
  const after = of('{"a": 1.0, "b": [1, 2], "d": null}');
  assert.equal(print(membersOf(before, after)), '{"b":[1,2],"d":null}');
  assert.deepEqual(removed(before, after), ["c"]);
});
