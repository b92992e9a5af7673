import assert from "node:assert/strict";
import { test } from "node:test";
import { ASKED_MAX, called, isActor, type Named, namer } from "../src/model/naming";

const id = (kind: "ak" | "usr", number: number): string => `${kind}_${String(number).padStart(26, "0")}`;
const user = (number: number, more: Partial<Named> = {}): Named => ({ id: id("usr", number), kind: "user", name: "Ada", prefix: "", email: "ada@example.com", deleted: false, ...more });
const key: Named = { id: id("ak", 1), kind: "key", name: "nightly", prefix: "ifkey_ab12", email: "", deleted: false };

/** Answers and moments are given by the test. */
function asked(answer: (ids: readonly string[]) => readonly Named[] | Error) {
  const calls: (readonly string[])[] = [];
  const moments: (() => void)[] = [];
  let known: ReadonlyMap<string, Named | null> = new Map();
  const names = namer({
    ask: async (ids) => {
      calls.push(ids);
      const told = answer(ids);
      if (told instanceof Error) throw told;
      return told;
    },
    soon: (then) => moments.push(then),
    told: (now) => {
      known = now;
    },
  });
  const settle = async (): Promise<void> => {
    for (const then of moments.splice(0)) then();
    await new Promise((done) => setImmediate(done));
  };
  return { names, calls, settle, known: () => known };
}

test("callers are called by address, or by name and prefix, and say when they are gone", () => {
  assert.equal(called(key.id, key), "nightly (ifkey_ab12…)");
  assert.equal(called(key.id, { ...key, deleted: true }), "nightly (deleted, ifkey_ab12…)");
  assert.equal(called(id("usr", 1), user(1)), "ada@example.com");
  assert.equal(called(id("usr", 1), user(1, { deleted: true })), "ada@example.com (deleted)");
  assert.equal(called(id("usr", 1), user(1, { deleted: true, email: "", name: "" })), `${id("usr", 1)} (deleted)`);
  assert.equal(called(id("usr", 1), null), id("usr", 1));
  assert.deepEqual([key.id, id("usr", 3), "nats", "", "worker w-1", "ak_1"].map(isActor), [true, true, false, false, false, false]);
});

test("what a page shows is asked about together, and each but once, also if it is unknown", async () => {
  const { names, calls, settle, known } = asked((ids) => (ids.includes(key.id) ? [key] : []));

  for (const one of [key.id, id("usr", 7), key.id, "nats", ""]) names.want(one);
  await settle();
  for (const one of [key.id, id("usr", 7)]) names.want(one);
  await settle();

  assert.deepEqual(calls, [[key.id, id("usr", 7)]]);
  assert.deepEqual([...known()], [[key.id, key], [id("usr", 7), null]]);
});

test("more than the server takes at once are asked about in parts", async () => {
  const { names, calls, settle } = asked(() => []);

  for (let number = 0; number <= ASKED_MAX; number++) names.want(id("ak", number));
  await settle();

  assert.deepEqual(calls.map((ids) => ids.length), [ASKED_MAX, 1]);
});

test("who signs in is told nothing that somebody else may know; what was not answered is asked about anew", async () => {
  const { names, calls, settle, known } = asked((ids) => (ids[0] === key.id ? [key] : new Error("away")));

  names.want(key.id);
  await settle();
  names.want(id("usr", 1));
  await settle();
  names.want(id("usr", 1));
  await settle();
  assert.deepEqual([...known().keys()], [key.id]);
  assert.equal(calls.length, 3);
  names.forget();
  assert.equal(known().size, 0);
  names.want(key.id);
  await settle();
  assert.equal(known().get(key.id), key);

  names.forget();
  names.want(id("usr", 2));
  names.forget();
  await settle();
  assert.equal(known().size, 0);
});
