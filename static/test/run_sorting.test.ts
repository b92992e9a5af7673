import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRuns, withToken } from "../src/model/filter";
import { sortable, sortedNext, standing } from "../src/model/run_sorting";

const run = (id: string, took: string, status = "completed") => ({ id, status, started_at: "2026-01-01T00:00:00Z", ended_at: `2026-01-01T00:00:${took}Z` });
const [early, late] = [run("run_01a", "03.000001"), run("run_01b", "03")];

test("the text of the list says what it is sorted by", () => {
  assert.equal(parseRuns("status:failed").sort, "");
  assert.equal(parseRuns(withToken("status:failed", "sort", "oldest")).sort, "oldest");
  assert.deepEqual(parseRuns("sort:oldest").query, {});
  assert.deepEqual(parseRuns("sort:name").problems, ["runs are not sorted by name — oldest, status, longest, shortest are there"]);
});

test("how long runs took is compared among those of one function only", () => {
  assert.deepEqual(parseRuns("sort:longest").problems, ["sort:longest is of one function: add function:"]);
  assert.deepEqual(parseRuns("sort:longest function:ship").problems, []);
  assert.equal(sortable("longest", {}), "");
  assert.equal(sortable("longest", { function_id: "ship" }), "longest");
  assert.equal(sortable("oldest", {}), "oldest");
});

test("what stands higher in the list is greater, to the microsecond", () => {
  assert.ok(standing("", late) > standing("", early));
  assert.ok(standing("oldest", early) > standing("oldest", late));
  assert.ok(standing("longest", early) > standing("longest", late));
  assert.ok(standing("shortest", late) > standing("shortest", early));
});

test("by status what is under way stands above what has ended, each newest first", () => {
  const rows = [run("run_01a", "03", "running"), run("run_01d", "03", "waiting_for_capacity"), run("run_01c", "03", "failed"), run("run_01b", "03", "failed"), run("run_01e", "03")];
  const places = rows.map((one) => standing("status", one));

  assert.deepEqual(places, [...places].sort().reverse());
  assert.equal(sortable("status", {}), "status");
  assert.deepEqual(parseRuns("sort:status").problems, []);
});

test("a head sorts one way, then the other, then as at first", () => {
  assert.equal(sortedNext("started", ""), "oldest");
  assert.equal(sortedNext("started", "oldest"), "");
  assert.deepEqual([sortedNext("status", ""), sortedNext("status", "oldest"), sortedNext("status", "status")], ["status", "status", ""]);
  assert.deepEqual(["" as const, "longest" as const, "shortest" as const].map((sort) => sortedNext("duration", sort)), ["longest", "shortest", ""]);
});
