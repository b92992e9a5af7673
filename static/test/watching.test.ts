import assert from "node:assert/strict";
import test from "node:test";
import { AT_ONCE, LOOKED_MAX, parts, turns } from "../src/model/watching";

test("the parts that are asked for stay the same while a run goes on", () => {
  const positions = Array.from({ length: 47 }, (_, index) => 100 + index);

  assert.deepEqual(parts(positions).map((part) => part.length), [20, 20, 7]);
  assert.deepEqual(parts([...positions, 200]).slice(0, 2), parts(positions).slice(0, 2));
  assert.deepEqual(parts([]), []);
});

test("of a long run the last records are looked through", () => {
  const positions = Array.from({ length: 1_005 }, (_, index) => index);

  const asked = parts(positions).flat();

  assert.ok(asked.length <= LOOKED_MAX && asked.length > LOOKED_MAX - AT_ONCE);
  assert.equal(asked.at(-1), 1_004);
});

test("a moment is told where any value is another one than before", () => {
  assert.deepEqual(turns([["1", "a"], ["1", "a"], ["2", "a"], ["2", "b"], ["2", "b"]]), [0, 2, 3]);
  assert.deepEqual(turns([]), []);
});
