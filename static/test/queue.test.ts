import assert from "node:assert/strict";
import { test } from "node:test";
import { type Guarded, type Serving, waitsFor, wantsHands, whyQueued } from "../src/model/queue";

const worker = (more: Partial<Serving> = {}): Serving => ({ id: "w1", function_ids: ["ship"], active_jobs: 4, max_concurrent: 4, draining: false, ...more });
const push = (more: Partial<Serving> = {}): Serving => worker({ id: "push:ship", active_jobs: 0, max_concurrent: 100, ...more });
const open: Guarded = { function_id: "ship", state: "open", consecutive_fails: 5, last_error: "connection refused", retry_at: "2026-01-05T09:00:00Z" };
const queued = (...reasons: string[]) => reasons.map((blocking_reason, index) => ({ run_id: `r${index + 1}`, blocking_reason }));
const why = (reason: string, workers: Serving[] | null, breakers: Guarded[] | null = []) => whyQueued("r2", "ship", queued("worker", reason, "worker"), { workers, breakers });

test("a run says why it does not start, and how many stand before it", () => {
  assert.deepEqual(why("worker", [worker({ function_ids: ["bill"] })]), { place: 2, of: 3, why: "no worker that serves it is connected to this node", until: "", nobody: true });
  assert.equal(why("worker", [worker(), worker()])?.why, "2 workers serve it at this node, and all of their slots are taken");
  assert.equal(why("worker", [worker({ active_jobs: 1 })])?.why, "1 worker serves it at this node: it starts any moment");
  assert.match(why("worker", [worker({ draining: true })])?.why ?? "", /draining/);
  assert.match(why("paused", [])?.why ?? "", /paused/);
  assert.equal(why("concurrency", [])?.nobody, false);
});

test("a run that has begun waits to go on", () => {
  assert.deepEqual([waitsFor(true), waitsFor(false)], ["It waits to go on", "It has not started"]);
  assert.match(whyQueued("r1", "ship", queued("worker"), { workers: [worker({ active_jobs: 1 })], breakers: [] }, true)?.why ?? "", /it goes on any moment$/);
});

test("an endpoint that is left alone is why a push function does not start", () => {
  assert.deepEqual(why("worker", [push()], [open]), { place: 2, of: 3, why: "its endpoint is left alone after 5 failures: connection refused", until: open.retry_at, nobody: true });
  assert.equal(why("worker", [push()], [{ ...open, state: "closed" }])?.why, "its endpoint is called any moment");
  assert.equal(why("worker", [push()], [{ ...open, function_id: "bill" }])?.why, "its endpoint is called any moment");
  assert.match(why("worker", [push({ active_jobs: 100 })])?.why ?? "", /as many calls of its endpoint/);
});

test("an endpoint that is left alone is nothing to a worker that takes the function too", () => {
  assert.equal(why("worker", [push({ function_ids: ["bill"] }), worker({ active_jobs: 1 })], [open])?.why, "1 worker serves it at this node: it starts any moment");
});

test("who may not see workers is not told that there are none", () => {
  const told = why("worker", null, null);

  assert.match(told?.why ?? "", /workers:read/);
  assert.equal(told?.nobody, false);
});

test("workers are asked for only where a worker is what is missing", () => {
  const wanted = (reason: string) => wantsHands("r1", queued(reason));

  assert.deepEqual(["worker", "paused", "concurrency", "throttle"].map(wanted), [true, false, false, false]);
  assert.equal(wantsHands("gone", queued("worker")), false);
});

test("a run that is not in the queue has no place in it", () => {
  assert.equal(whyQueued("gone", "ship", queued("worker"), { workers: [], breakers: [] }), null);
});
