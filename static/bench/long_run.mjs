// node bench/long_run.mjs [RECORDS]: how smoothly a long run is read. Chromium shows the build in dist/, the API is stood in
// for here, so that only the page is measured. Prints the frames while it is scrolled, scrubbed, stepped through
// and zoomed.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const COUNT = Number(process.argv[2] ?? 200_000);
const LIMIT_MS = 50;
const FRAMES = 90;
const EXECUTABLE = process.env.IRONFLOW_CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), "../dist");
const RUN = "run_01m8amndf3e00t3a45k23280ws";
const MEDIA = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html" };
const at = (position) => new Date(Date.UTC(2026, 0, 1) + position * 10).toISOString();

const run = {
  ...{ id: RUN, function_id: "long", function_version: 1, event_id: "evt_1", event_name: "long.wanted", status: "completed", attempt: 1 },
  ...{ max_attempts: 1, worker_id: "w", created_at: at(1), started_at: at(1), ended_at: at(COUNT), updated_at: at(COUNT), error: null },
  ...{ executions: 1, input: {}, output: null, tags: [], unwinding: false },
};

/** A page of records: every tenth step is one of a few that repeat, every thousandth fails once. */
function timeline(url) {
  const asked = (name, otherwise) => Number(url.searchParams.get(name) ?? otherwise);
  const [low, high, limit] = [asked("after", 0), Math.min(COUNT, asked("before", COUNT + 1) - 1), asked("limit", 200)];
  const after = url.searchParams.get("direction") === "backward" ? Math.max(low, high - limit) : low;
  const records = Array.from({ length: Math.max(0, Math.min(limit, high - after)) }, (_, index) => {
    const position = after + index + 1;
    return { version: position, ...recorded(position) };
  });
  return { run_id: RUN, newest: { version: COUNT }, records, ...(after + records.length < COUNT ? { after: after + records.length } : {}) };
}

function recorded(position) {
  if (position === 1) return { position, kind: "run.created", at: at(1), summary: "created" };
  if (position === COUNT) return { position, kind: "run.completed", at: at(position), summary: "completed" };
  const name = position % 10 === 0 ? "poll" : `step ${position}`;
  const failed = position % 1_000 === 0;
  const told = { position, kind: failed ? "step.failed" : "step.completed", at: at(position), summary: `${name} ${failed ? "failed" : "completed"}` };
  return { ...told, step_id: `${RUN}:${name}:${position}`, name, type: "invoke", started_at: at(position - 1), ...(failed ? { message: "timeout", code: "E" } : {}) };
}

function answer(url) {
  if (url.pathname.endsWith("/timeline")) return timeline(url);
  if (url.pathname === `/api/v1/runs/${RUN}`) return run;
  if (url.pathname.endsWith("/auth/me")) return { kind: "anonymous", roles: [], permissions: ["*"], org_id: "", environment_id: "default", auth_required: false, user: null, csrf_token: "" };
  if (url.pathname.includes("/capabilities")) return { version: "0", features: [], auth_required: false, grpc_address: "" };
  return {};
}

