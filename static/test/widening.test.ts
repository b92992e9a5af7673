import assert from "node:assert/strict";
import { test } from "node:test";
import { wideningsOf } from "../src/model/widening";

test("each way leaves out one thing that was asked for", () => {
  const asked = { q: "since:1h name:order.placed until:5m tea", pattern: "order.eu.>", filter: "data.total > 9" };

  assert.deepEqual(
    wideningsOf(asked).map(({ label, asked: { q, pattern, filter } }) => [label, q, pattern, filter]),
    [
      ["At any time", "name:order.placed tea", "order.eu.>", "data.total > 9"],
      ["Pattern order.>", asked.q, "order.>", "data.total > 9"],
      ["Any pattern", asked.q, "", "data.total > 9"],
      ["Without data.total > 9", asked.q, "order.eu.>", ""],
      ["Without name:order.placed", "since:1h until:5m tea", "order.eu.>", "data.total > 9"],
      ["Without “tea”", "since:1h name:order.placed until:5m", "order.eu.>", "data.total > 9"],
      ["Clear all", "", "", ""],
    ],
  );
});

test("one thing is left out once", () => {
  const labels = (pattern: string): string[] => wideningsOf({ q: "", pattern, filter: "" }).map((one) => one.label);

  assert.deepEqual([labels("order.>"), labels("order.eu.paid")], [["Any pattern"], ["Pattern order.eu.>", "Pattern order.>", "Any pattern"]]);
  assert.deepEqual(wideningsOf({ q: "", pattern: "", filter: "" }), []);
});
