import assert from "node:assert/strict";
import test from "node:test";
import { NARROWEST, fitting, moved, widest } from "../src/model/edge";

const WINDOW = 1_400;

test("a side is never too narrow to read, and leaves room for the list", () => {
  assert.equal(fitting(10, WINDOW), NARROWEST);
  assert.equal(fitting(500.4, WINDOW), 500);
  assert.equal(fitting(5_000, WINDOW), 840);
  assert.equal(fitting(5_000, 320), NARROWEST, "a window that is too small for both");
});

test("its edge moves as the arrows point", () => {
  const wider = moved("ArrowLeft", false, 400, WINDOW) as number;
  assert.ok(wider > 400);
  assert.equal(moved("ArrowRight", false, wider, WINDOW), 400);
  assert.ok((moved("ArrowLeft", true, 400, WINDOW) as number) > wider, "Shift goes farther");
  assert.equal(moved("Home", false, 400, WINDOW), NARROWEST);
  assert.equal(moved("End", false, 400, WINDOW), widest(WINDOW));
  assert.equal(moved("j", false, 400, WINDOW), null);
});
