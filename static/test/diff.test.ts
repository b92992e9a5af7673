import assert from "node:assert/strict";
import { test } from "node:test";
import { diff, folded } from "../src/model/diff";
import { parse } from "../src/model/json";

function told(before: string, after: string): string[] {
  return diff(parse(before), parse(after)).map((line) => `${line.op}${"  ".repeat(line.depth)}${line.text}`);
}

test("a changed member is shown before and after, its neighbours once", () => {
  assert.deepEqual(told('{"a":1,"b":"x","c":[]}', '{"a":2,"b":"x","c":[]}'), [" {", '-  "a": 1,', '+  "a": 2,', '   "b": "x",', '   "c": []', " }"]);
});

test("members that came and went have a sign", () => {
  assert.deepEqual(told('{"old":1}', '{"new":{"x":1}}'), [" {", '-  "old": 1,', '+  "new": {', '+    "x": 1', "+  }", " }"]);
});

test("an item that is put in front does not change those after it", () => {
  assert.deepEqual(told("[1,2,3]", "[0,1,2,3]"), [" [", "+  0,", "   1,", "   2,", "   3", " ]"]);
});

test("an item that changed within is compared within", () => {
  assert.deepEqual(told('[{"n":1},{"n":2}]', '[{"n":1},{"n":3}]'), [" [", "   {", '     "n": 1', "   },", "   {", '-    "n": 2', '+    "n": 3', "   }", " ]"]);
});

test("numbers that only double precision calls equal differ", () => {
  assert.deepEqual(told("9007199254740992", "9007199254740993"), ["-9007199254740992", "+9007199254740993"]);
});

test("long equal stretches are folded", () => {
  const many = JSON.stringify(Array.from({ length: 50 }, (_, index) => index));
  const lines = diff(parse(many), parse(many.replace("[0,", "[7,")));

  const shown = folded(lines);

  assert.ok(shown.length < 10);
  assert.equal(shown.filter((line) => line === null).length, 1);
});
