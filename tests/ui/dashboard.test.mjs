// The dashboard in a real browser against a real server. `make test-ui` runs it; tests/ui/test_dashboard.py says how.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SHOTS, THEMES, closedServer, opened, shots, started, unfit } from "./harness.mjs";

let world;

/** Only the sights whose name or address fits: while one works on a page. */
const ONLY = new RegExp(process.env.IRONFLOW_UI_ONLY ?? "");
/** `walks`, `light`, `dark`, `narrow` or `states`: what one test of test_dashboard.py goes through; all of it where none is named. */
const PART = process.env.IRONFLOW_UI_PART ?? "";
/** Whether what is unfit is looked for: always, but where nothing is wanted but pictures. */
const LOOKED = !SHOTS || Boolean(process.env.IRONFLOW_UI_GALLERY);
const unless = (...parts) => PART !== "" && !parts.includes(PART);

before(async () => {
  world = await started();
});

after(async () => {
  world?.following.abort();
  await world?.browser.close();
  world?.worker.kill("SIGINT");
  await world?.server.stop();
});

const LOGGED = [
  { position: 7, index: 0, time: "2026-01-05T09:00:00.120Z", level: "info", message: "charging", fields: { amount: 12 }, step: "charge card", path: "charge card:0", attempt: 1 },
  { position: 7, index: 1, time: "2026-01-05T09:00:00.480Z", level: "warning", message: "the gateway is slow", fields: { ms: 360, host: "pay.example" }, step: "charge card", path: "charge card:0", attempt: 2, logger: "shop.payments", source: { path: "shop/payments.py", line: 41 } },
  { position: 9, index: 0, time: "2026-01-05T09:00:01.002Z", level: "error", message: "no receipt could be sent", fields: {}, attempt: 1 },
];
const lines = (items) => ({ "**/api/v1/runs/*/logs*": { run_id: "run", items } });

/** A projection that nobody has folded, and one that nobody folds any more, while events come. */
const LEDGER = { name: "ledger", version: 1, mode: "managed", status: "active", last_event_seq: 7, lag: 12, lag_seconds: 100, events_per_second: 0, runner: "gone", last_event_id: "evt_00000000000000000000000007", created_at: "2026-01-05T09:00:00Z", updated_at: "2026-01-05T09:00:00Z", generation: 1, events: ["shop.>"], on_error: "stop", skipped: 0, parked: 0 };
const STANDING = {
  "**/api/v1/projections": [LEDGER, { ...LEDGER, name: "search-index", mode: "external", runner: "never", last_event_id: undefined }],
  "**/api/v1/projections/ledger/status": {},
  "**/api/v1/projections/ledger/partitions*": { partitions: [], items: [], returned: 0, total: 0 },
  "**/api/v1/projections/ledger": { ...LEDGER, state: null },
  "**/api/v1/projections/ledger/pace": { name: "ledger", generation: 1, samples: [0, 20, 60, 100].map((lag_seconds, index) => ({ at: `2026-01-05T09:0${index}:00Z`, lag: index * 4, lag_seconds })) },
};

/** Far more runs than are counted, over more days than are shown. */
const GROUPED = {
  "**/api/v1/stats/runs/groups*": {
    by: "day",
    groups: Array.from({ length: 200 }, (_, index) => ({ key: new Date(Date.UTC(2026, 0, 200 - index)).toISOString().slice(0, 10), runs: 50, counts: { completed: 48, failed: 2 }, newest_run_id: `run_${String(index).padStart(26, "0")}` })),
    groups_total: 310,
    counted: 10_000,
    exact: false,
  },
};

/** Runs with all that may mark one. */
const run = { function_id: "ship-order", function_version: 3, event_id: "evt_1", event_name: "order.placed", attempt: 2, max_attempts: 5, worker_id: "w", environment_id: "default", version: 4, created_at: "2026-01-05T09:00:00Z", started_at: "2026-01-05T09:00:01Z", ended_at: null, updated_at: "2026-01-05T09:00:02Z", error: null, tags: ["vip"] };
const MARKED = {
  "**/api/v1/runs?*": {
    runs: [
      { ...run, id: "run_00000000000000000000000002", status: "running", progress: { completed: 7, expected: 9 }, patched: true, forked_from: { run_id: "run_00000000000000000000000000", position: 5 }, pause_requested: true, compensating: true },
      { ...run, id: "run_00000000000000000000000001", status: "running", progress: { completed: 12345, at_least: true } },
    ],
    total: 2,
    total_exact: true,
  },
};

/** A function that much starts, and much comes of. */
const MANY = {
  function_id: "demo-parcels",
  since: "2026-01-05T09:00:00Z",
  sampled: 100,
  whole: false,
  started_by: ["depot.parcels.have.been.unloaded.and.counted", "b", "c"].map((name) => ({ kind: "event", name, count: 3 })),
  leads_to: [...["d", "e", "f"].map((name) => ({ kind: "event", name, count: 1_200 })), { kind: "function", name: "demo-pickup", count: 1 }],
};

/** A push function whose endpoint is left alone. */
const pushed = { id: "billing", name: "billing", description: "", status: "active", preferred_mode: "push", endpoint_url: "https://pay.example", triggers: [], retry: { max_attempts: 3, on_exhausted: "fail" }, timeout_ms: 1, version: 1, created_at: "2026-01-05T09:00:00Z", updated_at: "2026-01-05T09:00:00Z" };
const PUSHED = {
  "**/api/v1/functions?*": { functions: [pushed] },
  "**/api/v1/circuit-breakers": [{ key: "k", function_id: "billing", state: "open", consecutive_fails: 5, last_error: "502" }],
};

/** A bulk job under way, that could not do all. */
const JOB = {
  "**/api/v1/bulk/bulk_1": { id: "bulk_1", verb: "resume", status: "running", filter: { status: "failed", search: "card declined" }, reason: "the gateway is back", per_second: 5, total: 1_240, changed: 428, refused: 2, started_by: "ada", started_at: "2026-01-05T09:00:00Z", changed_at: "2026-01-05T09:00:43Z", position: 9 },
};

/** A group that two others were merged into. */
const merged = () => {
  const [first, last] = ["2026-01-05T09:00:00Z", "2026-01-05T09:10:00Z"];
  const group = { fingerprint: "0a", title: "Timeout: the gateway does not answer", function_id: "shop", step: "charge card", error_type: "Timeout", message: "the gateway does not answer", top_frame: "shop/pay.py:charge", first_seen: first, last_seen: last, failures: 4_812, runs: 4_800, completed: 12, open: 4_788, status: "open", affected: { versions: 3, first_version: 4, last_version: 11, entities: 1_204 }, series: { since: first, bucket_seconds: 60, counts: [0, 3, 9, 40] } };
  const within = [1, 2].map((n) => ({ fingerprint: `0${n}`, title: `ConnectionReset: connection ${"of the bank ".repeat(12 * n)}`, step: n === 1 ? "refund" : "", failures: n, first_seen: first, last_seen: last }));
  const detail = { ...group, error: { message: "the gateway does not answer", code: "STEP_FAILED", retryable: true }, versions: [], samples: [], differences: [], compared: { failed: 100, succeeded: 0 }, repairs: [], merged: within, workers: [{ worker_id: "worker-f4a2e05b-10dc-4910-8bab-1234567890ab", failures: 88, runs: 80, last_seen: last }], entities: [{ entity_type: "order", entity_id: `o-${"8".repeat(60)}`, failures: 9, last_seen: last }] };
  return { "**/api/v1/failures?*": { failures: [group, { ...group, fingerprint: "0b", message: "no luck" }] }, "**/api/v1/failures/0a": detail };
};

/** A run that nobody takes. */
const queued = (run, started = null) => ({
  [`**/api/v1/runs/${run.id}`]: { ...run, status: "waiting_for_capacity", started_at: started, ended_at: null, output: null },
  "**/api/v1/capacity/queue*": [{ run_id: run.id, blocking_reason: "worker" }],
  "**/api/v1/workers": { workers: [], departed: [], rejected: [] },
});

