import assert from "node:assert/strict";
import { test } from "node:test";
import { SHOWN_FIRST, columnsShown, templatesOf, toggled } from "../src/model/event_columns";

test("columns stand in their order, and names are always there, whatever was kept", () => {
  assert.deepEqual(columnsShown(["runs", "nonsense", "when"]), ["when", "name", "runs"]);
  assert.deepEqual(toggled(SHOWN_FIRST, "source"), ["position", "when", "name", "source", "data", "runs"]);
  assert.deepEqual(toggled(SHOWN_FIRST, "data"), ["position", "when", "name", "runs"]);
  assert.deepEqual(toggled(["name"], "name"), ["name"]);
});

test("a row has a track for each column that is shown there", () => {
  const tracks = (text: string): number => text.replace(/\([^)]*\)/g, "").split(" ").length;
  const { wide, beside, narrow } = templatesOf(columnsShown(SHOWN_FIRST), 2);

  assert.deepEqual([wide, beside, narrow].map(tracks), [7, 6, 4]);
  assert.equal(tracks(templatesOf(["name"], 0).narrow), 1);
  assert.match(templatesOf(["name", "data"], 1).wide, /^minmax\(140px, 1\.2fr\) minmax\(48px, 1fr\) minmax\(120px, 2fr\)$/);
});
