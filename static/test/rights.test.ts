import assert from "node:assert/strict";
import { test } from "node:test";
import { editLacks, editVerb, lacked } from "../src/model/rights";

const having = (...permissions: string[]) => (permission: string) => permissions.includes(permission);

test("a paused run is injected, or patched by whom that alone is allowed; a failed one is patched", () => {
  assert.equal(editVerb("paused", having("runs:inject", "runs:patch")), "inject");
  assert.equal(editVerb("paused", having("runs:patch")), "patch");
  assert.equal(editVerb("paused", having()), "inject");
  assert.equal(editVerb("failed", having("runs:inject")), "patch");
  assert.equal(editVerb("completed", having("runs:patch")), null);
});

test("an edit is barred only where no way is left, and says what would open one", () => {
  assert.equal(editLacks("paused", having("runs:inject")), "");
  assert.equal(editLacks("failed", having("runs:fork")), "");
  assert.match(editLacks("failed", having("runs:inject")), /runs:patch, or runs:fork/);
  assert.match(editLacks("paused", having()), /runs:inject/);
  assert.match(editLacks("completed", having("runs:patch", "runs:inject")), /runs:fork/);
});

test("of several rights the first that is missing is named", () => {
  assert.equal(lacked(["runs:inject", "runs:resume"], having("runs:inject")), "runs:resume");
  assert.equal(lacked([], having()), "");
});
