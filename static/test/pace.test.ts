import assert from "node:assert/strict";
import { test } from "node:test";
import { afterFailure, waitAfter } from "../src/model/pace";

test("what answers quickly is asked as often as wanted, what takes long for a tenth of the time", () => {
  assert.deepEqual([0, 5, 1_000].map((took) => waitAfter(took, 2_000)), [2_000, 2_000, 9_000]);
});

test("a server that is away is asked again soon, and one that refuses not before somebody wants it", () => {
  assert.deepEqual([0, 503, 404, 500, -1, 403].map(afterFailure), ["soon", "soon", "as ever", "as ever", "as ever", "never"]);
});
