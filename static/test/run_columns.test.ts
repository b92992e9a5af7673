import assert from "node:assert/strict";
import { test } from "node:test";
import { RUN_FIRST, fitting, runColumnToggled, runColumnsShown } from "../src/model/run_columns";

test("columns of runs are kept in one order, and what names a run stays", () => {
  assert.deepEqual(runColumnsShown(["steps", "run", "gone"]), ["status", "function", "run", "steps"]);
  assert.deepEqual(runColumnToggled(["run"], "run"), ["status", "function"]);
  assert.deepEqual(runColumnToggled(["run"], "environment"), ["status", "function", "run", "environment"]);
});

test("where room is short, what matters least goes first", () => {
  assert.deepEqual(fitting(RUN_FIRST, 1_200).columns, RUN_FIRST);
  assert.deepEqual(
    fitting(RUN_FIRST, 990).columns,
    RUN_FIRST.filter((one) => one !== "trigger"),
  );
  assert.deepEqual(fitting(RUN_FIRST, 654).columns, ["status", "function", "started", "steps", "marks", "told"]);
  assert.deepEqual(fitting(RUN_FIRST, 343).columns, ["status", "function", "started", "steps"]);
});

test("whoever shows fewer columns keeps those that were chosen", () => {
  assert.deepEqual(fitting(["status", "function", "trigger", "tags"], 600).columns, ["status", "function", "trigger", "tags"]);
});

test("on a phone the status is its icon, and one track takes what is left", () => {
  const { small, template } = fitting(RUN_FIRST, 343);
  assert.equal(small, true);
  assert.equal(template, "24px 20px minmax(96px, 1fr) 70px 48px");
});