/** A run that waits for its next attempt. */
const retrying = ({ id }) => ({
  [`**/api/v1/runs/${id}`]: async (route) => {
    const told = await (await route.fetch()).json();
    await route.fulfill({ json: { ...told, status: "waiting", ended_at: null, due_at: "2026-01-05T09:05:00Z" } });
  },
});

/** Pages, each in the states that it can be in: what has to be in sight when it is there, and answers in place of the
 * server's. */
function sights() {
  const { runs, empty } = world;
  const run = (name, tail = "") => `/runs/${runs[name].id}${tail}`;
  return [
    ["overview", "/", ".section >> text=the key deploy ends soon"],
    ["overview stopped", "/overview", ".section >> text=prices is stopped"],
    ["overview many", "/overview", ".tile >> text=10,000+", { "**/api/v1/runs?*": { runs: [], total: 10_000, total_exact: false } }],
    ["overview edits", "/overview", ".section >> text=policy no-secrets was made"],
    ["overview empty", `/overview${empty}`, "text=Three steps to the first run"],
    ["overview at a time", "/overview?range=2026-01-01T00:00:00Z~2100-01-01T00:00:00Z", ".chip.range"],
    ["functions unknown", "/functions?function=nowhere", ".missing >> text=There is no function nowhere"],
    ["functions", "/functions?function=demo-checkout", ".inspector >> text=of those that ended went well"],
    ["functions list", "/functions", "role=table >> text=p50 / p95"],
    ["function steps", "/functions?function=demo-import&show=steps", ".profile >> text=Retried"],
    ["function steps none", "/functions?function=demo-checkout&show=steps", "text=No run began within a day", { "**/api/v1/stats/functions/*/steps*": { function_id: "demo-checkout", since: "2026-01-05T09:00:00Z", sampled: 0, whole: true, steps: [], steps_total: 0 } }],
    ["function flow", "/functions?function=demo-parcels&show=flow", ".flow >> text=demo-pickup"],
    ["function flow many", "/functions?function=demo-parcels&show=flow", ".flow >> text=1,200× emitted", { "**/api/v1/stats/functions/*/flow*": MANY }],
    ["function charts", "/functions?function=demo-checkout&show=charts", ".took-chart"],
    ["functions left alone", "/functions", "role=table >> text=left alone", PUSHED],
    ["function versions", "/functions?function=demo-checkout&show=versions", ".inspector >> text=create"],
    ["functions empty", `/functions${empty}`, "text=No function is registered here"],
    ["failures", "/failures", "role=table >> text=card was declined"],
    ["failures merged", "/failures?failure=0a", ".inspector >> text=Split all…", merged()],
    ["failures calm", "/failures?q=gateway", "role=table >> text=last failure", merged()],
    ["failures affected", "/failures?failure=0a", ".inspector >> text=Entities: 1 of 1,204", merged()],
    ["failures not lately", "/failures?q=function:demo-trip+until:1900-01-01T00:00:00Z", "text=Nothing failed in this range"],
    ["failures empty", `/failures${empty}`, "text=Nothing has failed here"],
    ["failures filtered", "/failures?q=function:demo-trip", ".chip >> text=function:demo-trip"],
    ["failures none fits", "/failures?q=nowhere", "text=No group of failures fits the filter"],
    ["failures problem", "/failures?q=since:whenever", ".failed"],
    ["failures none", "/failures?status=muted", "text=No group of failures is muted"],
    ["workers", "/workers?worker=gone", ".missing >> text=is not in this list"],
    ["worker", `/workers?worker=${world.workers[0].id}`, ".inspector >> text=In its hands"],
    ["workers empty", `/workers${empty}`, "text=No worker is connected"],
    ["runs", "/runs", "role=table >> text=demo-trip"],
    ["runs empty", `/runs${empty}`, "text=Nothing has run here yet"],
    ["runs job", "/runs?job=bulk_1", ".job >> text=2 could not be", JOB],
    ["runs at a time", "/runs?range=1900-01-01T00:00:00Z~1900-01-02T00:00:00Z", "text=No run fits the filter"],
    ["runs filtered", "/runs?q=status:failed", "role=table >> text=card was declined"],
    ["runs tagged", "/runs?q=tag:vip", "role=table >> text=demo-parcels"],
    ["runs grouped", "/runs?q=group:function", "role=table >> text=demo-trip"],
    ["runs grouped failure", "/runs?q=group:failure", "role=table >> text=did not fail"],
    ["runs grouped none", "/runs?q=group:parent+nowhere-to-be-found", "text=nothing to put together"],
    ["runs many groups", "/runs?q=group:day", "text=Counted are the newest 10,000 runs", GROUPED],
    ["runs marked", "/runs?q=status:running", "text=7/9", MARKED],
    ["runs none", "/runs?q=nowhere-to-be-found", "text=No run fits the filter"],
    ["runs peek", `/runs?run=${runs["demo-trip"].id}`, ".inspector >> text=Open the run"],
    ["runs peek unknown", "/runs?run=run_00000000000000000000000000", ".inspector >> text=There is no such run here"],
    ["runs problem", "/runs?q=status:done", "text=status done is unknown"],
    ["run failed", run("demo-trip"), ".error-card .error-message >> text=the card was declined"],
    ["run paused", run("demo-invoice"), ".error-card .error-message >> text=has no currency"],
    ["run queued", run("demo-checkout"), "text=no worker that serves it is connected", queued(world.whole)],
    ["run queued again", run("demo-checkout"), "text=It waits to go on: no worker", queued(world.whole, world.whole.started_at)],
    ["run retrying", run("demo-trip"), ".error-card >> text=Try again now", retrying(runs["demo-trip"])],
    ["run waiting", run("demo-expense", "?step=decision:0"), ".inspector >> text=Pay this expense?"],
    ["run branches", run("demo-parcels"), "role=treegrid >> text=parcels"],
    ["run tagged", run("demo-parcels"), ".run-facts .chip:has-text('late order')"],
    ["run past", run("demo-checkout", `?at=${world.runs["demo-checkout"].past}`), "text=Viewing the past"],
    ["run arranged", run("demo-parcels", "?by=name&path=critical&t=0.1-0.9&q=-sum"), "text=Whole run"],
    ["run none fits", run("demo-checkout", "?q=nowhere&only=failed"), "text=No step fits the filter"],
    ["run graph", run("demo-checkout", "?tab=graph"), ".graph-node >> text=fetch order"],
    ["run watch", run("demo-checkout", `?tab=watch&watch=run.status%0Astate.nowhere&b=${world.runs["demo-checkout"].past}`), ".watched >> text=completed"],
    ["run history", run("demo-checkout", "?tab=history"), "role=table >> text=started on demo-worker"],
    ["run state", run("demo-expense", "?tab=state"), ".state >> text=demo.expense.decided"],
    ["run diff", run("demo-checkout", `?tab=diff&at=${world.runs["demo-checkout"].past}`), ".diff-added"],
    ["run compared", run("demo-checkout", `?tab=diff&with=${runs["demo-trip"].id}`), "text=first that differs"],
    ["run compared none", run("demo-trip", "?tab=diff&with=good"), "text=No run to compare with"],
    ["run lineage", run("demo-checkout", "?tab=lineage"), "text=Nothing was forked from it"],
    ["run logs", run("demo-checkout", "?tab=logs&line=7.1"), ".log-line >> text=shop.payments", lines(LOGGED)],
    ["run logs filtered", run("demo-checkout", "?tab=logs&level=error"), "text=No line fits the filter", lines([])],
    ["run logs none", run("demo-checkout", "?tab=logs"), "text=Its code has logged nothing", lines([])],
    ["run audit", run("demo-trip", "?tab=audit"), "role=table >> text=Position"],
    ["events", "/events", "role=table >> text=demo.order.paid"],
    ["events empty", `/events${empty}`, "text=No event has come here yet"],
    ["events none", "/events?q=nowhere-to-be-found", "text=No event fits the filter"],
    ["events narrowed", "/events?pattern=shop.>&filter=event.data.place+>+1", 'role=row >> text="place":2'],
    ["events narrowed wrong", "/events?pattern=shop..>", ".sieve .problem >> text=empty segment"],
    ["events widened", "/events?pattern=shop.placed.>&q=since:1s", ".widen button"],
    ["event schema", "/events?pattern=price.changed&event=" + world.priced + "&show=schema", ".inspector >> text=No schema is registered"],
    ["event projections", "/events?pattern=price.changed&event=" + world.priced + "&show=projections", ".inspector .taken >> text=prices"],
    ["events watched", "/events?watch=event.data.order%0Asize(event.name)", "role=columnheader >> text=event.data.order"],
    ["events watched wrong", "/events?watch=run.status", "text=which is not known here"],
    ["projections", "/projections", "role=table >> text=tickets"],
    ["projections empty", `/projections${empty}`, "text=No projection is here"],
    ["projections standing", "/projections", "role=table >> text=Never ran", STANDING],
    ["projection", "/projections/tickets?partition=Riga", ".diff-added"],
    ["projection unattended", "/projections/ledger", ".line-chart >> text=at most 1 m 40 s", STANDING],
    ["projection past", `/projections/tickets?partition=Riga&at=1`, "text=had no state then"],
    ["projection stopped", "/projections/prices?partition=cup", ".letters >> text=no price is known yet"],
    ["projection table", "/projections/seen", "role=region >> text=Riga"],
    ["projection unknown", "/projections/nowhere", "text=There is no such projection here"],
    ["streams", "/streams", "role=table >> text=o-8"],
    ["streams empty", `/streams${empty}`, "text=No entity has events here"],
    ["streams none", "/streams?search=nowhere", "text=No entity fits the filter"],
    ["stream", "/streams/order/o-8?version=2", ".inspector >> text=version 2"],
    ["stream unknown", "/streams/order/nowhere", "text=There is no such entity here"],
    ["kv", "/kv", "role=table >> text=carts"],
    ["kv empty", `/kv${empty}`, "text=No bucket is here"],
    ["bucket", "/kv/carts?key=user.7&revision=2", ".diff-added"],
    ["bucket level", "/kv/carts", "role=table >> text=user."],
    ["bucket hex", "/kv/carts?key=user.7&as=hex", ".inspector pre >> text=000000"],
    ["bucket none", "/kv/carts?filter=nowhere", "text=No key fits"],
    ["bucket unknown", "/kv/nowhere", "text=There is no such bucket here"],
    ["config", "/config?name=shop&revision=2", ".diff-added"],
    ["config compare", "/config?tab=compare&of=default,staging&name=shop", ".matrix >> text=not there"],
    ["config empty", `/config${empty}`, "text=No document is here"],
    ["secrets", "/config?tab=secrets&name=stripe-key", ".inspector >> text=its value is never shown"],
    ["secrets empty", `/config${empty}&tab=secrets`, "text=No secret is here"],
    ["groups", "/groups?group=billing", ".inspector >> text=Behind"],
    ["groups empty", `/groups${empty}`, "text=No consumer group is here"],
    ["group next", "/groups?group=billing&show=next", ".inspector >> text=Nothing waits"],
    ["group dead", "/groups?group=billing&show=dead", ".inspector >> text=Everything could be delivered"],
    ["group members", "/groups?group=billing&show=members", ".inspector >> text=Nobody takes from it at this node"],
    ["subscriptions", "/groups?tab=subscriptions&q=shop", "role=table >> text=shop.>"],
    ["subscriptions none", "/groups?tab=subscriptions&q=nowhere", "text=No subscription fits the filter"],
    ["subscriptions empty", `/groups${empty}&tab=subscriptions`, "text=Nobody follows anything at this node"],
    ["topics", "/groups?tab=topics&topic=till.opened", ".inspector >> text=Followed by"],
    ["topics empty", `/groups${empty}&tab=topics`, "text=Nothing was published here yet"],
    ["dead letters empty", "/groups?tab=dead", "text=Everything could be delivered"],
    ["webhooks", "/webhooks", "role=table >> text=till"],
    ["webhooks empty", `/webhooks${empty}`, "text=Nobody delivers here yet"],
    ["deliveries", "/webhooks?tab=deliveries", "role=table >> text=Accepted"],
    ["deliveries none", "/webhooks?tab=deliveries&status=rejected", "text=No delivery fits the filter"],
    ["audit", "/audit", "role=table >> text=apikeys:manage"],
    ["audit none", "/audit?action=nowhere:read", "text=Nothing fits the filter"],
    ["history", "/audit?tab=history&kind=kv.put", "role=table >> text=kv/carts"],
    ["history empty", `/audit${empty}&tab=history`, "text=Nothing has happened here yet"],
    ["keys", "/access", "role=table >> text=deploy"],
    ["users", "/access?tab=users", "role=table >> text=ada@example.com"],
    ["roles", "/access?tab=roles&one=viewer", ".inspector >> text=What it gives"],
    ["policies", "/policies", "role=table >> text=no-secrets"],
    ["policies empty", `/policies${empty}`, "text=No policy is here"],
    ["policies playground", "/policies?tab=playground", "text=The decision"],
    ["policies roles", "/policies?tab=roles", "role=table >> text=agent:tools:invoke"],
    ["policies principals", "/policies?tab=principals", "role=table >> text=deploy"],
    ["system", "/system", "text=Has up to"],
    ["run unknown", "/runs/run_00000000000000000000000000", "text=There is no such run here"],
    ["no page", "/nowhere", null],
  ].filter(([name, , wanted]) => wanted && ONLY.test(name));
}

