import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf, rangeText, within } from "../src/model/range";

const RANGE = { since: "2026-05-01T10:00:00.000Z", until: "2026-05-01T11:00:00.000Z" };

test("a range is what the URL says, if it is one", () => {
  assert.deepEqual(rangeOf(rangeText(RANGE)), RANGE);
  for (const bad of ["", "~", RANGE.since, `${RANGE.until}~${RANGE.since}`, `${RANGE.since}~soon`, `${rangeText(RANGE)}~${RANGE.until}`]) assert.equal(rangeOf(bad), null, bad);
});

test("a filter is within the range, unless it says a time itself", () => {
  const text = rangeText(RANGE);

  assert.deepEqual(within({ query: { status: "failed" }, words: "" }, text), { query: { status: "failed", ...RANGE }, words: "" });
  assert.deepEqual(within({ query: { since: "1h" } }, text), { query: { since: "1h" } });
  assert.deepEqual(within({ query: {} }, ""), { query: {} });
});
