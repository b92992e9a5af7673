import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, print } from "../src/model/json";
import { merged } from "../src/model/merge";

function told(base: string, theirs: string, ours: string): [string, string[]] {
  const { value, conflicts } = merged(parse(base), parse(theirs), parse(ours));
  return [print(value), conflicts];
}

test("changes of different members are both kept", () => {
  assert.deepEqual(told('{"a":1,"b":{"x":1,"y":1}}', '{"a":2,"b":{"x":1,"y":1}}', '{"a":1,"b":{"x":1,"y":9007199254740993}}'), ['{"a":2,"b":{"x":1,"y":9007199254740993}}', []]);
});

test("what one took out and the other left alone is gone, what either added is there", () => {
  assert.deepEqual(told('{"a":1,"b":1}', '{"a":1,"c":3}', '{"a":1,"b":1,"d":4}'), ['{"a":1,"d":4,"c":3}', []]);
});

test("where both changed the same, ours is taken and the place is named", () => {
  assert.deepEqual(told('{"a":{"x":1}}', '{"a":{"x":2}}', '{"a":{"x":3}}'), ['{"a":{"x":3}}', ["a.x"]]);
});

test("one that they took out and we changed is a conflict too", () => {
  assert.deepEqual(told('{"a":1}', "{}", '{"a":2}'), ['{"a":2}', ["a"]]);
});

test("the same change made twice is no conflict", () => {
  assert.deepEqual(told('{"a":[1]}', '{"a":[2]}', '{"a":[2]}'), ['{"a":[2]}', []]);
});
