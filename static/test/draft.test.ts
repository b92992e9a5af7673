import assert from "node:assert/strict";
import { test } from "node:test";
import { type Draft, bodyOf, commandOf, problemsOf } from "../src/model/draft";

const draft: Draft = { name: " order.placed ", data: '{"id": 9007199254740993}', metadata: "", version: "1", key: "", again: "" };

test("an event is sent as it was written, and only what was said of it", () => {
  assert.equal(bodyOf(draft), '{"name":"order.placed","data":{"id":9007199254740993},"source":"dashboard"}');
  assert.equal(
    bodyOf({ ...draft, metadata: '{"tenant": "a"}', version: "2", key: "k\"1", again: "evt_1" }),
    '{"name":"order.placed","data":{"id":9007199254740993},"metadata":{"tenant":"a"},"version":2,"idempotency_key":"k\\"1","reemitted_from":"evt_1","source":"dashboard"}',
  );
});

test("what cannot be sent is not, and says why", () => {
  for (const wrong of [{ name: " " }, { data: "{" }, { metadata: "[1]" }, { metadata: "{" }, { version: "0" }, { version: "1.5" }]) assert.equal(bodyOf({ ...draft, ...wrong }), "");
  assert.match(problemsOf({ ...draft, metadata: "[1]" }).metadata, /an object/);
  assert.deepEqual(problemsOf(draft), { data: "", metadata: "", version: "" });
});

test("the command says the same", () => {
  assert.equal(commandOf(draft, "default"), `ironflow emit order.placed -d '{"id":9007199254740993}'`);
  assert.equal(
    commandOf({ ...draft, data: `"it's"`, metadata: '{"a": 1}', version: "3", key: "k", again: "evt_1" }, "staging"),
    `ironflow emit order.placed -d '"it'\\''s"' --metadata '{"a":1}' --event-version 3 --idempotency-key 'k' --reemitted-from evt_1 --env staging`,
  );
});
