import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf } from "../src/model/command";
import { type Call, textOf } from "../src/model/call";
import { curlOf } from "../src/model/curl";

const call = (method: Call["method"], path: string, body?: unknown, more: Partial<Call> = {}): Call => ({ method, path, body: body === undefined ? undefined : JSON.stringify(body), ...more });

test("a call is told as the command that does the same, with no more than there is", () => {
  const told = (one: Call, known?: Record<string, string>): string => commandOf(one, "default", known);

  assert.equal(told(call("POST", "/groups/billing/reset", { after: 0, preview: false, reason: "it's late" })), "ironflow group reset billing --after 0 --reason 'it'\\''s late'");
  assert.equal(told(call("POST", "/groups/billing/dead-letters/requeue", { positions: [3, 5], reason: "" })), "ironflow dlq requeue billing 3 5");
  assert.equal(told(call("POST", "/groups/billing/dead-letters/discard", { all: true, cause: "", search: "no such" })), "ironflow dlq discard billing --all --search 'no such'");
  assert.equal(told(call("POST", "/apikeys", { name: "ci", role_ids: ["viewer", "role_1"], env_id: "" })), "ironflow apikey create ci --role viewer --role role_1");
  assert.equal(told(call("POST", "/kv/buckets", { name: "carts", ttl_seconds: 60 })), "ironflow kv bucket create carts --ttl 60s");
  assert.equal(told(call("POST", "/config/limits", { max: 4 }, { version: 3 })), "ironflow config set limits '{\"max\":4}' --revision 3");
  assert.equal(told(call("PATCH", "/users/usr_1", { is_active: false }), { email: "a@b.c" }), "ironflow user disable a@b.c");
  assert.equal(told(call("PATCH", "/users/usr_1", { roles: ["viewer"] }), { email: "a@b.c" }), "ironflow user roles a@b.c viewer");
  assert.equal(told(call("POST", "/streams/42/events", { name: "paid", entityType: "order", expectedVersion: -1, data: {} })), "ironflow stream append order/42 paid --data '{}'");
  assert.equal(told(call("POST", "/policies", { name: "p" })), `printf %s '{"name":"p"}' | ironflow policy apply -`);
  assert.equal(told(call("DELETE", "/apikeys/ak_1", undefined, { query: { reason: "lost" } })), "ironflow apikey delete ak_1 --reason lost --yes");
  assert.equal(told(call("POST", "/workers/a%2Fb/drain", { reason: "" })), "ironflow worker drain a/b");
  assert.equal(told(call("POST", "/nothing/like/it", {})), "");
  assert.equal(commandOf(call("DELETE", "/groups/billing"), "prod 2", {}), "ironflow group delete billing --env 'prod 2'");
});

test("a value is put as it is, if a command can take it", () => {
  const put = (text: string | Uint8Array, version: number | null): Call => ({ method: "PUT", path: "/kv/buckets/carts/keys/user/7", bytes: true, body: typeof text === "string" ? text : textOf(text), version });

  assert.equal(commandOf(put("it", 3), "default"), "ironflow kv cas carts user/7 it --revision 3");
  assert.equal(commandOf(put("1.0", null), "default"), "ironflow kv create carts user/7 1.0");
  assert.equal(commandOf(put("@it", 3), "default"), "", "it would be read from a file");
  assert.equal(commandOf(put(new Uint8Array([0xff]), 3), "default"), "");
  assert.match(curlOf(put(new Uint8Array([0xff]), 3), "http://h/x", "default"), /--data-binary @FILE$/);
  assert.match(curlOf(put("it", null), "http://h/x", "default"), /-H 'If-None-Match: \*' .*--data-binary 'it'$/);
});

test("a call is told as curl, with its conditions, and without what is nobody's to read", () => {
  const secret = curlOf(call("PUT", "/secrets/KEY", { value: "hush", description: "it" }, { version: 2 }), "http://h/api/v1/secrets/KEY", "prod");

  assert.equal(secret, `curl -X PUT 'http://h/api/v1/secrets/KEY' -H 'X-Ironflow-Environment-ID: prod' -H 'If-Match: "2"' -H 'Content-Type: application/json' --data-binary '{"value":"…","description":"it"}'`);
  assert.equal(commandOf(call("PUT", "/secrets/KEY", { value: "hush", description: "it" }), "default"), "ironflow secret set KEY --description it");
  assert.equal(curlOf(call("DELETE", "/groups/b"), "http://h/api/v1/groups/b", "default"), "curl -X DELETE 'http://h/api/v1/groups/b'");
});