/** What is in sight instead where a narrow screen leaves a column out, by the sight's name. */
const NARROW = {
  "functions list": "role=table >> text=demo-trip",
  "runs filtered": "role=table >> text=demo-trip",
  "run arranged": ".wf-row .wf-name",
  "events narrowed": "role=row >> text=shop.placed",
  history: "role=table >> text=kv.put",
};

/** Sights of what the server has to refuse: there alone may the browser's console tell of it. */
const REFUSED = /unknown|problem|wrong/;

/** What does not depend on the store is walked through on one. */
const ONCE = { skip: unless("walks") || Boolean(process.env.IRONFLOW_UI_DATABASE_URL) };
const WALK = { skip: unless("walks") };
const GALLERY = [
  ...THEMES.map((theme) => ({ part: theme, theme, said: `in every state, ${theme}, is there, whole and fit for everybody` })),
  { part: "narrow", theme: "light", width: 390, height: 844, said: "in every state, is there on a narrow screen too, and nothing scrolls to the side" },
];

for (const { part, said, ...look } of GALLERY)
  test(`every page, ${said}`, { skip: unless(part) }, async (t) => {
    const checkout = world.runs["demo-checkout"];
    const { entries } = await world.server.get(`/api/v1/history?stream=run/${checkout.id}&limit=5`);
    checkout.past = entries.at(-1).position;
    for (const [name, where, wanted, answers] of sights())
      await t.test(`${name}, ${part}`, async () => {
        const { page, context, complaints } = await opened(world.browser, world.server.url + where, { ...look, answers });
        const there = (part === "narrow" && NARROW[name]) || wanted;
        await page.locator(there).filter({ visible: true }).first().waitFor();
        await page.locator(".skeleton").first().waitFor({ state: "detached" });

        const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        const found = LOOKED ? await unfit(page) : [];
        await shots(page, `${name.replaceAll(" ", "-")}-${look.theme}`);

        await context.close();
        assert.equal(sideways, 0);
        assert.deepEqual(found, []);
        assert.deepEqual(complaints.filter((one) => !REFUSED.test(name) || !/404|400/.test(one)), []);
      });
  });

