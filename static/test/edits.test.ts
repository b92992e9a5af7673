import assert from "node:assert/strict";
import { test } from "node:test";
import { type Edit, editOf, newest } from "../src/model/edits";

const entry = (kind: string, stream: string, data: Record<string, unknown>) => ({ position: 7, stream, version: 3, kind, data, actor: "ada", correlation: "", causation: "", recorded_at: "2026-01-05T09:00:00Z" });

test("a patch leads to its step at that moment, and says why and by whom", () => {
  const edit = editOf(entry("step.patched", "run/run_1", { step_id: "run_1:charge:0", name: "charge", reason: "wrong currency" }));

  assert.equal(edit?.title, "charge was patched");
  assert.deepEqual([edit?.note, edit?.actor], ["wrong currency", "ada"]);
  assert.deepEqual([edit?.path, edit?.query], ["/runs/run_1", { step: "charge:0", at: 7 }]);
});

test("a policy that is there leads to it, one that was deleted to its history", () => {
  assert.deepEqual(editOf(entry("policy.created", "policy/pol_1", { definition: { name: "no-secrets" } }))?.query, { policy: "pol_1" });
  assert.deepEqual(editOf(entry("policy.deleted", "policy/pol_1", {}))?.query, { tab: "history", stream: "policy/pol_1" });
  assert.equal(editOf(entry("run.created", "run/run_1", {})), null);
});

test("what came later is added once, the newest first, and no more than are shown", () => {
  const at = (position: number): Edit => ({ position, icon: "diamond", title: "", note: "", actor: "", at: "", path: "", query: {} });

  assert.deepEqual(newest([at(8), at(9)], [at(8), at(5), at(3)], 3).map((one) => one.position), [9, 8, 5]);
});
