import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailureGroup, RunSummary } from "../src/api/types";
import { failingOf, isNew, lagNote, laggingOf, standing, stateOf } from "../src/model/attention";

const now = Date.parse("2026-01-05T09:00:00Z");
const group = (function_id: string, open: number, first_seen = "2026-01-05T08:00:00Z") => ({ fingerprint: `of ${function_id}`, function_id, message: "boom", open, first_seen }) as FailureGroup;
const paused = (function_id: string, error = true) => ({ function_id, error: error ? { message: "boom", code: "E" } : null }) as RunSummary;

test("a group of failures says in how many runs it is open, and whether it is new", () => {
  assert.deepEqual(failingOf([group("ship", 1), group("bill", 2_000, "2026-01-01T09:00:00Z")], [], now), [
    { fingerprint: "of ship", title: "ship failed", note: "boom · new" },
    { fingerprint: "of bill", title: "bill failed in 2,000 runs", note: "boom" },
  ]);
});

test("a group is left out if its open runs are there as paused ones, or if none is open", () => {
  assert.deepEqual(failingOf([group("ship", 1), group("bill", 0)], [paused("ship")], now), []);
  assert.equal(failingOf([group("ship", 2)], [paused("ship")], now).length, 1);
  assert.equal(failingOf([group("ship", 1)], [paused("ship", false)], now).length, 1);
});

test("one paused run hides none of two groups of its function: either may be the other's", () => {
  assert.equal(failingOf([group("ship", 1), group("ship", 1)], [paused("ship")], now).length, 2);
  assert.deepEqual(failingOf([group("ship", 1), group("ship", 1)], [paused("ship"), paused("ship")], now), []);
});

test("a projection needs somebody that stands still, or is far behind; not one that is a moment late", () => {
  const of = (name: string, lag: number, status = "active") => ({ name, lag, status });
  const found = laggingOf([of("late", 12), of("far", 2_400), of("stopped", 0, "error")]);
  assert.deepEqual(found.map((one) => one.name), ["far", "stopped"]);
  assert.equal(lagNote(found), "by up to 2,400, 1 stopped");
  assert.equal(lagNote(laggingOf([of("stopped", 0, "error")])), "1 stopped");
  assert.equal(lagNote([]), "no projection is");
});

test("many runs that stand still alike are one thing to look at, a few are told one by one", () => {
  const of = (id: number, function_id: string, message: string) => ({ id: `run_${id}`, function_id, error: { message } }) as RunSummary;
  const invoices = [1, 2, 3, 4].map((id) => of(id, "invoice", `no price for ${id}`));
  const told = standing([...invoices, of(5, "invoice", "no currency"), of(6, "ship", "boom"), of(7, "ship", "boom")]);

  assert.deepEqual(told.map(({ run, alike }) => [run.id, alike]), [["run_1", 4], ["run_5", 1], ["run_6", 1], ["run_7", 1]]);
  assert.equal(told[0].ids.length, 4, "which can be resumed together");
  assert.deepEqual(told[1].ids, ["run_5"]);
});

test("a group is new within a day of its first failure", () => {
  assert.deepEqual(["2026-01-04T09:00:01Z", "2026-01-04T09:00:00Z"].map((first_seen) => isNew({ first_seen }, now)), [true, false]);
});

test("what a group is at is one word: decided, or open again, new or ongoing", () => {
  const now = Date.parse("2026-01-05T09:00:00Z");
  const [today, before] = ["2026-01-05T08:00:00Z", "2026-01-03T08:00:00Z"];
  const decided = { at: before, actor: "ada", reason: "mended" };

  assert.equal(stateOf({ status: "open", first_seen: today }, now), "new");
  assert.equal(stateOf({ status: "open", first_seen: before }, now), "ongoing");
  assert.equal(stateOf({ status: "open", first_seen: today, decided: { ...decided, reopened_position: 7 } }, now), "regressed");
  assert.equal(stateOf({ status: "muted", first_seen: today, decided }, now), "muted");
  assert.equal(stateOf({ status: "resolved", first_seen: before, decided }, now), "resolved");
});
