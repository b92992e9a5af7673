import assert from "node:assert/strict";
import test from "node:test";
import { differences } from "../src/model/watching";

test("a value is marked where it is another one than at the turn before", () => {
  const turns = [["1", ""], ["2", ""], ["2", "x"]].map((values, index) => ({ position: index + 1, summary: "", values }));

  assert.deepEqual(differences(turns), [[false, false], [true, false], [false, true]]);
  assert.deepEqual(differences([]), []);
});
