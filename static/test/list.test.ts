import assert from "node:assert/strict";
import { test } from "node:test";
import { type Page, type State, numbered, taken } from "../src/model/listed";

const order = (item: number): number => item;
const before = (rows: number[], cursor = ""): State<number> => ({ key: "k", rows, total: rows.length, exact: true, cursor, waiting: [], loading: false, error: null });
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
