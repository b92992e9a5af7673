import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefused } from "../src/model/attempt";

test("a problem of our server is a refusal: what follows is another attempt", () => {
  assert.equal(isRefused({ status: 400, code: "INVALID_ARGUMENT" }), true);
  assert.equal(isRefused({ status: 409, code: "IDEMPOTENCY_CONFLICT" }), true);
  assert.equal(isRefused({ status: 412, code: "RUN_CHANGED" }), true);
  assert.equal(isRefused({ status: 429, code: "RATE_LIMITED" }), true);
});

test("what nobody answered, or who broke off, may be done: it is the same attempt", () => {
  assert.equal(isRefused({ status: 0, code: "UNREACHABLE" }), false);
  assert.equal(isRefused({ status: -1, code: "GIVEN_UP" }), false);
  assert.equal(isRefused({ status: 500, code: "INTERNAL" }), false);
  assert.equal(isRefused({ status: 503, code: "UNAVAILABLE" }), false);
});

test("an answer of somebody on the way to the server says nothing of what the server did", () => {
  assert.equal(isRefused({ status: 502, code: "" }), false);
  assert.equal(isRefused({ status: 413, code: "" }), false);
  assert.equal(isRefused({ status: 403, code: "1020" }), false);
  assert.equal(isRefused({ status: 409, code: "aborted" }), false);
});
