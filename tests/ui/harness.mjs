// What every test of the dashboard needs: one real server with the demo's runs, one browser, pages that are watched.
import { createRequire } from "node:module";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const require = createRequire(path.join(root, "static/package.json"));
const { chromium } = require("playwright-core");
const AXE = require.resolve("axe-core/axe.min.js");

const PYTHON = process.env.IRONFLOW_PYTHON ?? path.join(root, ".venv/bin/python");
const DATA = process.env.IRONFLOW_UI_DATA; // a folder of this test run alone
const DATABASE = process.env.IRONFLOW_UI_DATABASE_URL;
const CHROMIUM = process.env.IRONFLOW_CHROMIUM;
export const SHOTS = process.env.IRONFLOW_UI_SHOTS; // a folder for pictures, instead of looking for what is unfit
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
export const THEMES = ["light", "dark"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const KEY_FILE = ".ironflow_bootstrap_key.json";
const EMPTY = "nothing-yet";

/** The server, which can be stopped and started again where it was. */
export class Server {
  #process;
  #ports = ["0", "0"];
  #folder;
  #mode;
  url = "";

  constructor(name = "server", mode = ["--dev", ...(DATABASE ? ["--database-url", DATABASE] : [])]) {
    this.#folder = path.join(DATA, name);
    this.#mode = mode;
  }

  async start() {
    const flags = ["--port", this.#ports[0], "--grpc-port", this.#ports[1], "--data-dir", this.#folder, ...this.#mode];
    this.#process = spawn(PYTHON, ["-m", "app", "serve", ...flags], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: this.#process.stdout })) {
      if (!line.startsWith("ready ")) continue;
      const [, url, grpc] = line.split(" ");
      this.url = url;
      this.#ports = [new URL(url).port, grpc.split(":").at(-1)];
      return;
    }
    throw new Error("the server ended before it was ready");
  }

  async stop() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }

  /** The command line, against this server. */
  run(...command) {
    const done = spawnSync(PYTHON, ["-m", "app", ...command, "--server", this.url], { cwd: root, encoding: "utf8", timeout: 120_000 });
    if (done.status !== 0) throw new Error(`ironflow ${command.join(" ")}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** A link that signs the administrator in. */
  async link() {
    const { key } = JSON.parse(readFileSync(path.join(this.#folder, KEY_FILE), "utf8"));
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const [user] = await (await fetch(`${this.url}/api/v1/users`, { headers })).json();
    const told = await fetch(`${this.url}/api/v1/users/${user.id}/link`, { method: "POST", headers, body: "{}" });
    return (await told.json()).url;
  }

  async get(where) {
    return (await fetch(this.url + where)).json();
  }

  async send(method, where, body) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.url}/api/v1${where}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${where}: ${await answer.text()}`);
    return answer.json();
  }
}

/** A server that asks who one is. */
export async function closedServer() {
  const server = new Server("closed", []);
  await server.start();
  return server;
}

