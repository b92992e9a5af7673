import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../src/model/json";
import { kindsChanged } from "../src/model/kinds";

const changed = (before: string, after: string) => kindsChanged([parse(before)], parse(after));

test("a value of another kind is told, and one that is missing", () => {
  assert.deepEqual(changed('{"amount": 99, "to": {"iban": "LV1"}}', '{"amount": "99", "to": {}}'), ["amount was a number, and is text", "to.iban is missing"]);
  assert.deepEqual(changed('[{"id": 1}]', '[{"id": 2}, {"id": null}]'), ["[1].id was a number, and is null"]);
  assert.deepEqual(changed('[1, "a"]', '["a", 1]'), ["[0] was a number, and is text", "[1] was text, and is a number"]);
  assert.deepEqual(changed("7", "[7]"), ["it was a number, and is a list"]);
});

test("other values, further members and what was null before are nothing to tell", () => {
  assert.deepEqual(changed('{"amount": 99, "note": null}', '{"amount": 1.5, "note": "late", "more": true}'), []);
});

test("a value that is unchanged is nothing to tell, whatever is in it", () => {
  for (const same of ['[1, "a"]', '[[], [1], [{"id": 1}, null]]', '{"list": [null, true, {"a": 1}, "b"], "none": null}', "null", "[]"]) assert.deepEqual(changed(same, same), [], same);
});

test("what any of several outputs had will do, and what one of them did not have may be missing", () => {
  const before = ['{"amount": 99, "note": null, "to": [1]}', '{"amount": "99", "note": "late", "to": []}', '{"amount": 1, "note": "late"}'].map(parse);
  const told = (after: string) => kindsChanged(before, parse(after));

  assert.deepEqual(told('{"amount": 7, "note": "x"}'), []);
  assert.deepEqual(told('{"amount": "7", "note": null, "to": [2, 3]}'), []);
  assert.deepEqual(told('{"amount": true, "to": ["a"]}'), ["amount was a number or text, and is true or false", "note is missing", "to[0] was a number, and is text"]);
  assert.deepEqual(kindsChanged([], parse("7")), []);
});
