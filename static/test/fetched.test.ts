import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchedOnce } from "../src/model/fetched";

test("it is fetched once, for all who ask before it is there and after", async () => {
  let count = 0;
  const one = fetchedOnce(async () => ++count);

  const asked = [one.get(), one.get()];
  assert.equal(one.kept(), undefined);

  assert.deepEqual(await Promise.all(asked), [1, 1]);
  assert.equal(one.kept(), 1);
  assert.equal(await one.get(), 1);
});

test("who asks between what was seen and what was asked gets what came meanwhile", async () => {
  let arrive = (_: string): void => undefined;
  const one = fetchedOnce(() => new Promise<string>((resolve) => (arrive = resolve)));
  const ahead = one.get();
  assert.equal(one.kept(), undefined);

  arrive("there");
  await ahead;

  assert.equal(await one.get(), "there");
});

test("what failed is fetched again by the next who asks", async () => {
  let count = 0;
  const one = fetchedOnce(async () => {
    count += 1;
    if (count === 1) throw new Error("the server is away");
    return count;
  });

  await assert.rejects(one.get(), /away/);

  assert.equal(one.kept(), undefined);
  assert.equal(await one.get(), 2);
});
