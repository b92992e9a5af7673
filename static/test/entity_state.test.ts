import assert from "node:assert/strict";
import { test } from "node:test";
import { DELETED, laid, madeOf, within } from "../src/model/entity_state";
import { parse, print } from "../src/model/json";

const event = (data: string, name = "changed") => ({ name, data: parse(data) });

test("members of later events replace those before, with all of their digits", () => {
  const state = laid(undefined, [event('{"total": 12345678901234567890, "who": {"name": "Ada", "age": 3}}'), event('{"who": {"name": "Ana"}}')]);
  assert.equal(print(state ?? null), '{"total":12345678901234567890,"who":{"name":"Ana"}}');
});

test("a snapshot is what they are laid on; what is no object replaces it, and a deletion says nothing", () => {
  assert.equal(print(laid(parse('{"a": 1}'), [event('{"b": 2}')]) ?? null), '{"a":1,"b":2}');
  assert.equal(print(laid(parse('{"a": 1}'), [event("[1]")]) ?? null), "[1]");
  assert.equal(print(laid(parse("7"), [event("null"), event('{"reason": "x"}', DELETED)]) ?? null), "7");
  assert.equal(laid(undefined, []), undefined);
});

test("it says what a state is made of", () => {
  assert.match(madeOf(3, 3), /snapshot as of version 3/);
  assert.match(madeOf(3, 5), /of version 3, and 2 events/);
  assert.match(madeOf(0, 1), /data of 1 event, .* not known here/);
});

test("a version that there is not is the nearest", () => {
  assert.deepEqual([within(0, 5), within(9, 5), within(2, 5), within(Number.NaN, 5), within(-3, 5)], [5, 5, 2, 5, 1]);
});