/** What every call of a page comes to, but those that say who one is. */
const STATES = {
  loading: { wanted: ".skeleton", answer: () => new Promise(() => {}) },
  failing: { wanted: ".failed >> text=the disk is full", answer: (route) => route.fulfill({ status: 500, json: { error: "the disk is full", code: "INTERNAL", hint: "free some of it" } }) },
};

test("every page says that it is loading, and what failed", { skip: unless("states") }, async (t) => {
  const { page: first, context: closing } = await opened(world.browser, world.server.url);
  await first.locator("nav a").first().waitFor();
  const pages = await first.locator("nav a").evaluateAll((links) => links.map((one) => new URL(one.href).pathname).filter((one) => one !== "/docs"));
  await closing.close();
  const details = [`/runs/${world.runs["demo-trip"].id}`, "/projections/tickets", "/streams/order/o-8", "/kv/carts"];
  for (const where of [...pages, ...details].filter((one) => ONLY.test(one)))
    for (const [state, { wanted, answer }] of Object.entries(STATES))
      for (const theme of THEMES)
        await t.test(`${where} ${state}, ${theme}`, async () => {
          const answers = { "**/api/v1/**": (route) => (/\/auth\/me|\/capabilities/.test(route.request().url()) ? route.continue() : answer(route)) };
          const { page, context, complaints } = await opened(world.browser, world.server.url + where, { theme, answers });
          await page.locator(wanted).first().waitFor();

          const found = LOOKED ? await unfit(page) : [];
          await shots(page, `${where.slice(1).replace(/\/.*/, "-one")}-${state}-${theme}`);

          await context.close();
          assert.deepEqual(found, []);
          assert.deepEqual(complaints.filter((one) => !/500/.test(one)), []);
        });
});

test("with the keyboard alone one finds a run that stopped, understands, mends and resumes it", WALK, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/runs`);
  await page.locator("role=table >> text=demo-invoice").first().waitFor();

  await page.keyboard.press("/");
  await page.keyboard.type("status:paused");
  await page.keyboard.press("Enter");
  await page.locator("role=columnheader >> text=Status").waitFor();
  await page.locator(".chip:has-text('status:paused')").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator(".error-card .error-message >> text=has no currency").waitFor();
  await page.locator("role=treegrid >> text=look up price").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.locator("text=Viewing the past").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.locator(".inspector >> text=Not reached by this moment").waitFor();
  assert.doesNotMatch(await page.locator(".inspector .facts").innerText(), /Took|skew/);
  await page.keyboard.press("End");
  await page.locator("text=Viewing the past").waitFor({ state: "detached" });
  await page.keyboard.press("k");
  await page.locator(".inspector h2:has-text('look up price')").waitFor();
  await page.keyboard.press(".");
  await page.locator("role=menuitem[name='Edit output… e']").waitFor();
  await page.keyboard.press("e");
  await page.locator("dialog .cm-content:focus").waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type('{"amount": 99, "currency": "EUR"}');
  await page.locator("dialog .plan >> text=has your output").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("the gateway left it out");
  await page.keyboard.press("Enter");

  await page.locator(".page-head >> text=Completed").waitFor();
  await page.locator(".bar.edit").first().waitFor();
  await page.keyboard.press("?");
  await page.locator("dialog >> text=Previous failure or edit").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("demo-expense");
  await page.locator("role=option >> text=demo-expense").first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator("h1:has-text('demo-expense')").waitFor();
  await context.close();
  assert.deepEqual(complaints, []);
});

test("runs are chosen by key, looked at together, and replayed; their filter is kept", WALK, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/runs?q=function:demo-import`);
  await page.locator("role=table >> text=demo-import").first().waitFor();

  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.locator(".bulk-bar >> text=1 chosen").waitFor();
  await page.keyboard.press("R");
  await page.locator("dialog .bulk-preview >> text=demo-import").waitFor();
  await page.locator("dialog input:focus").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.type("the catalogue had changed");
  await page.keyboard.press("Enter");
  await page.locator(".job >> text=completed").waitFor();
  await page.locator(".job >> text=1 of 1 replayed").waitFor();
  assert.match(new URL(page.url()).searchParams.get("job"), /^bulk_/);
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("B");
  await page.locator("dialog >> text=the catalogue had changed").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("v");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("imports");
  await page.keyboard.press("Enter");
  await page.locator("dialog .kept-views >> text=imports").waitFor();
  await page.locator("dialog button[aria-label='Forget imports']").click();
  const undo = page.locator("dialog .toast:has-text('is forgotten') button");
  await undo.waitFor();
  const kept = page.waitForResponse((answer) => answer.request().method() === "PUT");
  await undo.click();
  assert.equal((await kept).status(), 200);
  await page.locator("dialog .kept-views >> text=imports").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("Escape");
  await page.goto(`${world.server.url}/runs`);
  await page.locator(".view:has-text('imports') .count >> text=/^[2-9]$/").waitFor();
  await page.locator(".view:has-text('imports')").click();

  await page.locator(".chip:has-text('function:demo-import')").waitFor();
  await page.locator("button.sort:has-text('Duration')").click();
  await page.locator(".chip:has-text('sort:longest')").waitFor();
  await page.locator("[role=columnheader][aria-sort=descending] >> text=Duration").waitFor();
  await page.goto(`${world.server.url}/runs?q=demo-import`);
  await page.locator("role=table[name=Runs] >> text=demo-import").first().waitFor();
  await page.keyboard.press("G");
  await page.locator(".chip:has-text('group:function')").waitFor();
  await page.locator("role=table[name='Runs by function'] >> text=demo-import").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("role=table[name=Runs] >> text=demo-import").first().waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), "function:demo-import demo-import");
  await page.keyboard.press("j");
  await page.keyboard.press("Space");
  await page.locator(".inspector >> text=Open the run").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".inspector").waitFor({ state: "detached" });
  await context.close();
  assert.deepEqual(complaints, []);
});

test("an event that is published shows at once, with the run that it started", WALK, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/events`);
  await page.locator("role=row >> text=demo.order.paid").first().waitFor();
  await page.mouse.move(5, 5);

  await page.keyboard.press("p");
  await page.locator("dialog input").first().fill("demo.trip.booked");
  await page.locator("dialog .cm-content").first().click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type('{"traveller": 9007199254740993}');
  await page.locator("dialog .plan a:has-text('demo-trip')").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("Control+Enter");
  await page.locator("dialog .sent a").waitFor();
  await page.locator("dialog >> text=Close").last().click();
  await page.mouse.move(5, 5);
  // The saga is undone, and its run fails: the row says so as it happens.
  await page.locator(".event-row.row:has-text('9007199254740993') .counts a[href*='status%3Afailed'] >> text=1").waitFor();
  await page.locator("role=row >> text=9007199254740993").click();

  await page.locator(".inspector .json >> text=9007199254740993").waitFor();
  await page.locator(".inspector .runs-of li:has-text('Failed') a[href*='/runs/run_']").waitFor();
  await page.locator("role=tab[name='Schema']").click();
  await page.locator(".inspector >> text=No schema is registered").waitFor();
  await page.locator("role=tab[name='Projections']").click();
  await page.locator(".inspector >> text=No projection is for events of this name").waitFor();
  await page.keyboard.press("e");
  await page.locator("dialog .plan a:has-text('demo-trip')").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.locator("dialog .sent a").waitFor();
  await page.locator("dialog >> text=Close").last().click();
  await page.keyboard.press("p");
  await page.locator("dialog .fixture >> text=9007199254740993").first().click();
  await page.locator("dialog .cm-content >> text=9007199254740993").waitFor();
  await page.locator("dialog .repeat >> text=It will say that it repeats").waitFor();
  await page.locator("dialog summary >> text=Metadata").click();
  await page.locator("dialog input").nth(2).fill("elsewhere");
  await page.locator("dialog .plan >> text=nobody waits for it").waitFor();
  await page.locator("dialog .repeat").waitFor({ state: "detached" });
  assert.deepEqual(await unfit(page), []);
  await page.locator("dialog >> text=Close").last().click();
  await page.locator(".inspector .facts div:has-text('Repeated') a").click();
  await page.locator(".inspector .facts div:has-text('Repeats') a").waitFor();
  await page.locator(".inspector .runs-of li:has-text('Failed') a[href*='/runs/run_']").waitFor();
  assert.deepEqual(await unfit(page), []);
  await context.close();
  assert.deepEqual(complaints, []);
});

test("a column of the tail is what an expression is of each event, and the URL has it", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/events`);
  await page.locator("role=row >> text=demo.order.paid").first().waitFor();

  await page.keyboard.press("w");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("event.nowhere(");
  await page.keyboard.press("Enter");
  await page.locator("dialog .problem >> text=not valid CEL").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator("dialog input:not([type=checkbox])").fill('event.name + "!"');
  await page.locator("dialog label:has-text('Source') input").check();
  await page.keyboard.press("Enter");
  await page.locator("role=cell >> text=demo.order.paid!").first().waitFor();
  await page.reload();
  await page.locator("role=cell >> text=demo.order.paid!").first().waitFor();
  await page.locator("role=columnheader >> text=Source").waitFor(); // what a browser shows it remembers
  await page.locator("role=button[name^='Take out the column']").click();
  await page.locator("role=cell >> text=demo.order.paid!").waitFor({ state: "detached" });

  assert.equal(new URL(page.url()).search, "");
  await context.close();
  assert.deepEqual(complaints.filter((one) => !/400/.test(one)), []);
});

