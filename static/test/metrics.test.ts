import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMetrics } from "../src/model/metrics";

test("figures are read by their names, without the buckets of histograms", () => {
  const found = parseMetrics('# HELP a how many\n# TYPE a counter\na 3.0\nb{code="A B"} 2\nc_bucket{le="1.0"} 9\nc_sum 0.5\n');

  assert.deepEqual([...found], [["a", 3], ['b{code="A B"}', 2], ["c_sum", 0.5]]);
});
