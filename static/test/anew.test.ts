import assert from "node:assert/strict";
import { test } from "node:test";
import { anew, fetchedAgain } from "../src/live/anew";

test("what takes a moment to be fetched again is told, until all of it has come", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [soon, late, later] = [fetchedAgain(), fetchedAgain(), fetchedAgain()];

  t.mock.timers.tick(149);
  soon();
  assert.equal(anew.value, 0);
  t.mock.timers.tick(1);
  assert.equal(anew.value, 2);
  late();
  late();
  assert.equal(anew.value, 1);
  later();
  assert.equal(anew.value, 0);
});
