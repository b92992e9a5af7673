import assert from "node:assert/strict";
import test from "node:test";
import { boundaryOf, stopText } from "../src/model/boundary";
import { ownFrame } from "../src/model/stack";

const KNOWN = ["load", "charge", "mail"].map((name) => ({ path: `${name}:0`, name }));

test("a run that is paused ends the step it is at and stops before the next", () => {
  assert.deepEqual(boundaryOf(new Set(["load:0"]), KNOWN), { first: "charge", before: "mail" });
  assert.deepEqual(boundaryOf(new Set(["load:0", "charge:0"]), KNOWN), { first: "mail", before: "" });
  assert.equal(boundaryOf(new Set(["load:0", "charge:0", "mail:0"]), KNOWN), null);
  assert.equal(boundaryOf(new Set(), []), null);
  assert.match(stopText({ first: "charge", before: "mail" }), /ends charge and stops before mail$/);
  assert.match(stopText({ first: "mail", before: "" }), /mail is its last step/);
});

test("of a stack the frame of somebody's own code is told that is nearest to the failure", () => {
  const stack = `Traceback (most recent call last):
  File "/srv/shop/orders.py", line 23, in charge
    pay(order)
  File "/srv/.venv/lib/python3.11/site-packages/httpx/_client.py", line 914, in send
    raise
  File "/usr/lib/python3.11/asyncio/runners.py", line 190, in run
ValueError: no`;

  assert.equal(ownFrame(stack), "orders.py:23, in charge");
  assert.equal(ownFrame('  File "C:\\\\shop\\\\orders.py", line 7'), "orders.py:7");
  assert.equal(ownFrame("Error: no\n    at charge (orders.js:1:2)"), "");
});