test("a pattern and an expression narrow the list and what comes live, and say what is wrong with them", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/events?pattern=shop.placed&filter=data.place%20%3E%201`);
  await page.locator('role=row >> text="place":2').waitFor();
  assert.equal(await page.locator(".event-row.row").count(), 1);
  await page.mouse.move(5, 5);

  for (const place of [0, 7]) await world.server.send("POST", "/events", { name: "shop.placed", data: { city: "Oslo", place } });
  await page.locator('role=row >> text="place":7').waitFor();
  assert.equal(await page.locator(".event-row.row").count(), 2);
  await page.locator(".sieve input").last().fill("data.place >");
  await page.keyboard.press("Enter");
  await page.locator(".sieve .problem >> text=not valid CEL").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator("role=button[name='Clear where']").click();
  await page.locator(".sieve input").first().fill("entity:order.>");
  await page.keyboard.press("Enter");
  await page.locator("role=row >> text=order/o-8").first().waitFor();

  assert.equal(new URL(page.url()).search, "?pattern=entity%3Aorder.%3E");
  assert.equal(await page.locator(".event-row.row").count(), 2);

  await page.locator(".sieve input").first().fill("shop.placed.late");
  await page.keyboard.press("Enter");
  await page.locator(".widen button").first().waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator(".widen >> text=Pattern shop.placed.>").waitFor({ state: "detached" });
  await page.locator(".widen >> text=Pattern shop.>").click();
  await page.locator("role=row >> text=shop.placed").first().waitFor();
  await page.locator("role=button[name='Clear pattern']").click();
  await page.locator("input[type=search]").fill("since:1s name:shop.placed nowhere-to-be-found");
  await page.keyboard.press("Enter");
  await page.locator(".widen >> text=Clear all").click();
  await page.locator("role=row >> text=demo.order.paid").first().waitFor();
  await context.close();
  assert.deepEqual(complaints.filter((one) => !/400/.test(one)), []);
});

test("of more events than can be followed a part is shown, and the page says so", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/events`);
  await page.locator("role=row >> text=demo.order.paid").first().waitFor();
  await page.mouse.move(5, 5);
  const sampled = page.waitForRequest((request) => /\/events\?.*sample=\d/.test(request.url()));

  for (let batch = 0; batch < 5; batch++) await world.server.send("POST", "/events", Array.from({ length: 1_000 }, (_, n) => ({ name: "flood.came", data: { n } })));
  await page.locator(".notice >> text=1 in").waitFor();
  await sampled;
  assert.deepEqual(await unfit(page), []);
  await shots(page, "events-sampled");
  await page.locator("role=button[name='Show all']").click();
  await page.locator("text=Every event is shown").waitFor();

  assert.match(await page.locator(".page-head").innerText(), /events\/s/);
  await context.close();
  assert.deepEqual(complaints, []);
});

test("a link shows what it was copied from", WALK, async () => {
  const { page, context } = await opened(world.browser, `${world.server.url}/runs/${world.runs["demo-checkout"].id}`);
  await page.locator("role=row >> text=send receipt").click();
  for (let index = 0; index < 3; index++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("b");
  await page.keyboard.press("ArrowLeft");
  await page.locator("select[aria-label='Scale of time']").selectOption("sequence");
  await page.waitForURL(/scale=sequence/);
  await page.locator("button.primary:has-text('Fork from here')").waitFor();
  await page.locator(".wf-row.row .wf-lane").first().hover();
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -400);
  await page.keyboard.up("Control");
  await page.waitForURL(/[?&]t=/);
  await page.locator(".axis").dblclick();
  await page.waitForURL((url) => !url.searchParams.has("t"));
  await page.locator("role=row >> text=send receipt").dblclick();
  await page.waitForURL(/[?&]t=/);
  const shown = async (of) => [await of.locator(".past-bar").innerText(), await of.locator(".inspector h2").innerText(), await of.locator(".handle.b").count()];
  const [link, before] = [page.url(), await shown(page)];

  const again = await context.newPage();
  await again.goto(link);
  await again.locator(".past-bar").waitFor();
  await again.locator(".inspector h2:has-text('send receipt')").waitFor();

  assert.deepEqual(await shown(again), before);
  assert.equal(before[2], 1);
  await context.close();
});

test("a run is started by hand, with what the newest one of its function had", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/functions?function=demo-checkout`);
  await page.locator(".inspector >> text=of those that ended went well").waitFor();

  await page.keyboard.press("c");
  await page.locator(".took-chart >> text=that completed").first().waitFor();
  await page.keyboard.press("f");
  await page.locator(".flow .graph-node >> text=demo.order.placed").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("i");
  await page.locator("dialog .cm-content:focus >> text=order").first().waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("Control+Enter");

  await page.waitForURL(/\/runs\/run_/);
  await page.locator("h1:has-text('demo-checkout')").waitFor();
  for (const _ of ["local", "utc"]) await page.keyboard.press("u");
  await page.locator(".scrub-clock:has-text('Z')").waitFor();
  await context.close();
  assert.deepEqual(complaints, []);
});

test("the overview tells what it can where a part fails, lets a run go on, and leads to publishing", ONCE, async () => {
  await world.server.send("POST", "/events", { name: "demo.invoice.requested", data: { invoice: 78, customer: "Kite AG" } });
  const failing = { "**/api/v1/stats/events*": (route) => route.fulfill({ status: 500, json: { error: "the disk is full", code: "INTERNAL" } }) };
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/overview`, { answers: failing });

  await page.locator(".tile:has-text('Events/s') >> text=the disk is full").waitFor();
  await page.locator(".tile:has-text('Workers') b >> text=1").waitFor();
  const paused = page.locator(".line:has-text('demo-invoice is paused')").first();
  await paused.locator("button").click();
  await page.locator("dialog input:focus").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.type("the price has a currency now");
  const resumed = page.waitForResponse((answer) => /\/runs\/run_\w+\/resume$/.test(answer.url()));
  await page.keyboard.press("Enter");
  assert.equal((await resumed).status(), 200);
  await page.locator("dialog").waitFor({ state: "detached" });
  await page.goto(`${world.server.url}/overview${world.empty}`);
  await page.locator("text=Publish it here").click();
  await page.locator("dialog input:focus").waitFor();
  assert.equal(await page.locator("dialog input").first().inputValue(), "demo.order.placed");
  await page.locator("dialog button[aria-label=Close]").click();
  await page.waitForFunction(() => !new URL(location.href).searchParams.has("publish"));

  await context.close();
  assert.deepEqual(complaints.filter((one) => !/500/.test(one)), []);
});

