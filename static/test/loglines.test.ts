import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../src/model/json";
import { type LogLine, countUntil, fieldsText, joined, placeOf, says } from "../src/model/loglines";

const line = (position: number, index = 0, more: Partial<LogLine> = {}): LogLine => ({
  position, index, at: position, level: "info", message: `line ${position}`, fields: new Map(), step: "", path: "",
  attempt: 1, logger: "", source: null, cut: 0, dropped: 0, redacted: false, ...more,
});
const places = (lines: readonly LogLine[]): string[] => lines.map(placeOf);

test("a page that comes twice, or overlaps, gives each line once and in order", () => {
  const known = joined([], [line(3), line(3, 1), line(7)]);

  assert.deepEqual(places(joined(known, [line(7), line(7, 1), line(9)])), ["3.0", "3.1", "7.0", "7.1", "9.0"]);
  assert.equal(joined(known, [line(3, 1), line(7)]), known);
});

test("how many lines were there at a moment is found among fifty thousand", () => {
  const lines = Array.from({ length: 50_000 }, (_, index) => line(10 + (index >> 1), index & 1));

  assert.deepEqual([9, 10, 11, Infinity].map((position) => countUntil(lines, position)), [0, 2, 4, 50_000]);
});

test("fields are read as they were written, whatever their size", () => {
  const fields = parse('{"order": 9007199254740993, "to": "Riga", "items": [1.50]}');

  assert.equal(fieldsText(fields), 'order=9007199254740993 to="Riga" items=[1.50]');
  assert.ok(says(line(1, 0, { fields }), "RIGA") && says(line(1, 0, { step: "charge" }), "charge") && !says(line(1), "riga"));
});
