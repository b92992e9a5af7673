import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunOutcomes } from "../src/api/types";
import { areaOf, columnsOf, sumOf } from "../src/model/stacks";

const TOLD: RunOutcomes = {
  since: "2026-05-01T10:00:00Z",
  until: "2026-05-01T10:03:00Z",
  bucket_ms: 60_000,
  buckets: [
    { at: "2026-05-01T10:01:00Z", began: 2, completed: 3, failed: 1, cancelled: 4 },
    { at: "2026-05-01T10:09:00Z", began: 1, completed: 1, failed: 0, cancelled: 0 },
  ],
};

test("every part of the time has a column, as high as what began and ended in it", () => {
  const columns = columnsOf(TOLD, 3);

  assert.deepEqual(
    columns.map(({ height }) => height),
    [0, 6, 0],
  );
  assert.equal(columns[1].counts.cancelled, 4);
  assert.equal(columns[2].at, Date.parse("2026-05-01T10:02:00Z"));
  assert.equal(sumOf(columns, "completed"), 3);
});

test("a layer lies on those below it", () => {
  const columns = columnsOf(TOLD, 2);

  assert.equal(areaOf(columns, "completed", 6, 60), "M0 60.00L0.5 60.00L1.5 30.00L2 30.00L2 60.00L1.5 60.00L0.5 60.00L0 60.00Z");
  assert.equal(areaOf(columns, "failed", 6, 60), "M0 60.00L0.5 60.00L1.5 20.00L2 20.00L2 30.00L1.5 30.00L0.5 60.00L0 60.00Z");
});
