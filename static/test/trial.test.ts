import assert from "node:assert/strict";
import test from "node:test";
import { of } from "../src/model/json";
import { distinct, triedOf } from "../src/model/trial";

const recorded = (id: string, resource = "secret/stripe") => ({
  id,
  actor: "ak_1",
  action: "secrets:read",
  resource,
  address: "10.0.0.1",
  created_at: `2026-03-01T12:00:0${id}Z`,
  payload: of({ asked: { roles: ["developer", "role_1"], actor_kind: "session" } }),
});

test("a recorded decision becomes the request that it was about, as of its time", () => {
  assert.deepEqual(triedOf(recorded("3")), {
    id: "ak_1",
    action: "secrets:read",
    resource: "secret/stripe",
    kind: "session",
    roles: "developer, role_1",
    address: "10.0.0.1",
    at: "2026-03-01T12:00:03Z",
  });
});

test("what was asked several times is there once, as it was asked last", () => {
  const found = distinct([[recorded("5"), recorded("2")], [recorded("4", "secret/other"), recorded("1")]]);
  assert.deepEqual(found.map((one) => one.id), ["5", "4"]);
});