test("an edit offers the ways that its rights open, and says what the others need", ONCE, async () => {
  const me = await world.server.get("/api/v1/auth/me");
  const known = (...permissions) => ({ "**/api/v1/auth/me": { ...me, auth_required: true, permissions: ["runs:read", "history:read", ...permissions] } });
  const url = `${world.server.url}/runs/${world.runs["demo-trip"].id}`;
  const { page, context, complaints } = await opened(world.browser, url, { answers: known("runs:fork", "runs:resume") });
  await page.locator("button:has-text('Edit output'):not(.barred)").waitFor();

  await page.keyboard.press("e");
  await page.locator("dialog >> text=Save & resume needs the permission runs:patch. Save needs the permission runs:patch.").waitFor();
  await page.locator("dialog button.primary >> text=Try on a fork").waitFor();
  assert.equal(await page.locator("dialog button:has-text('Save')").first().isDisabled(), true);
  assert.deepEqual(await unfit(page), []);
  await context.close();

  const none = await opened(world.browser, url, { answers: known("runs:resume") });
  await none.page.locator("button.barred[title*='runs:patch, or runs:fork']").waitFor();
  await none.page.locator(".run-facts button.barred[title='It needs the permission runs:tag']").waitFor();
  await none.context.close();
  assert.deepEqual([...complaints, ...none.complaints].filter((one) => !/403/.test(one)), []);
});

test("a group of failures is resolved with a reason, and opened again", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/failures`);
  await page.locator("role=table >> text=card was declined").first().click();
  await page.locator(".inspector >> text=What helped before").waitFor();

  await page.keyboard.press("z");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("the gateway was mended");
  await page.keyboard.press("Enter");

  await page.locator(".inspector >> text=the gateway was mended").waitFor();
  await page.locator(".view:has-text('Resolved')").click();
  await page.locator("role=table >> text=card was declined").first().click();
  await page.locator(".inspector >> text=Open again…").waitFor();
  await page.keyboard.press("a");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("Ada");
  await page.keyboard.press("Enter");
  await page.locator(".inspector >> text=looks after it").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("z");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("it was not");
  await page.keyboard.press("Enter");
  await page.locator(".inspector .status:has-text('New')").waitFor();
  await context.close();
  assert.deepEqual(complaints, []);
});

test("what mended one run of a group is given to the others that are chosen, and those that refuse are listed", ONCE, async () => {
  const [mended, second, third, fourth] = [1, 2, 3, 4].map((n) => `run_0000000000000000000000000${n}`);
  const plan = (run) => ({ run_id: run, plan: { version: 7, compensations: [], warnings: [], steps: [["fetch order", "kept"], ["quote", "changed"], ["book", "reruns"]].map(([name, fate]) => ({ step_id: name, name, type: "invoke", status: "", fate, repeats: fate === "reruns" })) } });
  const refused = (run, error) => ({ run_id: run, error: { error, code: "RUN_CHANGED" } });
  const asked = [];
  const answers = merged();
  Object.assign(answers["**/api/v1/failures/0a"], { open: 3, repairs: [{ how: "patched", runs: 1, examples: [{ run_id: mended, repaired_by: mended, step: "quote" }] }] });
  answers["**/api/v1/failures/0a/apply"] = async (route) => {
    const body = route.request().postDataJSON();
    asked.push(body);
    const runs = body.dry_run ? [plan(second), plan(third), refused(fourth, "its replay has completed")] : [refused(third, "it went on meanwhile")];
    await route.fulfill({ json: { dry_run: Boolean(body.dry_run), from_run: mended, step: "quote", output: { price: 19.5 }, runs, changed: 0, refused: 1, more: false } });
  };
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/failures?failure=0a`, { answers });
  await page.locator(".inspector >> text=Apply to all…").click();
  await page.locator("dialog >> text=its replay has completed").waitFor();
  assert.deepEqual(await unfit(page), []);

  await page.locator("dialog input[type=checkbox]").first().uncheck();
  await page.locator("dialog >> text=Give one run what mended another").waitFor();
  await page.locator("dialog input:not([type=checkbox])").fill("the tariff is known");
  await page.keyboard.press("Enter");
  await page.locator("dialog >> text=it went on meanwhile").waitFor();

  assert.deepEqual(asked.at(-1), { from_run: mended, run_ids: [third], expected_versions: { [third]: 7 }, reason: "the tariff is known" });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("groups are resolved whatever becomes of the others, and those that refuse are named", ONCE, async () => {
  const answers = merged();
  answers["**/api/v1/failures/0a/resolve"] = { fingerprint: "0a" };
  answers["**/api/v1/failures/0b/resolve"] = (route) => route.fulfill({ status: 404, json: { error: "it was merged into another", code: "FAILURE_GROUP_NOT_FOUND" } });
  const { page, context } = await opened(world.browser, `${world.server.url}/failures`, { answers });
  for (const row of [0, 1]) await page.locator(".pick input").nth(row).check();
  await page.locator(".bulk-bar >> text=Resolve…").click();
  await page.locator("dialog input:focus").waitFor();

  await page.keyboard.type("mended");
  const rows = page.waitForRequest(/failures\?.*status=open/);
  await page.keyboard.press("Enter");

  await rows;
  await page.locator("dialog .problem >> text=1 of 2 refused: no luck: it was merged into another").waitFor();
  await context.close();
});

test("a projection tells how it keeps up, and a partition of its list is looked at", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/projections/tickets`, { answers: { "**/projections/tickets/pace": STANDING["**/api/v1/projections/ledger/pace"] } });
  await page.locator(".line-chart >> text=at most 1 m 40 s").waitFor();

  await page.getByLabel("What the chart shows").selectOption("positions");
  await page.locator(".line-chart >> text=at most 12").waitFor();
  await page.locator(".line-chart summary").click();
  assert.deepEqual(await page.locator(".line-chart tbody td.tabular").allTextContents(), ["12", "8", "4", "0"]);
  await page.getByRole("region", { name: "Partitions" }).getByRole("button", { name: "Riga" }).click();
  await page.locator(".diff-added").first().waitFor();

  assert.equal(new URL(page.url()).searchParams.get("partition"), "Riga");

  // A past that takes long says how far it is, and is given up.
  await page.evaluate(() => {
    const real = globalThis.fetch;
    const told = new TextEncoder().encode('data: {"type":"progress","begun":0,"position":20000,"until":90000,"events":1200}\n\n');
    globalThis.fetch = (url, how) => (String(url).includes("/past?") ? Promise.resolve(new Response(new ReadableStream({ start: (body) => body.enqueue(told) }))) : real(url, how));
  });
  await page.keyboard.press("ArrowLeft");
  await page.locator("text=1,200 events folded, at position 20,000 of 90,000").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator("[role=status] >> text=Cancel").click();
  await page.locator(".moment-bar >> text=now").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("at"), null);
  assert.deepEqual(complaints.filter((one) => !/404/.test(one)), []);
  await context.close();
});

test("an event that stops a projection is skipped, and a parked one given up", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/projections/prices?partition=cup`);
  await page.locator(".error-card >> text=Park…").waitFor();

  await page.keyboard.press("S");
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.press("Enter");
  await page.locator("dialog .problem >> text=a reason is needed").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.type("it is not sold any more");
  await page.keyboard.press("Enter");
  await page.locator(".error-card").waitFor({ state: "detached" });
  await page.locator(".facts >> text=1 parked, 1 skipped").waitFor();
  await page.locator(".letters >> text=Discard…").click();
  await page.locator("dialog input:focus").waitFor();
  await page.keyboard.type("a test");
  await page.keyboard.press("Enter");

  await page.locator(".facts >> text=2 skipped").waitFor();
  await page.locator("text=Parked events").waitFor({ state: "detached" });
  await context.close();
  assert.deepEqual(complaints.filter((one) => !/400|404/.test(one)), []);
});

