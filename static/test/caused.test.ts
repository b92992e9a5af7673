import assert from "node:assert/strict";
import test from "node:test";
import type { Entry } from "../src/api/types";
import { type Effect, emittedOf } from "../src/model/caused";

function effect(position: number, kind: string, stream: string, data: Record<string, unknown>, ...effects: Effect[]): Effect {
  return { entry: { position, kind, stream, data } as unknown as Entry, effects };
}

test("what came of a run is its events, the runs that they began, and how those are", () => {
  const told = emittedOf([
    effect(2, "event.emitted", "event/e1", { id: "e1", name: "paid", source: "sdk" }, effect(3, "run.created", "run/r1", { function_id: "receipt" }, effect(5, "run.completed", "run/r1", {}))),
    effect(6, "event.emitted", "event/e2", { id: "e2", name: "pickup", source: "invoke" },
      effect(7, "run.created", "run/r2", { function_id: "pickup" }, effect(8, "event.emitted", "event/e3", { id: "e3", name: "called", source: "sdk" }), effect(9, "step.completed", "run/r2", {})),
      effect(10, "run.created", "run/r3", { function_id: "audit" })),
    effect(11, "run.paused", "run/r0", {}),
  ]);
  assert.deepEqual(told.map((one) => [one.id, one.name, one.position, one.invokes]), [["e1", "paid", 2, false], ["e2", "pickup", 6, true]]);
  assert.deepEqual(told[0].runs, [{ id: "r1", functionId: "receipt", status: "completed", events: [] }]);
  assert.deepEqual(told[1].runs.map((one) => [one.id, one.status, one.events.map((event) => event.name)]), [["r2", "running", ["called"]], ["r3", "waiting_for_capacity", []]]);
});
