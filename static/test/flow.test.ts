import assert from "node:assert/strict";
import { test } from "node:test";
import type { FunctionFlow } from "../src/api/types";
import { flowOf, sampleOf } from "../src/model/flow";

const flow: FunctionFlow = {
  function_id: "ship",
  sampled: 3,
  whole: true,
  started_by: [
    { kind: "event", name: "order.placed", count: 2 },
    { kind: "function", name: "checkout", count: 1 },
  ],
  leads_to: [{ kind: "event", name: "mail.sent", count: 1_200 }],
};

test("a function stands between what starts it and what comes of it", () => {
  const { nodes, edges } = flowOf(flow, ["order.*"]);
  assert.deepEqual(nodes.map((node) => `${node.kind} ${node.name}: ${node.note}`), ["event order.placed: 2× started", "function checkout: 1× started", "self ship: 3 runs", "event mail.sent: 1,200× emitted"]);
  assert.deepEqual(edges.map(([from, to]) => `${from} > ${to}`), ["from event order.placed > self", "from function checkout > self", "self > to event mail.sent"]);
});

test("what it is registered for and did not come is there too", () => {
  const noted = (declared: string[]) => flowOf({ ...flow, whole: false }, declared).nodes.map((node) => node.note);
  assert.deepEqual(noted(["order.>", "stock.low"]), ["2× started", "1× started", "none lately", "newest 3 runs", "1,200× emitted"]);
  assert.deepEqual(noted(["order", "*.placed.now", "*.placed"]).filter((note) => note === "none lately").length, 2);
});

test("it says of which runs it is", () => {
  const told = (sampled: number, whole: boolean) => sampleOf({ ...flow, sampled, whole });
  assert.match(told(0, true), /registered for/);
  assert.equal(told(1, true), "What started the one run of 24 hours, and what came of it.");
  assert.deepEqual([told(3, true), told(1_000, false)].map((text) => text.slice(0, 33)), ["What started the 3 runs of 24 hou", "What started the newest 1,000 run"]);
});
