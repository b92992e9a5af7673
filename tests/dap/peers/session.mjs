// Microsoft's own test client drives `ironflow dap` over TCP: node session.mjs PORT TOKEN BUNDLE
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { DebugClient } = createRequire(import.meta.url)("@vscode/debugadapter-testsupport");
const [port, token, bundle] = process.argv.slice(2);
const threadId = 1;

const client = new DebugClient("", "", "ironflow");
client.defaultTimeout = 30_000;
await client.start(Number(port));

const stop = async (request) => (await Promise.all([client.waitForEvent("stopped"), request]))[0].body;
const top = async () => (await client.stackTraceRequest({ threadId })).body.stackFrames[0];

const told = (await client.initializeRequest({ adapterID: "ironflow", linesStartAt1: true, pathFormat: "path" })).body;
assert.ok(told.supportsStepBack && told.supportsDataBreakpoints);
const attached = client.attachRequest({ bundle, token });
await client.waitForEvent("initialized");
const set = await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: "charge", hitCondition: ">= 2" }] });
assert.deepEqual(set.body.breakpoints.map((one) => one.verified), [true]);
assert.equal((await stop(client.configurationDoneRequest())).reason, "entry");
await attached;

assert.equal((await stop(client.continueRequest({ threadId }))).reason, "function breakpoint");
const frame = await top();
assert.equal(frame.name, "charge #2");
const source = await client.sourceRequest({ source: frame.source, sourceReference: frame.source.sourceReference });
assert.match(source.body.content.split("\n")[frame.line - 1], /charge failed/);

await stop(client.stepBackRequest({ threadId }));
assert.equal((await top()).name, "charge");
await stop(client.nextRequest({ threadId }));
assert.deepEqual(await top(), frame);

const { scopes } = (await client.scopesRequest({ frameId: frame.id })).body;
const state = scopes.find((one) => one.name === "State");
const { variables } = (await client.variablesRequest({ variablesReference: state.variablesReference })).body;
assert.deepEqual(variables.map((one) => one.name), ["fetch"]);
const amount = await client.evaluateRequest({ expression: "state.fetch.amount * 2", context: "watch", frameId: frame.id });
assert.equal(amount.body.result, "198");

const data = (await client.dataBreakpointInfoRequest({ name: "fetch", variablesReference: state.variablesReference })).body;
await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: data.dataId }] });
assert.equal((await stop(client.reverseContinueRequest({ threadId }))).reason, "data breakpoint");
assert.equal((await top()).name, "fetch");
const { targets } = (await client.gotoTargetsRequest({ source: frame.source, line: 1 })).body;
await stop(client.gotoRequest({ threadId, targetId: targets[0].id }));
assert.equal((await top()).line, 1);

await assert.rejects(client.restartFrameRequest({ frameId: frame.id }), /reason/);
await Promise.all([client.waitForEvent("terminated"), client.disconnectRequest({})]);
console.log("ok");
process.exit(0);
