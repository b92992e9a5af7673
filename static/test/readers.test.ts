import assert from "node:assert/strict";
import { test } from "node:test";
import { readers } from "../src/model/readers";

const read = (actor: string, at: string, more: object = {}) => ({ actor, resource: "config/shop", created_at: at, ...more });

test("readers of one document, whoever read last first, with how often", () => {
  const events = [
    read("key:b", "2026-01-02T00:00:00Z", { count: 4 }),
    read("key:a", "2026-01-03T00:00:00Z"),
    read("key:b", "2026-01-01T00:00:00Z"),
    read("key:c", "2026-01-04T00:00:00Z", { decision: "denied" }),
    { ...read("key:d", "2026-01-04T00:00:00Z"), resource: "config/shop2" },
    read("", "2025-01-01T00:00:00Z"),
  ];
  assert.deepEqual(readers(events, "config/shop"), [
    { who: "key:a", times: 1, last: "2026-01-03T00:00:00Z" },
    { who: "key:b", times: 5, last: "2026-01-02T00:00:00Z" },
    { who: "anonymous", times: 1, last: "2025-01-01T00:00:00Z" },
  ]);
});
