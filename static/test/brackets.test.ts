import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pairs, depthOf, emptyPair, typed } from "../src/model/brackets";

const JSON_PAIRS: Pairs = new Map([["{", "}"], ["[", "]"], ['"', '"']]);

/** The text with a | for each end of what is selected, after keys were pressed. */
function after(before: string, keys: string): string {
  let [from, to] = [before.indexOf("|"), before.lastIndexOf("|")];
  let text = before.replaceAll("|", "");
  if (to > from) to -= 1;
  for (const key of keys) {
    const done = typed(text, from, to, key, JSON_PAIRS) ?? { changes: [{ from, to, insert: key }], anchor: from + 1, head: from + 1 };
    for (const { from: start, to: end = start, insert } of [...done.changes].reverse()) text = text.slice(0, start) + insert + text.slice(end);
    [from, to] = [done.anchor, done.head];
  }
  return from === to ? `${text.slice(0, from)}|${text.slice(from)}` : `${text.slice(0, from)}|${text.slice(from, to)}|${text.slice(to)}`;
}

test("what opens is closed, and what closes it is typed over", () => {
  assert.equal(after("|", "{"), "{|}");
  assert.equal(after("|", '{"a": [1]}'), '{"a": [1]}|');
  assert.equal(after('{"a": |}', '"b"'), '{"a": "b"|}');
  assert.equal(after("|", '{"say": "a \\" {b"}'), '{"say": "a \\" {b"}|');
});

test("what is selected is put between, and in front of something nothing is closed", () => {
  assert.equal(after("|99|", "["), "[|99|]");
  assert.equal(after("|99", "{"), "{|99");
  assert.equal(after('it|', '"'), 'it"|');
});

test("what is typed over all of a text is there as it was typed", () => {
  assert.equal(after('|{"amount": null}|', '{"amount": 99, "currency": "EUR"}'), '{"amount": 99, "currency": "EUR"}|');
});

test("an empty pair is found around a place", () => {
  assert.deepEqual(emptyPair("[{}]", 2, JSON_PAIRS), { from: 1, to: 3 });
  assert.equal(emptyPair("[1]", 1, JSON_PAIRS), null);
  assert.equal(emptyPair("", 0, JSON_PAIRS), null);
});

test("a line is as deep as the brackets that are open before it", () => {
  const depths = ["", '{"a": [', '{"a": [1],', '{"a": "[{", "b\\"]": {', "]}"].map(depthOf);

  assert.deepEqual(depths, [0, 2, 1, 2, 0]);
});
