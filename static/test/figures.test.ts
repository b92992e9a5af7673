import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionFigures, StepFigures } from "../src/api/types";
import { begunOf, parts, share, sharesOf, successOf, tookEach, tookOf } from "../src/model/figures";

const figures = (given: Partial<FunctionFigures>): FunctionFigures => ({ function_id: "f", begun: 0, begun_exact: true, sampled: 0, counts: {}, took: null, ...given });
const step = (given: Partial<StepFigures>): StepFigures => ({ name: "charge", type: "invoke", runs: 1, count: 1, completed: 1, failed: 0, retried: 0, took: null, ...given });

test("a share is all or none only where it is", () => {
  assert.deepEqual([share(1_000, 1_000), share(999, 1_000), share(1, 1_000), share(0, 1_000), share(1, 2)], ["100%", "99%", "1%", "0%", "50%"]);
});

test("figures say of how many they are, where that is not all", () => {
  const all = figures({ begun: 4, sampled: 4, counts: { completed: 3, failed: 1, cancelled: 2 }, took: { count: 3, p50_ms: 1_200, p95_ms: 4_000 } });
  const some = figures({ ...all, begun: 10_000, begun_exact: false, sampled: 200 });

  assert.deepEqual(successOf(all), { text: "75%", said: "3 of 4 that ended went well", bad: true });
  assert.equal(tookOf(all)?.text, "1.20 s / 4.00 s");
  assert.match(successOf(some)?.said ?? "", /among the newest 200$/);
  assert.match(tookOf(some)?.said ?? "", /among the newest 200$/);
  assert.equal(begunOf(some), "10,000+");
  assert.deepEqual([successOf(figures({ begun: 2, counts: { running: 2 } })), tookOf(figures({}))], [null, null]);
});

test("a step is weighed against the longest", () => {
  const long = step({ count: 4, failed: 1, retried: 2, took: { count: 3, p50_ms: 10, p95_ms: 400 } });
  const short = step({ took: { count: 1, p50_ms: 100, p95_ms: 100 } });

  assert.deepEqual(sharesOf(short, [long, short]).weight, 0.25);
  assert.deepEqual([sharesOf(long, [long]).failed.text, sharesOf(long, [long]).retried.said], ["25%", "2 of 4 took more than one attempt"]);
  assert.equal(sharesOf(step({ took: null }), [step({})]).weight, 0);
});

test("ids are asked for in parts, and no more than so many", () => {
  assert.deepEqual(parts(["a", "b", "c"], 2, 5), [["a", "b"], ["c"]]);
  assert.deepEqual(parts(["a", "b", "c"], 1, 2), [["a"], ["b"]]);
  assert.deepEqual(parts([], 2, 5), []);
});

test("each run is as long as it took, the oldest first, and never less than nothing", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 5, 9, 0, second)).toISOString();
  const runs = [
    { id: "c", started_at: at(5), ended_at: at(4) },
    { id: "b", started_at: null, ended_at: at(4) },
    { id: "a", started_at: at(1), ended_at: at(3) },
  ];
  assert.deepEqual(tookEach(runs), [{ id: "a", ms: 2_000 }, { id: "c", ms: 0 }]);
});
