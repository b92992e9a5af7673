import assert from "node:assert/strict";
import { test } from "node:test";
import { type Page, type State, numbered, shown, taken, topped } from "../src/model/listed";

const order = (item: number): number => item;
const before = (rows: number[], cursor = ""): State<number> => ({ key: "k", rows, total: rows.length, exact: true, cursor, waiting: [], apart: "", loading: false, error: null });
const page = (items: number[], next = ""): Page<number> => ({ items, next, total: 9, exact: true });

test("newer rows come in front, and those that were loaded before stay behind the page", () => {
  const state = taken(before([8, 7, 6, 5, 4], "4"), page([9, 8, 7], "7"), order, false);

  assert.deepEqual([state.rows, state.cursor, state.waiting], [[9, 8, 7, 6, 5, 4], "4", []]);
});

test("while nothing may move, newer rows wait and the others are brought up to date", () => {
  const state = taken(before([8, 7]), page([10, 9, 8, 7]), order, true);

  assert.deepEqual([state.rows, state.waiting], [[8, 7], [10, 9]]);
});

test("what fits no longer is gone when the page is the whole list", () => {
  assert.deepEqual(taken(before([8, 7, 6]), page([8, 6]), order, false).rows, [8, 6]);
});

test("a list that was empty shows what came, whatever may not move", () => {
  assert.deepEqual(taken(before([]), page([2, 1]), order, true).rows, [2, 1]);
});

test("older revisions begin before the last one of a page, until the first", () => {
  const page = (numbers: number[]): string => numbered(numbers, 3, (one) => one).next;

  assert.deepEqual([page([9, 8, 7]), page([3, 2, 1]), page([2, 1]), page([])], ["7", "", "", ""]);
});

test("an empty page that is not the last takes nothing away", () => {
  const state = taken(before([8, 7], "7"), page([], "3"), order, false);

  assert.deepEqual([state.rows, state.cursor], [[8, 7], "7"]);
});

test("what came after the newest row goes on top once, or waits, and of too many the oldest are let go", () => {
  const state = topped(before([8, 7, 6], "6"), [10, 9, 8], order, false, 4);
  assert.deepEqual([state.rows, state.cursor], [[10, 9, 8, 7], "7"]);

  const held = topped(topped(before([8, 7], "7"), [10, 9], order, true, 9), [11, 10], order, true, 9);
  assert.deepEqual([held.rows, held.waiting, held.cursor], [[8, 7], [11, 10, 9], "7"]);
  assert.deepEqual(topped(held, [], order, false, 9).rows, [11, 10, 9, 8, 7]);

  const many = topped(before([2, 1], "1"), [9, 8, 7, 6, 5, 4, 3], order, true, 4);
  const told = topped(many, [], order, false, 4);
  assert.deepEqual([many.rows, many.waiting, told.rows, told.cursor], [[2, 1], [9, 8, 7, 6], [9, 8, 7, 6], "6"]);
});

test("a page that does not reach what was there lets go of it, and the rows between are fetched behind the page", () => {
  const state = taken(before([3, 2, 1], "1"), page([9, 8, 7], "7"), order, false);

  assert.deepEqual([state.rows, state.cursor], [[9, 8, 7], "7"]);
});

test("what waits is shown without a gap, whether it joins the rows or not", () => {
  const held = taken(before([3, 2], "2"), page([9, 8, 7], "7"), order, true);
  const more = taken(held, page([11, 10, 9], "9"), order, true);
  const told = shown(more);
  assert.deepEqual([more.rows, more.cursor, more.waiting], [[3, 2], "2", [11, 10, 9, 8, 7]]);
  assert.deepEqual([told.rows, told.cursor, told.waiting, told.apart], [[11, 10, 9, 8, 7], "7", [], ""]);
  assert.deepEqual(topped(more, [12], order, false, 9).rows, [12, 11, 10, 9, 8, 7]);

  const joined = taken(held, page([9, 8, 7, 6, 5, 4, 3, 2], "2"), order, true);
  assert.deepEqual([shown(joined).rows, shown(joined).cursor], [[9, 8, 7, 6, 5, 4, 3, 2], "2"]);

  const waiting = taken(before([7, 6], "6"), page([9, 8, 7], "7"), order, true);
  assert.deepEqual(shown(taken(waiting, page([10, 9, 8], "8"), order, true)).rows, [10, 9, 8, 7, 6]);
});
