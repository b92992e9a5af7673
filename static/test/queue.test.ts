import assert from "node:assert/strict";
import { test } from "node:test";
import { type Serving, whyQueued } from "../src/model/queue";

const worker = (more: Partial<Serving> = {}): Serving => ({ function_ids: ["ship"], active_jobs: 4, max_concurrent: 4, draining: false, ...more });
const queued = (...reasons: string[]) => reasons.map((blocking_reason, index) => ({ run_id: `r${index + 1}`, blocking_reason }));

test("a run says why it does not start, and how many stand before it", () => {
  const why = (reason: string, workers: Serving[]) => whyQueued("r2", "ship", queued("worker", reason, "worker"), workers);

  assert.deepEqual(why("worker", [worker({ function_ids: ["bill"] })]), { place: 2, of: 3, why: "no worker that serves it is connected", nobody: true });
  assert.equal(why("worker", [worker(), worker()])?.why, "2 workers serve it, and all of their slots are taken");
  assert.equal(why("worker", [worker({ active_jobs: 1 })])?.why, "1 worker serves it: it starts any moment");
  assert.match(why("worker", [worker({ draining: true })])?.why ?? "", /draining/);
  assert.match(why("paused", [])?.why ?? "", /paused/);
  assert.equal(why("concurrency", [])?.nobody, false);
});

test("a run that is not in the queue has no place in it", () => {
  assert.equal(whyQueued("gone", "ship", queued("worker"), []), null);
});
