import assert from "node:assert/strict";
import { test } from "node:test";
import { gapsOf } from "../src/model/gaps";
import type { Rec } from "../src/model/records";
import { lastWriter, saidOf, writersOf } from "../src/model/why";

/** Records of a run, one after the other, at every tenth position. */
function told(...kinds: string[]): Rec[] {
  const none = { at: 0, summary: "", stepId: "", name: "", type: "", attempt: 1, startedAt: NaN, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "" };
  return kinds.map((kind, index) => ({ ...none, kind, version: index + 1, position: (index + 1) * 10 }));
}

const STORY = told("run.created", "run.started", "step.completed", "run.retrying", "run.tagged", "run.started", "run.pause_requested", "run.paused", "run.pause_explained", "run.resumed", "run.started", "run.completed");

test("each value of a run leads to the record that last wrote it, as of any moment", () => {
  const by = (index: number, ...fields: string[]): number[] => fields.map((field) => lastWriter(STORY, [], index, field));

  assert.deepEqual(by(4, "status", "attempt", "tags", "error", "due_at"), [40, 40, 50, 40, 40]);
  assert.deepEqual(by(8, "status", "pause_reason", "attempt", "worker_id"), [80, 90, 60, 60]);
  assert.deepEqual(by(7, "pause_reason"), [80]);
  assert.deepEqual(by(11, "status", "output", "attempt", "input", "event_name"), [120, 120, 110, 10, 10]);
  assert.deepEqual(by(3, "output"), [0], "nothing has");
});

test("what is not loaded may have written it later", () => {
  const records = STORY.filter((_, index) => index < 3 || index > 6);
  const gaps = gapsOf(records);

  assert.equal(lastWriter(records, gaps, 3, "attempt"), 0);
  assert.equal(lastWriter(records, gaps, 2, "attempt"), 20);
  assert.equal(lastWriter(records, gaps, 3, "status"), 80);
  assert.equal(lastWriter(records, gaps, 3, "input"), 10, "a run has that from its beginning");
  assert.equal(lastWriter(records.slice(3), [], 1, "input"), 0, "its beginning has expired");
});

test("of a run is said what has a value and is shown nowhere else", () => {
  const said = saidOf(new Map<string, unknown>([["output", 1], ["pause_reason", "look"], ["due_at", null], ["status", "paused"], ["worker_id", ""], ["tags", []]]));

  assert.deepEqual([...said], [["status", "paused"], ["tags", []], ["pause_reason", "look"]]);
  assert.deepEqual(writersOf("event_id"), ["run.created"]);
});
