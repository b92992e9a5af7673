import assert from "node:assert/strict";
import { test } from "node:test";
import { print } from "../src/model/json";
import { revisionOf } from "../src/model/revision";
import { seenOf } from "../src/model/seen";

test("a thing is seen at its revision, by what people change of it", () => {
  const group = { name: "billing", revision: 7, max_inflight: 100, filter: undefined, member_count: 3 };

  const { version, value } = seenOf(group, ["max_inflight", "filter"]);

  assert.equal(version, 7);
  assert.equal(print(value ?? null), '{"max_inflight":100}');
});

test("what an answer leaves at is told by it, or by nothing", () => {
  assert.equal(revisionOf({ revision: 8, status: "paused" }), 8);
  assert.equal(revisionOf({ status: "paused" }), undefined);
  assert.equal(revisionOf({ revision: "8" }), undefined);
  assert.equal(revisionOf(null), undefined);
});
