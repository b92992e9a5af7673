import assert from "node:assert/strict";
import { test } from "node:test";
import { groupOpened, groupedNext, parseEvents, parseFailures, parseRuns, withTag, withToken, withoutToken } from "../src/model/filter";
import { farOf, marksOf } from "../src/model/marks";
import { tagsOf, usableTags } from "../src/model/tags";

test("tokens become parameters of the list, the rest words to search", () => {
  const parsed = parseRuns('status:failed,paused function:ship since:<1h card "was declined"');

  assert.deepEqual(parsed.query, { status: "failed,paused", function_id: "ship", since: "1h", search: "card was declined" });
  assert.deepEqual(parsed.problems, []);
});

test("several tags are all wanted", () => {
  assert.deepEqual(parseRuns('tag:vip tag:"late order" status:failed').query, { tag: "vip,late order", status: "failed" });
});

test("a line of tags says which are added and which are taken away", () => {
  assert.deepEqual(tagsOf(" vip, late order,-new , "), { add: ["vip", "late order"], remove: ["new"] });
  assert.deepEqual(tagsOf("- new"), { add: [], remove: ["new"] });
});

test("half a tag, none, and too many or too long ones are nothing to ask the server for", () => {
  const many = Array.from({ length: 11 }, (_, index) => `t${index}`).join(",");

  assert.deepEqual(["vip", "-vip", "vip, -new", ...["", " , ", "vip,-", many, "x".repeat(65)]].map((text) => usableTags(tagsOf(text))), [true, true, true, false, false, false, false, false]);
});

test("a negative status means all the others", () => {
  assert.equal(parseRuns("-status:completed,cancelled").query.status, "failed,running,waiting,paused,waiting_for_capacity");
});

test("what cannot be filtered is said, with what can", () => {
  assert.match(parseRuns("colour:red").problems[0], /no filter colour:.*status/);
  assert.match(parseRuns("status:done").problems[0], /status done is unknown/);
  assert.match(parseRuns("-function:ship").problems[0], /only status:/);
  assert.match(parseRuns("status:failed -status:failed").problems[0], /no status is left/);
});

test("a token takes the place of those with its key", () => {
  assert.equal(withToken("status:failed since:1h words", "status", "running"), "since:1h status:running words");
  assert.equal(withToken("status:failed words", "status", ""), "words");
  assert.equal(withToken("", "function", 'a "b'), 'function:"a \\"b"');
  assert.equal(parseRuns(withToken("", "function", 'a "b')).query.function_id, 'a "b');
});

test("a further tag stands beside those that are wanted already", () => {
  assert.equal(withTag("tag:vip since:1h words", "late order"), 'tag:vip since:1h tag:"late order" words');
  assert.equal(withTag("tag:vip,new", "new"), "tag:vip,new");
  assert.equal(withTag('tag:"late order"', "late order"), 'tag:"late order"');
  assert.equal(parseRuns(withTag("tag:vip", 'a "b')).query.tag, 'vip,a "b');
});

test("one of two equal tokens is taken away", () => {
  const text = "status:failed status:failed";

  assert.equal(withoutToken(text, parseRuns(text).tokens[0]), "status:failed");
});

test("groups of failures are filtered by where and how it failed", () => {
  assert.deepEqual(parseFailures('f:shop step:"charge card" type:Timeout since:1d gateway').query, { function_id: "shop", step: "charge card", error_type: "Timeout", since: "1d", search: "gateway" });
  assert.match(parseFailures("-type:Timeout").problems[0], /turned round/);
});

test("events are filtered by what they have", () => {
  assert.deepEqual(parseEvents("name:order.placed,order.paid since:1h evt_01").query, { name: "order.placed,order.paid", since: "1h", search: "evt_01" });
  assert.match(parseEvents("status:failed").problems[0], /no filter status:/);
});

test("runs are put together by one thing after the other, then listed again", () => {
  const seen = ["status:failed"];
  for (let count = 0; count < 5; count += 1) seen.push(groupedNext(seen.at(-1) as string));

  assert.deepEqual(seen.map((text) => parseRuns(text).group), ["", "function", "failure", "parent", "day", ""]);
  assert.deepEqual(parseRuns(seen[1]).query, { status: "failed" });
  assert.equal(seen[5], "status:failed");
  assert.match(parseRuns("group:colour").problems[0], /not grouped by colour.*function, failure/);
});

test("a group that is opened is a filter, and a day keeps the bound that cut it", () => {
  assert.equal(groupOpened("group:function since:1h", "function", "ship"), "since:1h function:ship");
  assert.equal(groupOpened("group:parent", "parent", "run_1"), "parent:run_1");
  assert.deepEqual(parseRuns(groupOpened("group:day", "day", "2026-01-05") as string).query, { since: "2026-01-05T00:00:00Z", until: "2026-01-05T23:59:59.999999Z" });
  assert.equal(parseRuns(groupOpened("group:day since:2026-01-05T09:00:00Z", "day", "2026-01-05") as string).query.since, "2026-01-05T09:00:00Z");
  const now = Date.parse("2026-01-05T12:00:00Z");
  const opened = (text: string, day: string) => parseRuns(groupOpened(text, "day", day, now) as string).query;
  assert.deepEqual(opened("group:day since:30h until:2h", "2026-01-05"), { since: "2026-01-05T00:00:00Z", until: "2026-01-05T10:00:00.000Z" });
  assert.deepEqual(opened("group:day since:30h", "2026-01-04"), { since: "2026-01-04T06:00:00.000Z", until: "2026-01-04T23:59:59.999999Z" });
  assert.equal(groupOpened("group:failure", "failure", ""), null);
});

test("how far a run is says of how many where that is known, and nothing before it began", () => {
  assert.equal(farOf({ completed: 7, expected: 9 }, true)?.text, "7/9");
  assert.equal(farOf({ completed: 200, at_least: true }, true)?.text, "200+");
  assert.equal(farOf({ completed: 12_345 }, true)?.text, "12k");
  assert.equal(farOf({ completed: 0 }, true)?.text, "0");
  assert.equal(farOf({ completed: 0 }, false), null);
  assert.match(farOf({ completed: 1, expected: 2 }, true)?.said ?? "", /^1 step completed; .* had 2$/);
});

test("marks of a run say what they mean", () => {
  const run = { status: "paused", patched: true, forked_from: { run_id: "run_1", position: 4 }, pause_requested: false, compensating: true };

  assert.deepEqual(marksOf(run).map((mark) => mark.id), ["patched", "fork", "paused", "compensating"]);
  assert.match(marksOf({ ...run, forked_from: { run_id: "run_1", position: 0 } })[1].label, /^replay/);
  assert.match(marksOf({ status: "running", pause_requested: true })[0].label, /next step/);
  assert.deepEqual(marksOf({ status: "running" }), []);
});