test("what a list or a column was refused is asked for once, and again when somebody wants it", ONCE, async () => {
  let refused = 0;
  let broken = true;
  const { page, context } = await opened(world.browser, `${world.server.url}/events?watch=run.status`, {
    answers: {
      "**/api/v1/events/watch": (route) => (refused++, route.continue()),
      "**/api/v1/runs?*": (route) => (broken ? route.fulfill({ status: 500, json: { error: "the disk is full", code: "INTERNAL" } }) : route.continue()),
    },
  });
  await page.locator("text=which is not known here").waitFor();
  // Each look at the list anew draws its rows, which want their columns.
  for (let look = 0; look < 3; look++) {
    const told = page.waitForResponse(/\/api\/v1\/events\?/);
    await page.keyboard.press("r");
    await told;
  }

  await page.locator("nav >> text=Runs").click();
  await page.locator(".failed >> text=the disk is full").waitFor();
  broken = false;
  await page.locator(".failed >> text=Try again").click();
  await page.locator("role=table >> text=demo-trip").first().waitFor();
  assert.equal(refused, 1);
  await context.close();
});

test("a run that is looked at beside the list stays there when it leaves the list", ONCE, async () => {
  const { id } = world.runs["demo-trip"];
  let gone = false;
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/runs?q=function:demo-trip`, {
    answers: {
      "**/api/v1/runs?*": async (route) => {
        const told = await (await route.fetch()).json();
        await route.fulfill({ json: { ...told, runs: gone ? [] : told.runs.filter((run) => run.id === id) } });
      },
    },
  });
  await page.locator("role=table >> text=demo-trip").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press(" ");
  await page.locator(".inspector >> text=Lisbon").waitFor();

  gone = true;
  const told = page.waitForResponse((answer) => answer.url().endsWith(`/api/v1/runs/${id}`));
  await page.keyboard.press("r");
  await page.locator("text=No run fits the filter").waitFor();
  await told;
  await page.locator(".inspector >> text=the card was declined").waitFor();
  await page.locator(".inspector >> text=Lisbon").waitFor();
  assert.equal(await page.locator(".inspector .skeleton").count(), 0);
  await context.close();
  assert.deepEqual(complaints, []);
});

test("an answer that takes longer than what happens pauses is waited for, and asked for once more", ONCE, async () => {
  const { id } = world.runs["demo-checkout"];
  const tag = (name) => world.server.send("POST", `/runs/${id}/tags`, { add: [name], remove: [] });
  const held = [];
  let slow = false;
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/runs/${id}?tab=history`, {
    answers: { [`**/api/v1/runs/${id}`]: (route) => (slow ? held.push(route) : route.continue()) },
  });
  const given = [];
  page.on("requestfailed", (request) => given.push(request.url()));
  const rows = page.locator("role=table >> text=tagged");
  await page.locator("role=table >> text=Position").waitFor();
  const before = await rows.count();
  slow = true;

  const first = page.waitForRequest((request) => request.url().endsWith(`/runs/${id}`));
  await tag("once");
  await first;
  await rows.nth(before).waitFor();
  await tag("twice");
  await rows.nth(before + 1).waitFor();
  slow = false;
  for (const route of held) await route.continue();

  await page.locator(".run-facts .chip:has-text('twice')").waitFor();
  await context.close();
  assert.deepEqual(given, []);
  assert.deepEqual(complaints, []);
});

test("a document that somebody else changed meanwhile is merged, and nothing is written over", ONCE, async () => {
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/config?name=shop`);
  await page.locator(".inspector .json >> text=theme").first().waitFor();
  await page.keyboard.press("e");
  await page.locator("dialog .cm-content").click();
  await world.server.send("PATCH", "/config/shop", { title: "theirs" });
  await page.keyboard.press("Control+a");
  await page.keyboard.type('{"theme": "light", "currency": "EUR"}');
  await page.locator("dialog >> text=Save").last().click();
  await page.locator("dialog .conflict >> text=Somebody saved revision 3").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator("dialog >> text=Put theirs into mine").click();
  await page.locator("dialog >> text=Theirs is in yours").waitFor();
  await page.locator("dialog .cm-content >> text=theirs").waitFor();
  await page.locator("dialog >> text=Save").last().click();
  await page.locator("dialog").waitFor({ state: "detached" });

  const { data } = await world.server.get("/api/v1/config/shop");
  assert.deepEqual(data, { theme: "light", currency: "EUR", title: "theirs" });
  await context.close();
  assert.deepEqual(complaints.filter((one) => !/412/.test(one)), []);
});

test("who is not known signs in by a link, sees what was asked for, and signs out", WALK, async () => {
  const guarded = await closedServer();
  const { page, context } = await opened(world.browser, `${guarded.url}/runs?q=status:failed`);
  await page.locator("text=Sign in to Ironflow").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.locator("input[type=email]").fill("nobody@example.com");
  await page.locator("input[type=password]").fill("a wrong password");
  await page.keyboard.press("Enter");
  await page.locator(".problem").waitFor();

  const link = await page.context().newPage();
  await link.goto(await guarded.link());
  await link.locator("h1:has-text('Overview')").waitFor();
  await link.goto(`${guarded.url}/runs?q=status:failed`);
  await link.locator("text=No run fits the filter").waitFor();
  await link.locator(".chip.live:has-text('Live')").waitFor();
  await link.locator("text=sign out").click();

  await link.locator("text=Sign in to Ironflow").waitFor();
  assert.equal(new URL(link.url()).search, "?q=status:failed");
  await context.close();
  await guarded.stop();
});

test("choosing adds nothing to the browser's history", WALK, async () => {
  const { page, context } = await opened(world.browser, `${world.server.url}/runs`);
  await page.locator("a:has-text('demo-checkout')").first().click();
  await page.locator("role=row >> text=fetch order").click();
  await page.keyboard.press("ArrowLeft");
  await page.locator("text=Viewing the past").waitFor();

  await page.goBack();

  await page.locator("h1:has-text('Runs')").waitFor();
  await page.goto(`${world.server.url}/streams/order/o-8`);
  await page.locator("role=row >> text=paid").first().waitFor();
  for (const [key, version] of [["ArrowLeft", 2], ["ArrowLeft", 1], ["ArrowRight", 2], ["Home", 1]]) {
    await page.keyboard.press(key);
    await page.locator(`.inspector >> text=version ${version}`).waitFor();
  }
  await page.goBack();

  await page.locator("h1:has-text('Runs')").waitFor();
  await context.close();
});

test("what happens shows at once in every tab, also after the server was away", WALK, async () => {
  const one = await opened(world.browser, `${world.server.url}/runs?q=function:demo-expense`);
  const other = await one.context.newPage();
  const run = world.runs["demo-expense"].id;
  await other.goto(`${world.server.url}/runs/${run}`);
  await one.page.locator("text=Live").first().waitFor();
  await other.locator("text=Live").first().waitFor();

  await other.locator(".page-head button:has-text('Pause'):not(.barred)").waitFor();
  await other.keyboard.press("H");
  await other.locator(".toast >> text=Add a reason").click();
  await other.keyboard.press("Escape");
  await other.locator(".toast button:focus >> text=Add a reason").press("Enter");
  await other.keyboard.type("look at it first");
  await other.keyboard.press("Enter");
  await other.locator(".page-head >> text=Paused").waitFor();
  await one.page.locator("role=row >> text=look at it first").waitFor();
  await world.server.stop();
  await other.locator("text=Reconnecting").waitFor();
  await world.server.start();
  await other.locator(".chip.live:has-text('Live')").waitFor();
  world.server.run("run", "cancel", run, "--reason", "enough");

  await other.locator(".page-head >> text=Cancelled").waitFor();
  await one.page.locator("role=row >> .status:has-text('Cancelled')").waitFor();
  await one.context.close();
});

test("a run of fifty thousand records scrolls with few elements, and scrubs to any of them", WALK, async () => {
  const id = world.runs["demo-checkout"].id;
  const { page, context, complaints } = await opened(world.browser, "about:blank");
  await page.route(`**/api/v1/runs/${id}/timeline*`, (route) => route.fulfill({ json: timelinePage(id, new URL(route.request().url())) }));


  await page.goto(`${world.server.url}/runs/${id}?at=20000`);
  await page.locator("text=20000/50000").waitFor();
  await page.keyboard.press("End");
  await page.locator("text=50000/50000").waitFor();
  await page.locator(".partly >> text=1,100 of 50,000 records").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("v");
  await page.locator(".partly").waitFor({ state: "detached" });
  const rows = page.locator(".waterfall .rows");
  const elements = () => rows.evaluate((one) => one.querySelectorAll("*").length);
  const few = await elements();
  await rows.evaluate((one) => (one.scrollTop = one.scrollHeight / 2));
  await page.locator("role=row >> text=step 25000").waitFor();
  await page.keyboard.press("Home");
  await page.locator("text=1/50000").waitFor();

  assert.ok(few < 1_000, `${few} elements`);
  assert.ok((await elements()) < 1_000);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("lists of fifty thousand rows scroll with few elements, whole or page by page", ONCE, async () => {
  const count = 50_000;
  const named = (index) => `till.${String(index).padStart(5, "0")}`;
  const at = "2026-01-05T09:00:00Z";
  const topics = Array.from({ length: count }, (_, index) => ({ name: named(index), message_count: 1, consumer_count: 0, first_message_at: at, last_message_at: at }));
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/groups?tab=topics`, { answers: { "**/api/v1/topics": { topics, count } } });
  await page.route("**/api/v1/kv/buckets/carts/level?*", (route) => {
    const start = Number(new URL(route.request().url()).searchParams.get("cursor") || 0);
    const items = Array.from({ length: Math.min(200, count - start) }, (_, index) => ({ kind: "key", name: named(start + index), keys: 1, bytes: 1, exact: true, revision: 1, updated_at: at }));
    return route.fulfill({ json: { prefix: "", items, ...(start + 200 < count ? { next_cursor: String(start + 200) } : {}) } });
  });
  const list = page.locator(".list-scroll");
  const elements = () => list.evaluate((one) => one.querySelectorAll("*").length);
  const toEnd = () => list.evaluate((one) => (one.scrollTop = one.scrollHeight));

  await page.locator(`role=row >> text=${named(0)}`).waitFor();
  const whole = [await elements(), await list.locator("[role=table]").getAttribute("aria-rowcount")];
  await toEnd();
  await page.locator(`role=row >> text=${named(count - 1)}`).click();
  await page.keyboard.press("k");
  await page.locator(`.inspector h2:has-text('${named(count - 2)}')`).waitFor();
  await page.goto(`${world.server.url}/kv/carts`);
  for (const last of [199, 399, 599, 799]) {
    await page.locator(`[aria-rowcount='${last + 2}']`).waitFor();
    await toEnd();
  }
  await page.locator("[aria-rowcount='1001']").waitFor();

  assert.ok(whole[0] < 1_000, `${whole[0]} elements`);
  assert.equal(whole[1], String(count + 1));
  assert.ok((await elements()) < 1_000);
  await context.close();
  assert.deepEqual(complaints.filter((one) => !/404/.test(one)), []);
});

