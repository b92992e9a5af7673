import assert from "node:assert/strict";
import { test } from "node:test";
import { type Folds, allIn, foldsOf, foldsText, isOpenIn, turnedIn } from "../src/model/folds";
import type { Rec } from "../src/model/records";
import { type Row, visible, waterfall } from "../src/model/waterfall";

const RUN = "run_1";
const BY_THEMSELVES: Folds = { level: null, turned: new Set() };

function rowsOf(paths: readonly string[]): Row {
  const records = paths.map((path, index): Rec => {
    const none = { startedAt: NaN, until: NaN, error: null, about: "", childRunId: "", compensationFor: "", actor: "" };
    return { ...none, position: index + 1, version: index + 1, kind: "step.completed", at: index, summary: "", stepId: `${RUN}:${path}:0`, name: path.split(":").at(-1) ?? "", type: "invoke", attempt: 1 };
  });
  return waterfall(records, "pay").root;
}

const ORDERS = rowsOf(["orders:0:ship", "orders:0:mails:0:send", "orders:0:mails:0:log", "orders:1:ship", "orders:1:pack"]);
/** Blocks side by side, all with fewer branches than would fold them. */
const BLOCKS = rowsOf(Array.from({ length: 300 }, (_, index) => [`block ${index}:0:a`, `block ${index}:0:b`]).flat());

const seen = (root: Row, folds: Folds): string[] => visible(root, (row) => isOpenIn(folds, row)).map((row) => row.label);

test("groups are unfolded down to a level, and folded below it", () => {
  const lengths = [0, 1, 2, 3, 9].map((level) => seen(ORDERS, { level, turned: new Set() }).length);

  assert.deepEqual([...lengths].sort((a, b) => a - b), lengths);
  assert.equal(lengths[0], 2);
  assert.ok(lengths[2] > lengths[1] && lengths[1] > lengths[0]);
  assert.equal(lengths[4], visible(ORDERS, () => true).length);
});

test("all are closed where all are open, and opened otherwise", () => {
  const closed = allIn(ORDERS, BY_THEMSELVES);

  assert.equal(seen(ORDERS, closed).length, 2);
  assert.deepEqual(seen(ORDERS, allIn(ORDERS, closed)), seen(ORDERS, { level: Infinity, turned: new Set() }));
});

test("however many are turned round, the URL brings back what was open", () => {
  for (const level of [null, 0, 2, Infinity])
    for (const turned of [0, 1, 40, 41, 250]) {
      const folds = BLOCKS.children.slice(0, turned).reduce(turnedIn, { level, turned: new Set() } as Folds);
      const text = foldsText(folds);

      assert.deepEqual(seen(BLOCKS, foldsOf(text)), seen(BLOCKS, folds), `${turned} of ${level}`);
      assert.equal(foldsText(foldsOf(text)), text);
      assert.ok(text.length <= 1_300, `${text.length} characters`);
    }
});

test("what came by a mark is turned back by its row, and what was never turned has no text", () => {
  const many = BLOCKS.children.slice(0, 50).reduce(turnedIn, BY_THEMSELVES);
  const back = BLOCKS.children.slice(0, 50).reduce(turnedIn, foldsOf(foldsText(many)));

  assert.equal(foldsText(back), "");
  assert.equal(foldsText(foldsOf("")), "");
  assert.deepEqual([...foldsOf(":orders\n:mails").turned], [":orders", ":mails"], "a link of before");
});
