import assert from "node:assert/strict";
import { test } from "node:test";
import { waitAfter } from "../src/model/pace";

test("what answers quickly is asked as often as wanted, what takes long for a tenth of the time", () => {
  assert.deepEqual([0, 5, 1_000].map((took) => waitAfter(took, 2_000)), [2_000, 2_000, 9_000]);
});
