import assert from "node:assert/strict";
import { test } from "node:test";
import { comparable, dump, fromBase64, hex, modesOf, read, taken, turned, written } from "../src/model/bytes";
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

test("what is edited as hex or text has the same bytes again", () => {
  const any = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
  assert.deepEqual(taken(written(any, "hex") ?? "", "hex"), any);
  const text = utf8("\ufeffline\r\nü\t");
  assert.deepEqual(taken(written(text, "text") ?? "", "text"), text);
  assert.deepEqual(taken("FF00\n  0a", "hex"), Uint8Array.of(255, 0, 10));
  assert.deepEqual(taken("", "hex"), new Uint8Array(0));
});

test("hex that is none says what is wrong", () => {
  assert.match(String(taken("f", "hex")), /one is missing/);
  assert.match(String(taken("0x12", "hex")), /"x" is none/);
  assert.equal(typeof taken("{", "json"), "string");
});

test("a value is shown in the ways that it can be, and turned from one into the other", () => {
  assert.deepEqual(modesOf(utf8("{}")), ["json", "text", "hex"]);
  assert.deepEqual(modesOf(utf8("plain")), ["text", "hex"]);
  assert.deepEqual(modesOf(Uint8Array.of(0xff)), ["hex"]);
  assert.equal(turned('{"n": 9007199254740993}', "text", "json"), '{\n  "n": 9007199254740993\n}');
  assert.equal(turned("ff", "hex", "text"), undefined);
  assert.equal(turned("plain", "text", "json"), undefined);
  assert.equal(turned("41 0a", "hex", "text"), "A\n");
});

test("values of any kind can be compared", () => {
  assert.deepEqual(comparable(utf8("a\nb"), "text"), ["a", "b"]);
  assert.deepEqual(comparable(Uint8Array.of(0xff), "text"), ["ff"]);
  assert.equal(print(comparable(utf8("[1]"), "json")), "[1]");
});

test("bytes are laid out with where they are and what of them can be read", () => {
  assert.equal(dump(utf8("ab\n")).replace(/ +/g, " "), "000000 61 62 0a ab.");
  assert.match(dump(new Uint8Array(5_000)), /… 904 more$/);
});
