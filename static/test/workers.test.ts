import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lane, TurnedAway, WorkerShape } from "../src/api/types";
import { clocksOf, doing, doubtText, heatOf, rejectedText, rowsOf, rttText, skewSigned, skewText, standingOf, takenText, waitsFor } from "../src/model/workers";

const worker = (more: Partial<WorkerShape> = {}): WorkerShape => ({
  id: "w1",
  hostname: "box",
  function_ids: ["ship"],
  active_jobs: 0,
  max_concurrent: 4,
  labels: {},
  version: { sdk: "", runtime: "" },
  transport: "stream",
  draining: false,
  skewed: false,
  registered_at: "2026-01-05T09:00:00Z",
  last_heartbeat: "2026-01-05T09:00:00Z",
  ...more,
});
const away = (more: Partial<TurnedAway> = {}): TurnedAway => ({ key: "ifkey_…ab", code: "UNAUTHENTICATED", message: "", address: "", times: 3, first_at: "", last_at: "", ...more });
const lane = (more: Partial<Lane> = {}): Lane => ({ function_id: "ship", lane_id: "", active_reserved: 2, limit: 5, queued: 0, oldest_queue_age_seconds: 0, blocking_reason: "", ...more });

test("a worker that drains says what it has left, and then that it has drained", () => {
  assert.deepEqual(standingOf(worker()), { status: "active", note: "" });
  assert.deepEqual(standingOf(worker({ draining: true, active_jobs: 1 })), { status: "draining", note: "1 left" });
  assert.deepEqual(standingOf(worker({ draining: true })), { status: "drained", note: "" });
  assert.match(doing(worker({ draining: true })), /has drained/);
});

test("one that left stands below those that are there, and says why", () => {
  const gone = worker({ id: "w2", left_at: "2026-01-05T09:01:00Z", reason: "the worker fell silent" });
  assert.deepEqual(
    rowsOf({ workers: [worker()], departed: [gone], rejected: [] }).map((one) => one.id),
    ["w1", "w2"],
  );
  assert.equal(standingOf(gone).status, "left");
  assert.equal(standingOf({ ...gone, reason: "drained" }).note, "drained");
  assert.match(doing(gone), /fell silent/);
});

test("rejected connects are counted, with what tells the key", () => {
  assert.equal(rejectedText([]), "");
  assert.equal(rejectedText([away()]), "3 rejected connects, key ifkey_…ab");
  assert.equal(rejectedText([away({ times: 1, key: "" })]), "1 rejected connect, without a key");
  assert.equal(rejectedText([away(), away({ code: "PERMISSION_DENIED" })]), "6 rejected connects, 2 kinds");
});

test("a lane says what it waits for, and is as warm as its oldest run is old", () => {
  const cold = lane();
  const hot = lane({ queued: 3, oldest_queue_age_seconds: 8, blocking_reason: "concurrency" });
  assert.equal(waitsFor(cold), "");
  assert.equal(waitsFor(hot), "a run at work has to end");
  assert.deepEqual([takenText(cold), takenText(lane({ limit: 0 }))], ["2 of 5", "2"]);
  assert.deepEqual([heatOf(cold, [cold, hot]), heatOf(hot, [cold, hot]), heatOf(cold, [cold])], [0, 1, 0]);
});

test("the way there and back is told in parts of a millisecond where it is short", () => {
  assert.deepEqual([rttText(worker()), rttText(worker({ rtt_ms: 0.42 })), rttText(worker({ rtt_ms: 120 }))], ["", "0.4 ms", "120 ms"]);
});

test("a clock that differs says by how much and to which side, any other that it is in step", () => {
  const ahead = worker({ id: "ahead", rtt_ms: 8, skew_ms: 3_200, skewed: true });
  const behind = worker({ id: "behind", rtt_ms: 80, skew_ms: -45_000, skewed: true });
  const close = worker({ rtt_ms: 8, skew_ms: -20 });

  assert.deepEqual([ahead, behind, close, worker()].map(skewText), ["3.20 s ahead", "45.0 s behind", "in step", ""]);
  assert.deepEqual([ahead, behind, close].map(skewSigned), ["+3.20 s", "−45.0 s", "in step"]);
  assert.deepEqual([ahead, behind, worker()].map(doubtText), ["give or take 4.0 ms", "give or take 40 ms", ""]);
  const { known, off } = clocksOf([worker(), ahead, close, behind]);
  assert.deepEqual([known, off.map((one) => one.id)], [3, ["behind", "ahead"]]);
});
