import assert from "node:assert/strict";
import test from "node:test";
import { envLines } from "../src/model/env";

test("settings become lines that a shell reads", () => {
  assert.equal(envLines({ IRONFLOW_SERVER_URL: "https://x.example:9123", IRONFLOW_API_KEY: "ifkey_0a" }), "IRONFLOW_SERVER_URL=https://x.example:9123\nIRONFLOW_API_KEY=ifkey_0a\n");
  assert.equal(envLines({ A: "two words", B: "it's $HOME" }), "A='two words'\nB='it'\\''s $HOME'\n");
});
