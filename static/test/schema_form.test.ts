import assert from "node:assert/strict";
import { test } from "node:test";
import { type Obj, parse, print } from "../src/model/json";
import { type SchemaField, fieldsOf, fits, missing, readIn, shownIn, withMember } from "../src/model/schema_form";

const SCHEMA = parse(`{"type": "object", "required": ["id", "total"], "properties": {
  "id": {"type": "string", "description": "of the order"}, "total": {"type": "number"}, "count": {"type": "integer"},
  "gift": {"type": "boolean"}, "speed": {"enum": ["slow", "fast", 3]}, "lines": {"type": "array"}, "either": {"type": ["string", "null"]}}}`);
const fields = fieldsOf(SCHEMA) as SchemaField[];
const field = (name: string): SchemaField => fields.find((one) => one.name === name) as SchemaField;

test("an object's schema is a field for each member", () => {
  assert.deepEqual(
    fields.map((one) => [one.name, one.kind, one.required]),
    [
      ["id", "text", true],
      ["total", "number", true],
      ["count", "integer", false],
      ["gift", "boolean", false],
      ["speed", "choice", false],
      ["lines", "json", false],
      ["either", "json", false],
    ],
  );
  assert.equal(field("id").about, "of the order");
  assert.deepEqual(field("speed").choices, ['"slow"', '"fast"', "3"]);
});

test("a schema of something else is no form", () => {
  for (const one of ["{}", "true", '{"type": "array"}', '{"properties": {}}', '{"type": "string", "properties": {"a": {}}}']) assert.equal(fieldsOf(parse(one)), null, one);
});

test("what is put in is a value of its kind, with all of its digits, or what is wrong with it", () => {
  assert.deepEqual(readIn(field("id"), ""), { value: "" });
  assert.equal(print((readIn(field("total"), "12345678901234567890.10") as { value: never }).value), "12345678901234567890.10");
  assert.equal(readIn(field("total"), "12a"), "total is not a number");
  assert.equal(readIn(field("total"), ""), "total is needed");
  assert.equal(readIn(field("count"), "1.5"), "count is a whole number");
  assert.deepEqual(readIn(field("count"), ""), { value: undefined });
  assert.deepEqual(readIn(field("gift"), "true"), { value: true });
  assert.deepEqual(readIn(field("speed"), '"fast"'), { value: "fast" });
  assert.equal(typeof readIn(field("lines"), "[1,"), "string");
});

test("data that the fields cannot show are written as JSON; members beyond the schema stay", () => {
  const data = parse('{"more": 1, "id": "o-1", "gift": false}') as Obj;
  assert.equal(fits(fields, data), true);
  assert.equal(fits(fields, parse('{"id": 7}')), false);
  assert.equal(fits(fields, parse("[]")), false);
  assert.equal(shownIn(field("gift"), data.get("gift")), "false");
  assert.deepEqual(missing(fields, data), ["total"]);
  assert.equal(print(withMember(withMember(data, "id", "o-2"), "gift", undefined)), '{"more":1,"id":"o-2"}');
});
