import assert from "node:assert/strict";
import { test } from "node:test";
import { Num, at, parse, pathText, preview, print } from "../src/model/json";

test("numbers beyond 2^53 and their spelling stay as they were written", () => {
  const text = '{"id":9007199254740993,"price":1.10,"tiny":1E-400,"minus":-0}';

  assert.equal(print(parse(text)), text);
});

test("keys keep their order, also those that look like numbers", () => {
  const text = '{"b":1,"10":2,"2":3,"a":{"__proto__":4}}';

  assert.equal(print(parse(text)), text);
});

test("what JSON.parse refuses is refused", () => {
  for (const bad of ["", "{", "[1,]", "01", '{"a":1,}', "nul", '"\n"', "1 2", "{'a':1}", "[1 2]"]) {
    assert.throws(() => JSON.parse(bad), SyntaxError, bad);
    assert.throws(() => parse(bad), SyntaxError, bad);
  }
});

test("it reads what JSON.parse reads, as JSON.parse does", () => {
  for (const good of ['"\\u00e9\\n\\""', " [ ] ", "{ }", "[null,true,false]", '{"a":[{"b":[]}]}', "-12.5e+3"]) {
    assert.deepEqual(JSON.parse(print(parse(good), 2)), JSON.parse(good), good);
  }
});

test("a value is found by its path, which reads as CEL", () => {
  const value = parse('{"data":{"items":[{"odd key":7}]}}');

  const found = at(value, "data", "items", 0, "odd key");

  assert.equal(found instanceof Num && found.text, "7");
  assert.equal(pathText(["data", "items", 0, "odd key"]), 'data.items[0]["odd key"]');
  assert.equal(at(value, "data", "nothing", 3), undefined);
});

test("a preview is cut to its length", () => {
  assert.equal(preview(parse('"abcdefghij"'), 6), '"abcd…');
});
