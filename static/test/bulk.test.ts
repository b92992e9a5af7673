import assert from "node:assert/strict";
import { test } from "node:test";
import type { BulkJob } from "../src/api/types";
import { VERBS, barredAt, commandOf, farOf, excludedText, outlook, reasonsOf, shareOf, titleOf, whichOf } from "../src/model/bulk";

const job: BulkJob = { id: "bulk_1", verb: "resume", status: "running", reason: "r", total: 1_240, changed: 428, refused: 2, started_by: "", started_at: "2026-01-05T09:00:00Z", changed_at: "2026-01-05T09:00:43Z" };
const now = Date.parse("2026-01-05T09:00:43Z");

test("a job says how far it is, and how long it takes yet", () => {
  assert.equal(farOf(job), "428 of 1,240 resumed, 2 refused");
  assert.equal(outlook(job, now), "about 1 m 21 s to go");
  assert.equal(shareOf(job), 430 / 1_240);
  assert.equal(outlook({ ...job, changed: 0, refused: 0 }, now), "");
});

test("one run says why it cannot be asked", () => {
  const said = (id: string, status: string): string => barredAt(VERBS.find((verb) => verb.id === id) ?? VERBS[0], status);

  assert.equal(said("cancel", "completed"), "it is completed");
  assert.equal(said("resume", "waiting_for_capacity"), "it is queued");
  for (const [id, status] of [["replay", "running"], ["tag", "failed"], ["fork", "paused"], ["pause", "waiting"]]) assert.equal(said(id, status), "", id);
});

test("a job that has ended says what became of the rest", () => {
  assert.equal(outlook({ ...job, status: "completed" }, now), "810 went on by themselves before it came to them");
  assert.equal(outlook({ ...job, status: "completed", total: 430 }, now), "");
  assert.equal(outlook({ ...job, status: "stopped", stop_reason: "too soon" }, now), "stopped: too soon");
  assert.equal(shareOf({ ...job, status: "completed" }), 1);
  assert.equal(shareOf({ ...job, total: 100 }), 1);
  assert.equal(farOf({ ...job, verb: "fork", total: 1, changed: 1, refused: 0 }), "1 of 1 forked from where they failed");
});

test("a job's filter is the one of the list", () => {
  assert.equal(whichOf({ filter: { status: "failed", function_id: "ship", search: "card declined", until: "2026-01-05T09:00:00Z" } }), "status:failed function:ship card declined");
  assert.equal(whichOf({ filter: { tag: "late order" } }), 'tag:"late order"');
  assert.equal(whichOf({ named: 3 }), "");
});

test("a verb says to how many", () => {
  assert.deepEqual([VERBS[0], VERBS[2]].map((verb) => titleOf(verb, "3 runs")), ["Resume 3 runs", "Fork 3 runs from failure"]);
});

test("a job can be begun by a command that says the same", () => {
  const filter = { status: "failed", search: "the card's", per_second: 5 };
  assert.equal(commandOf("resume", filter, "it is back", "default"), `ironflow bulk start resume --status 'failed' --search 'the card'\\''s' --per-second '5' --reason 'it is back'`);
  assert.equal(commandOf("tag", { run_ids: ["run_1", "run_2"], add: ["seen"], remove: [] }, "r", "stage"), "ironflow bulk start tag --run 'run_1' --run 'run_2' --add 'seen' --reason 'r' --env stage");
  assert.equal(commandOf("cancel", { status: "paused", compensate: true }, "r", "default"), "ironflow bulk start cancel --status 'paused' --compensate --reason 'r'");
});

test("runs that are left out are counted by the reason, whichever they are", () => {
  const refused = [
    { run_id: "run_a", error: "run_a is completed", hint: "cancel takes others" },
    { run_id: "run_b", error: "no step" },
    { run_id: "run_c", error: "run_c is completed", hint: "cancel takes others" },
  ];

  assert.deepEqual(reasonsOf(refused), [
    { text: "it is completed", hint: "cancel takes others", runs: ["run_a", "run_c"] },
    { text: "no step", hint: "", runs: ["run_b"] },
  ]);
  assert.equal(excludedText({ running: 3, completed: 1_200 }), "1,200 completed, 3 running");
});
