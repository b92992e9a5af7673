import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProjectionSummary } from "../src/api/data";
import { areaOf, lineOf, nearest, peak } from "../src/model/line";
import { between, lagText, partitionsText, rateText, standing } from "../src/model/progress";

const ORDERS = { name: "orders", mode: "managed", status: "active", runner: "here", lag: 0, lag_seconds: 0, events: ["order.>"], last_event_id: "evt_1" } as ProjectionSummary;

test("a projection that nobody has folded says so, and who is to come", () => {
  assert.deepEqual(standing(ORDERS), { status: "active", why: "" });
  assert.equal(standing({ ...ORDERS, runner: "never" }).status, "never_ran");
  assert.match(standing({ ...ORDERS, runner: "never" }).why, /No worker/);
  assert.match(standing({ ...ORDERS, runner: "never", mode: "declared" }).why, /server/);
});

test("one without a worker is unattended as soon as events come", () => {
  assert.deepEqual(standing({ ...ORDERS, runner: "gone", lag: 4 }).status, "unattended");
  assert.deepEqual(standing({ ...ORDERS, runner: "gone" }).status, "active");
  assert.deepEqual(standing({ ...ORDERS, runner: "gone", lag: 4, mode: "sql" }).status, "active");
});

test("what was done to it goes before who folds it", () => {
  for (const status of ["paused", "error", "rebuilding"]) assert.deepEqual(standing({ ...ORDERS, status, runner: "never" }), { status, why: "" });
});

test("a filter that nothing has met yet is named", () => {
  assert.match(standing({ ...ORDERS, last_event_id: undefined }).why, /order\.>/);
  assert.equal(standing({ ...ORDERS, last_event_id: undefined, lag: 3 }).why, "");
});

test("lag is told in positions and in time, a rate where one was seen", () => {
  assert.equal(lagText({ lag: 0, lag_seconds: 0 }), "");
  assert.equal(lagText({ lag: 1_200, lag_seconds: 66 }), "1,200 · 1 m 06 s");
  assert.equal(rateText({}), "");
  assert.equal(rateText({ events_per_second: 4.25 }), "4.3/s");
  assert.equal(partitionsText({}), "");
  assert.equal(partitionsText({ partitions: 7 }), "7");
  assert.equal(partitionsText({ partitions: 1_000 }), "1,000+");
});

test("a line goes from the first to the last point, over the ground", () => {
  const points = [{ at: 0, value: 0 }, { at: 5, value: 10 }, { at: 20, value: 5 }];
  assert.equal(lineOf(points, 100, 40), "M0 40L25 0L100 20");
  assert.equal(areaOf(points, 100, 40), "M0 40L25 0L100 20L100 40L0 40Z");
  assert.equal(lineOf(points.slice(0, 1), 100, 40), "");
  assert.equal(peak([{ at: 0, value: 0 }]), 1);
  assert.deepEqual([nearest(points, 0), nearest(points, 0.3), nearest(points, 1)], [0, 1, 2]);
});

test("the bounds of a rebuild are positions of history, in their order", () => {
  assert.deepEqual(between("", " ", 9), {});
  assert.deepEqual(between("3", "9", 9), { fromPosition: 3, toPosition: 9 });
  assert.deepEqual(between("", "4", 9), { toPosition: 4 });
  for (const [from, to] of [["0", ""], ["10", ""], ["three", ""], ["5", "4"]]) assert.ok("wrong" in between(from, to, 9));
});
