import assert from "node:assert/strict";
import { test } from "node:test";
import { affectedText, calmText, versionsText } from "../src/model/affected";

const ONE = { versions: 1, first_version: 2, last_version: 2, entities: 0 };

test("versions are told from the first to the last, and entities where there are any", () => {
  assert.equal(versionsText(ONE), "v2");
  assert.equal(versionsText({ ...ONE, versions: 0, first_version: 0, last_version: 0 }), "");
  assert.equal(affectedText({ versions: 2, first_version: 1, last_version: 3, entities: 1 }), "v1–v3 · 1 entity");
  assert.equal(affectedText({ ...ONE, entities: 1_200 }), "v2 · 1,200 entities");
  assert.equal(affectedText(ONE), "v2");
});

test("a group that has not failed for a day is calm", () => {
  const now = Date.parse("2026-01-05T09:00:00Z");
  assert.equal(calmText({ last_seen: "2026-01-05T08:00:00Z" }, now), "");
  assert.equal(calmText({ last_seen: "2026-01-02T08:59:00Z" }, now), "last failure 3 d ago");
});
