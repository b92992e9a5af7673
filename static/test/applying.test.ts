import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppliedRun, Plan, Repair } from "../src/api/types";
import { parted, patchOf, planText, repeats, versionsOf } from "../src/model/applying";

const repair = (how: string): Repair => ({ how, runs: 1, examples: [{ run_id: `run_${how}`, repaired_by: `run_${how}_by` }] });
const plan = (...steps: [string, string, boolean?][]): Plan => ({ version: 7, compensations: [], warnings: [], steps: steps.map(([name, fate, again = false]) => ({ step_id: name, name, type: "invoke", status: "", fate, repeats: again }) as Plan["steps"][number]) });

test("what a person put in place is applied, of a fork the fork itself", () => {
  assert.equal(patchOf([]), null);
  assert.equal(patchOf([repair("resumed"), repair("retried")]), null);
  assert.deepEqual(patchOf([repair("forked"), repair("patched")]), { run: "run_patched", how: "patched" });
  assert.deepEqual(patchOf([repair("forked")]), { run: "run_forked_by", how: "forked" });
});

test("a plan is told by what becomes of its steps", () => {
  assert.equal(planText(plan(["fetch", "kept"], ["quote", "changed"], ["book", "reruns", true])), "keeps fetch; runs book again");
  assert.equal(planText(plan(["quote", "changed"])), "goes on after it");
  assert.deepEqual(repeats(plan(["fetch", "kept"], ["book", "reruns", true])), ["book"]);
});

test("runs that refuse stand apart, and only planned ones have a version", () => {
  const runs = [{ run_id: "a", plan: plan() }, { run_id: "b", error: { error: "it completed", code: "RUN_MENDED" } }] as AppliedRun[];
  assert.deepEqual(parted(runs).refused.map((one) => one.run_id), ["b"]);
  assert.deepEqual(versionsOf(runs), { a: 7 });
});
