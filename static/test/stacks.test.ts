import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunStats } from "../src/api/types";
import { areaOf, columnsOf } from "../src/model/stacks";

const STATS: Pick<RunStats, "since" | "bucket_ms" | "buckets"> = {
  since: "2026-05-01T10:00:00Z",
  bucket_ms: 60_000,
  buckets: [
    { at: "2026-05-01T10:01:00Z", counts: { completed: 3, failed: 1, running: 2, paused: 1 } },
    { at: "2026-05-01T10:09:00Z", counts: { completed: 1 } },
  ],
};

test("every part of the time has a column, and whatever is neither completed nor failed is of the others", () => {
  const columns = columnsOf(STATS, 3);

  assert.deepEqual(
    columns.map(({ began }) => began),
    [0, 7, 0],
  );
  assert.deepEqual(columns[1].counts, { completed: 3, failed: 1, others: 3 });
  assert.equal(columns[2].at, Date.parse("2026-05-01T10:02:00Z"));
});

test("a layer lies on those below it", () => {
  const columns = columnsOf(STATS, 2);

  assert.equal(areaOf(columns, "completed", 7, 70), "M0 70.00L0.5 70.00L1.5 40.00L2 40.00L2 70.00L1.5 70.00L0.5 70.00L0 70.00Z");
  assert.equal(areaOf(columns, "failed", 7, 70), "M0 70.00L0.5 70.00L1.5 30.00L2 30.00L2 40.00L1.5 40.00L0.5 70.00L0 70.00Z");
});