const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await page.routeWebSocket("**/ws*", () => undefined);
  await page.route("**/*", async (route) => {
    const url = new URL(route.request().url());
    if (url.pathname.startsWith("/api/")) return route.fulfill({ json: answer(url) });
    const file = url.pathname.startsWith("/assets/") ? url.pathname.slice(1) : "index.html";
    return route.fulfill({ body: await readFile(path.join(dist, file)), contentType: MEDIA[path.extname(file)] });
  });
  page.on("pageerror", (error) => console.error(`the page failed: ${error.message}`));
  const began = performance.now();
  await page.goto(`http://ironflow.test/runs/${RUN}`);
  await page.locator(".wf-row.row").first().waitFor();
  const first = performance.now() - began;
  await page.locator(`text=${COUNT}/${COUNT}`).waitFor();
  const between = page.locator(".partly button");
  if ((await between.count()) > 0) await between.first().click(); // a long run is loaded whole only if somebody wants it
  await page.locator(".partly").waitFor({ state: "detached", timeout: 300_000 });
  const whole = performance.now() - began;
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_000)));

  const measured = {};
  measured.scrolling = await frames(page, () => {
    const rows = document.querySelector(".waterfall .rows");
    return (step) => (rows.scrollTop = (rows.scrollHeight - rows.clientHeight) * ((step % 60) / 60));
  });
  measured.wheeling = await frames(page, () => {
    const rows = document.querySelector(".waterfall .rows");
    rows.scrollTop = 0;
    return () => (rows.scrollTop += 240);
  });
  measured.scrubbing = await frames(page, scrubbed);
  measured.stepping = await frames(page, () => () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true })));
  measured.zooming = await frames(page, () => (step) => {
    const lane = document.querySelector(".wf-row.row .wf-lane");
    const { left, width } = lane.getBoundingClientRect();
    const turn = { ctrlKey: true, deltaY: step % 60 < 30 ? -60 : 60, clientX: left + width / 3, bubbles: true, cancelable: true };
    lane.dispatchEvent(new WheelEvent("wheel", turn));
  });
  await page.evaluate(() => (document.querySelector(".waterfall .rows").scrollTop = 0));
  measured["with group"] = await frames(page, scrubbed);
  const elements = await page.locator(".waterfall .rows").evaluate((rows) => rows.querySelectorAll("*").length);

  console.log(`${COUNT.toLocaleString("en")} records, ${elements} elements in the waterfall; ${cpus().length} × ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, ${browser.version()}`);
  console.log(`first rows ${first.toFixed(0)} ms, all of it ${(whole / 1_000).toFixed(1)} s (with its pages made here)`);
  for (const [name, { busy, wall }] of Object.entries(measured))
    console.log(
      `${name.padEnd(10)} ${FRAMES} frames: processor ${busy.half.toFixed(1)} ms, worst ${busy.worst.toFixed(1)} ms (frame ${busy.at}); on the clock ${wall.half.toFixed(1)} ms, worst ${wall.worst.toFixed(1)} ms`,
    );
  const slow = Object.entries(measured).filter(([, { busy }]) => busy.worst > LIMIT_MS);
  if (slow.length > 0) {
    console.error(`a frame takes more than ${LIMIT_MS} ms of the processor: ${slow.map(([name]) => name).join(", ")}`);
    process.exitCode = 1;
  }
} finally {
  await browser.close();
}

/** Scrubbing, in the page; at the top of it all steps that repeat are in sight as a group. */
function scrubbed() {
  const slider = document.querySelector("input[type=range]");
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const put = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  return (step) => {
    put.call(slider, String(high - ((high - low) * (step % 90)) / 90));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  };
}

/** Frames in each of which something is done, from when what was made ready for it has been drawn. `busy` is the processor time
 * of the page's thread for one: scripts, styles, layout and painting, whatever else the machine does meanwhile; `wall` is how
 * long it took. */
async function frames(page, made) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value * 1_000;
  await page.evaluate((text) => (globalThis.act = (0, eval)(`(${text})`)()), made.toString());
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
  const [busy, wall] = [[], []];
  for (let step = 1; step <= FRAMES; step++) {
    const before = await spent();
    wall.push(
      await page.evaluate(
        (step) =>
          new Promise((done) =>
            requestAnimationFrame((began) => {
              globalThis.act(step);
              requestAnimationFrame((now) => done(now - began));
            }),
          ),
        step,
      ),
    );
    busy.push((await spent()) - before);
  }
  await session.detach();
  return { busy: summary(busy), wall: summary(wall) };
}

/** Half of the frames, the worst one, and which that was: the first ones also pay for what is compiled and laid out anew. */
function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return { half: sorted[Math.floor(sorted.length / 2)], worst: sorted.at(-1), at: times.indexOf(sorted.at(-1)) + 1 };
}
