import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBase64, hex, read } from "../src/model/bytes";
import { print } from "../src/model/json";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a value is shown as what it is", () => {
  assert.equal(read(utf8('{"n": 9007199254740993}')).kind, "json");
  assert.equal(print(read(utf8('{"n": 9007199254740993}')).value), '{"n":9007199254740993}');
  assert.deepEqual(read(utf8("plain text")), { kind: "text", value: "plain text" });
  assert.deepEqual(read(Uint8Array.of(0xff, 0x00)), { kind: "bytes", value: "ff 00" });
});

test("bytes come through base64 as they were", () => {
  assert.deepEqual([...fromBase64("/wBB")], [255, 0, 65]);
});

test("bytes are shown sixteen a line, and not without end", () => {
  assert.equal(hex(new Uint8Array(17)).split("\n")[1], "00");
  assert.match(hex(new Uint8Array(5_000)), /… 904 more$/);
});
