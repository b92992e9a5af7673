/** Numbers with what is counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, plural } from "../src/model/counted";

test("what is counted is one or many", () => {
  assert.equal(counted(1, "run"), "1 run");
  assert.equal(counted(0, "run"), "0 runs");
  assert.equal(counted(1_204, "failed input"), "1,204 failed inputs");
  assert.equal(counted(2, "entry"), "2 entries");
  assert.equal(counted(2, "person", "people"), "2 people");
  assert.deepEqual(["key", "policy", "group of failures", "dead letter"].map(plural), ["keys", "policies", "groups of failures", "dead letters"]);
});
