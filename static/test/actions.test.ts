import assert from "node:assert/strict";
import { test } from "node:test";
import { besides, isAction, keyed, shownOf } from "../src/model/actions";

test("a button says what it does, its key, or why nothing comes of it", () => {
  assert.deepEqual(shownOf("\n  Resume… ", "Resume (U)", false), { label: "Resume…", barred: "", key: "U" });
  assert.deepEqual(shownOf("Pause…", "it is completed", true), { label: "Pause…", barred: "it is completed", key: "" });
  assert.equal(shownOf("Rows on", "", true).barred, "not now");
  assert.deepEqual(shownOf("Its runs", "", false), { label: "Its runs", barred: "", key: "" });
});

test("moving, choosing and looking again are no actions", () => {
  for (const keys of ["j", "ArrowDown", "Shift+ArrowLeft", "Mod+ArrowRight", "Mod+k", "Home", "g r", "1", "r", "Escape", "]"]) assert.ok(!isAction(keys), keys);
  for (const keys of ["e", "U", "Enter", " ", "c"]) assert.ok(isAction(keys), keys);
});

test("a button has the key of the same words, unless nothing comes of it", () => {
  const bindings = [{ keys: "P", label: "Pause…" }];
  const found = keyed([shownOf("Pause…", "", false), shownOf("Pause", "it is paused", true), shownOf("Resume", "Resume (U)", false)], bindings);

  assert.deepEqual(
    found.map((one) => one.key),
    ["P", "", "U"],
  );
});

test("what a button does is not offered a second time by its key", () => {
  const bindings = ["U Resume…", "K Cancel…", "c Copy the id", "s Steps"].map((one) => ({ keys: one[0], label: one.slice(2) }));
  const buttons = [shownOf("Resume…", "Resume (U)", false), shownOf("Cancel…", "it is completed", true)];

  assert.deepEqual(
    besides(bindings, buttons).map((one) => one.keys),
    ["c", "s"],
  );
});
