import assert from "node:assert/strict";
import { test } from "node:test";
import { graphOf } from "../src/model/graph";
import type { Rec } from "../src/model/records";
import { waterfall } from "../src/model/waterfall";

const RUN = "run_1";
let position = 0;

/** A step that worked from one instant to another, by its path. */
function step(path: string, from: number, to: number): Rec {
  const name = path.split(":").at(-1) as string;
  return { position: ++position, version: 0, kind: "step.completed", at: to, summary: "", stepId: `${RUN}:${path}:0`, name, type: "invoke", attempt: 1, startedAt: from, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "" };
}

function drawn(records: Rec[], open = true, max = 300): { nodes: string[]; edges: string[]; whole: number } {
  const { root } = waterfall(records, "f");
  const { nodes, edges, whole } = graphOf(root, () => open, max);
  const label = (id: string): string => {
    const node = nodes.find((one) => one.id === id);
    return node?.label || node?.kind || id;
  };
  return { nodes: nodes.map((one) => one.label || one.kind), edges: edges.map(([from, to]) => `${label(from)} > ${label(to)}`).sort(), whole };
}

test("what began after something had ended follows it", () => {
  const { edges } = drawn([step("a", 0, 10), step("b", 10, 20), step("c", 25, 30)]);

  assert.deepEqual(edges, ["a > b", "b > c", "c > end", "start > a"]);
});

test("what went on at the same time stands side by side, and meets again", () => {
  const { edges } = drawn([step("a", 0, 10), step("b", 11, 40), step("c", 12, 20), step("d", 50, 60)]);

  assert.deepEqual(edges, ["a > b", "a > c", "b > d", "c > d", "d > end", "start > a"]);
});

test("what follows one of two that go on follows only that one", () => {
  const { edges } = drawn([step("long", 0, 100), step("short", 0, 10), step("then", 20, 30)]);

  assert.deepEqual(edges, ["long > end", "short > then", "start > long", "start > short", "then > end"]);
});

test("steps of no length follow one another", () => {
  const { edges } = drawn([step("a", 5, 5), step("b", 5, 5), step("c", 5, 5)]);

  assert.deepEqual(edges, ["a > b", "b > c", "c > end", "start > a"]);
});

test("branches of a parallel block are sequences of their own", () => {
  const { edges } = drawn([step("p:0:x", 0, 10), step("p:1:y", 0, 5), step("p:0:z", 11, 20), step("after", 21, 22)]);

  assert.deepEqual(edges, ["after > end", "start > x", "start > y", "x > z", "y > after", "z > after"]);
});

test("a closed block is one node", () => {
  const { nodes, edges } = drawn([step("p:0:x", 0, 10), step("p:1:y", 0, 5), step("after", 21, 22)], false);

  assert.deepEqual(nodes, ["p", "after", "start", "end"]);
  assert.deepEqual(edges, ["after > end", "p > after", "start > p"]);
});

test("many that follow many meet in a joint instead of crossing", () => {
  const rows = [..."abc"].map((name) => step(name, 0, 10)).concat([..."xyz"].map((name) => step(name, 20, 30)));

  const { edges } = drawn(rows);

  assert.equal(edges.filter((edge) => edge.includes("joint")).length, 6);
});

test("a long run is folded into few nodes, by name and then by number", () => {
  const loop = Array.from({ length: 500 }, (_, index) => ({ ...step("poll", index * 10, index * 10 + 5), stepId: `${RUN}:poll:${index}` }));
  const others = Array.from({ length: 1_000 }, (_, index) => step(`${index % 2 ? "odd" : "even"}`, 9_000 + index * 10, 9_005 + index * 10)).map((one, index) => ({ ...one, stepId: `${RUN}:${one.name}:${index}` }));

  const { nodes, whole } = drawn([step("first", -10, -5), ...loop, ...others], true, 300);

  assert.equal(whole, 1_501);
  assert.ok(nodes.length <= 102, `${nodes.length} nodes`);
});