/** The demo's runs by their function, and its worker, which goes on. */
async function demonstrated(server) {
  const worker = spawn(PYTHON, ["-m", "app", "demo", "--json", "--server", server.url], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
  let told = "";
  for await (const text of worker.stdout) {
    told += text;
    if (told.trimEnd().endsWith("\n}")) break;
  }
  return { worker, runs: Object.fromEntries(JSON.parse(told).items.map((run) => [run.function_id, run])) };
}

/** What pages about data and administration show, beside what the demo does. */
async function filled(server) {
  const send = server.send.bind(server);
  await send("PUT", "/projections/tickets", {
    events: ["shop.>"],
    initial: { count: 0 },
    partition_key: "data.city",
    rules: [{ on: "shop.*", set: { count: "state.count + 1" } }],
  });
  for (const place of [1, 2]) await send("POST", "/events", { name: "shop.placed", data: { city: "Riga", place } });
  await send("PUT", "/projections/seen", { table_sql: "create table proj_seen (city text, place integer)", event_handlers: { "shop.placed": "insert into proj_seen (city, place) values (:data.city, :data.place)" } });
  await stopped(send);
  for (const name of ["placed", "paid"]) await send("POST", "/streams/o-8/events", { entityType: "order", name, data: { [name]: true } });
  await send("POST", "/kv/buckets", { name: "carts", history: 5 });
  for (const items of [["tea"], ["tea", "cup"]]) await send("PUT", "/kv/buckets/carts/keys/user.7", { items });
  await send("POST", "/config/shop", { theme: "dark" });
  await send("POST", "/config/shop", { theme: "light" });
  await send("POST", "/secrets", { name: "stripe-key", value: "sk_test_1" });
  await send("POST", "/topics/till.opened/messages", { data: { till: 1 } });
  await send("POST", "/groups", { name: "billing", pattern: "shop.>" });
  const source = await send("POST", "/webhook-sources", { name: "till", event_prefix: "till" });
  await send("POST", source.ingest_path.replace("/api/v1", ""), { type: "receipt" });
  await send("POST", "/policies", { name: "no-secrets", actions: "secrets:read", condition: '!("oncall" in subject.roles)', mode: "monitor" });
  await send("POST", "/apikeys", { name: "deploy", role_ids: ["developer"], expires_in: "3d" });
  await send("POST", "/users", { email: "ada@example.com", name: "Ada" });
}

/** A projection that has parked an event and stands still at the next. */
async function stopped(send) {
  await send("PUT", "/projections/prices", { events: ["price.changed"], initial: {}, partition_key: "data.sku", rules: [{ on: "price.changed", set: { price: "event.data.price * 2" } }] });
  for (const [price, reason] of [[21, ""], ["on request", "no price is known yet"], ["sold out", ""]]) {
    const { event_id: eventId } = await send("POST", "/events", { name: "price.changed", data: { sku: "cup", price } });
    const refused = await send("POST", "/projections/wait-for-event", { eventId, projection: "prices" }).catch((error) => error);
    if (reason) await send("POST", "/projections/prices/park", { reason });
    else if (price === "sold out" && !(refused instanceof Error)) throw new Error("it was to stop");
  }
}

/** Somebody who follows what happens in the shop, until it is aborted. */
async function follower(server) {
  const ending = new AbortController();
  const answer = await fetch(`${server.url}/api/v1/subscribe?pattern=shop.>&filter=data.place%20%3E%200`, { signal: ending.signal });
  return { answer, abort: () => ending.abort() }; // an answer that nobody holds is collected, and its connection with it
}

/** Server, browser, and the demo's runs and worker. */
export async function started() {
  const server = new Server();
  await server.start();
  const { worker, runs } = await demonstrated(server);
  await filled(server);
  await server.send("POST", `/runs/${runs["demo-parcels"].id}/tags`, { add: ["vip", "late order"] });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const [{ workers }, whole] = await Promise.all([server.get("/api/v1/workers"), server.get(`/api/v1/runs/${runs["demo-checkout"].id}`)]);
  const { events } = await server.get("/api/v1/events?name=price.changed&limit=1");
  return { server, worker, workers, runs, whole, priced: events[0].id, browser, following: await follower(server), empty: `?env=${EMPTY}` };
}

/** A page in a theme and a width, and what it complained of. `answers` are given in place of the server's, by address: as JSON, or by what takes the route. */
export async function opened(browser, url, { theme = "light", width = 1280, height = 860, answers = {} } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  for (const [where, json] of Object.entries(answers)) await page.route(where, typeof json === "function" ? json : (route) => route.fulfill({ json }));
  await page.goto(url);
  return { page, context, complaints };
}

/** What axe finds against WCAG 2.2 AA. */
export async function unfit(page) {
  // Not by a script element: the page's own policy would not have it.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: readFileSync(AXE, "utf8") });
  const told = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules, resultTypes: ["violations"] }), RULES);
  return told.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")} ${node.failureSummary.split("\n")[1] ?? ""}`));
}

const WIDTHS = [1280, 390];

/** Pictures of a page as a wide and as a narrow screen shows it, where somebody wants some. */
export async function shots(page, name) {
  if (!SHOTS) return;
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 860 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: path.join(SHOTS, `${name}-${width}.png`) });
  }
}
