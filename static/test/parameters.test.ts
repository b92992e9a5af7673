import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { EVENT_KEYS, FAILURE_KEYS, RUN_KEYS, parseRuns } from "../src/model/filter";
import { LISTS, ignored, understood } from "../src/model/parameters";

const said = (where: string, query: string): string => decodeURIComponent(understood(where, new URLSearchParams(query)).toString()).replace(/\+/g, " ");

test("what a list knows by another name is put where it is read", () => {
  assert.equal(said("/runs", "status=failed&function_id=ship&env=eu"), "env=eu&q=status:failed function:ship");
  assert.equal(said("/runs", "q=card declined&tag=late order"), 'q=card declined tag:"late order"');
  assert.equal(said("/runs", "search=declined&order=oldest"), "q=declined sort:oldest");
  assert.equal(said("/failures", "status=muted&step=charge"), "status=muted&q=step:charge");
  assert.equal(said("/streams", "q=o-8&type=order"), "type=order&search=o-8");
  assert.equal(said("/kv/carts/of/it", "q=user."), "filter=user.");
  assert.deepEqual(parseRuns(new URLSearchParams(said("/runs", "status=failed")).get("q") ?? "").query, { status: "failed" });
});

test("what is read as it is stays as it is", () => {
  for (const [where, query] of [["/runs", "q=a&run=run_1"], ["/functions", "q=ship"], ["/runs/run_1", "tab=graph&x=1"], ["/system", "x=1"]]) {
    const given = new URLSearchParams(query);
    assert.equal(understood(where, given), given, where);
  }
});

test("what no list reads is told", () => {
  assert.deepEqual(ignored("/functions", new URLSearchParams("q=ship&env=eu&range=a&function=ship&x=&x=1")), ["q", "x"]);
  assert.deepEqual(ignored("/runs", new URLSearchParams("status=failed")), ["status"]);
  assert.deepEqual(ignored("/runs/run_1", new URLSearchParams("x=1")), []);
});

test("each list says every parameter that its page reads, and every key of its filter", () => {
  const folders: Record<string, string> = { "/kv/:id": "bucket" };
  const own = /(?:chosen\(|param=)"(\w+)"|\{ name: "(\w+)", label:/g;
  for (const [where, { names }] of Object.entries(LISTS)) {
    const folder = path.join(import.meta.dirname, "../src/pages", folders[where] ?? where.slice(1));
    const text = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), "utf8")).join("\n");
    const missing = [...text.matchAll(own)].map((found) => found[1] ?? found[2]).filter((name) => !names.split(" ").includes(name));
    assert.deepEqual(missing, [], where);
  }
  for (const [where, keys] of [["/runs", RUN_KEYS], ["/events", EVENT_KEYS], ["/failures", FAILURE_KEYS]] as const)
    assert.deepEqual([...new Set(Object.values(LISTS[where].tokens ?? {}))].sort(), keys.map((one) => one.key).sort(), where);
});