test("a line of a run's log leads to its moment and its step, and back", ONCE, async () => {
  const run = world.runs["demo-checkout"].id;
  const { records } = await world.server.get(`/api/v1/runs/${run}/timeline?limit=1000`);
  const done = records.find((one) => one.kind === "step.completed");
  const items = Array.from({ length: 30_000 }, (_, index) => ({ position: index < 10_000 ? done.position : records.at(-1).position, index, time: done.at, level: index % 2 ? "info" : "debug", message: `line ${index}`, fields: { index }, step: done.name, path: `${done.name}:0`, attempt: 1 }));
  const { page, context, complaints } = await opened(world.browser, "about:blank");
  await page.route("**/api/v1/runs/*/logs*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    const fit = items.filter((one) => query.get("level") === "debug" || one.level === query.get("level"));
    const start = fit.findIndex((one) => one.index > Number(query.get("after")?.split(".")[1] ?? -1));
    const found = start < 0 ? [] : fit.slice(start, start + 1_000);
    const more = start >= 0 && start + 1_000 < fit.length;
    return route.fulfill({ json: { run_id: run, items: found, ...(more ? { after: `${found.at(-1).position}.${found.at(-1).index}` } : {}) } });
  });
  await page.goto(`${world.server.url}/runs/${run}`);
  await page.locator("role=treegrid >> text=fetch order").waitFor();

  await page.keyboard.press("m");
  await page.locator(".history-bar >> text=30,000").waitFor();
  const rows = page.locator(".table .rows");
  const few = await rows.evaluate((one) => one.querySelectorAll("*").length);
  await page.locator("role=row >> text='line 3'").click();
  await page.locator(`.inspector h2:has-text('${done.name}')`).waitFor();
  await page.keyboard.press("n");
  await page.locator(".log-line .stack >> text=line 4").waitFor();
  await page.locator(".log-line >> text=Show its moment").click();
  await page.locator("text=Viewing the past").waitFor();
  await page.locator("select[aria-label=Level]").selectOption("info");
  await page.locator(".history-bar >> text=15,000").waitFor();
  await page.waitForURL(/tab=logs.*level=info|level=info.*tab=logs/);

  assert.ok(few < 1_000, `${few} elements`);
  await context.close();
  assert.deepEqual(complaints, []);
});

/** A page of a run that only this test has: nothing but quick steps. */
function timelinePage(id, url) {
  const asked = (name, otherwise) => Number(url.searchParams.get(name) ?? otherwise);
  const [low, count, limit] = [asked("after", 0), 50_000, asked("limit", 200)];
  const high = Math.min(count, asked("before", count + 1) - 1);
  const after = url.searchParams.get("direction") === "backward" ? Math.max(low, high - limit) : low;
  const at = (position) => new Date(Date.UTC(2026, 0, 1) + position * 10).toISOString();
  const records = Array.from({ length: Math.max(0, Math.min(limit, high - after)) }, (_, index) => {
    const position = after + index + 1;
    if (position === 1) return { position, version: 1, kind: "run.created", at: at(1), summary: "created" };
    const name = `step ${position}`;
    return { position, version: position, kind: "step.completed", at: at(position), summary: `${name} completed`, step_id: `${id}:${name}:0`, name, type: "invoke", started_at: at(position - 1) };
  });
  return { run_id: id, newest: { version: count }, records, ...(after + records.length < count ? { after: after + records.length } : {}) };
}

// Last: the runs that fail for it would be in the way of others.
test("groups of failures are merged, and split again", ONCE, async () => {
  for (const data of [{}, []]) await world.server.send("POST", "/events", { name: "demo.order.placed", data });
  const { page, context, complaints } = await opened(world.browser, `${world.server.url}/failures`);
  const rows = page.locator(".list-row.row", { hasText: "demo-checkout" });
  await rows.filter({ hasText: "list indices" }).waitFor();
  const before = await rows.count();

  for (const text of ["list indices", /^<text>/]) await rows.filter({ hasText: text }).locator("input").check();
  await page.locator(".bulk-bar >> text=2 chosen").waitFor();
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("M");
  await page.locator("dialog select").waitFor();
  await page.locator("dialog input").fill("one outage");
  assert.deepEqual(await unfit(page), []);
  await page.keyboard.press("Enter");
  await page.locator(".inspector >> text=Merged into it").waitFor();
  assert.equal(await rows.count(), before - 1);
  assert.deepEqual(await unfit(page), []);
  await page.locator(".inspector >> text=Split off…").click();
  await page.locator("dialog input").fill("two after all");
  await page.keyboard.press("Enter");
  await page.locator(".inspector >> text=Merged into it").waitFor({ state: "detached" });

  await rows.nth(before - 1).waitFor();
  await context.close();
  assert.deepEqual(complaints, []);
});
