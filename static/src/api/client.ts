/** The one place that speaks HTTP: headers, errors, and who is signed in. */
import { dataOf } from "../model/frames";
import { csrfToken, session } from "./session";
import { type Call, type Method, textOf } from "../model/call";
import { type Json, parse } from "../model/json";
import { environment } from "../shell/route";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly requestId: string,
    readonly where: string,
    /** What of the request is wrong, where it is one thing. */
    readonly field = "",
  ) {
    super(message);
  }
}

/** What somebody did not wait for. */
export function givenUp(where: string): ApiError {
  return new ApiError(-1, "GIVEN_UP", "it was cancelled before the answer came", "nothing was changed by that", "", where || "this page");
}

/** What was asked for under a signal and is not answered yet. */
const unanswered = new WeakMap<AbortSignal, Set<string>>();

/** The calls that are awaited under a signal, as text; "" for none. */
export function awaitedUnder(signal: AbortSignal): string {
  return [...(unanswered.get(signal) ?? [])].join(" and ");
}

export type Query = Record<string, string | number | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  /** The body as text, for numbers that JSON.stringify would change. */
  json?: string;
  /** The body as it is, of no kind that is known. */
  bytes?: Uint8Array<ArrayBuffer>;
  /** Only if this version is still there. */
  ifMatch?: number;
  /** Only if nothing is there. */
  ifAbsent?: boolean;
  signal?: AbortSignal;
  /** Asked of, instead of the one that is open. */
  environment?: string;
}

/** What is called within a moment, of which nobody but whoever looks is told. */
let looking: ((call: Call) => void) | null = null;
/** Under which key what is called within a moment is done once. */
let once = "";

/** The first call that `run` would make to change something; null if it makes none at once. Nothing is sent. */
export function called(run: () => Promise<unknown>): Call | null {
  let found: Call | null = null;
  looking = (call) => (found ??= call);
  try {
    run().catch(() => undefined); // what keeps it from being sent is told when somebody sends it
  } finally {
    looking = null;
  }
  return found;
}

/** What `run` calls, under one key: sent a second time, it is done once. */
export function underKey<T>(key: string, run: () => Promise<T>): Promise<T> {
  once = key;
  try {
    return run();
  } finally {
    once = "";
  }
}

/** A key that nobody has used. Not by randomUUID, which browsers have on secure pages only. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function headers(method: Method, options: Options): Record<string, string> {
  const told: Record<string, string> = { Accept: "application/json" };
  const within = options.environment ?? environment.value;
  if (within !== "default") told["X-Ironflow-Environment-ID"] = within;
  if (options.bytes) told["Content-Type"] = "application/octet-stream";
  else if (bodyOf(options) !== undefined) told["Content-Type"] = "application/json";
  if (options.ifMatch !== undefined) told["If-Match"] = `"${options.ifMatch}"`;
  if (options.ifAbsent) told["If-None-Match"] = "*";
  if (method !== "GET") told["Idempotency-Key"] = once || freshKey();
  if (method !== "GET" && csrfToken.value) told["X-Ironflow-CSRF"] = csrfToken.value;
  return told;
}

function bodyOf(options: Options): string | undefined {
  return options.json ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
}

/** What the API answers. Raises ApiError; status 0 means that the server cannot be reached. */
export async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  return read(await text(method, path, options), `${method} ${path}`, (told) => JSON.parse(told) as T);
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return request<T>("GET", path, { query, signal });
}

/** Makes a call that can be copied as it is. */
export function make<T>({ method, path, query, body }: Call): Promise<T> {
  return request<T>(method, path, { query, json: body });
}

/** The same with every number and key as the server wrote it: for payloads. */
export async function exact(path: string, query?: Query, signal?: AbortSignal): Promise<Json> {
  return exactly("GET", path, { query, signal });
}

export async function exactly(method: Method, path: string, options: Options): Promise<Json> {
  return read(await text(method, path, options), `${method} ${path}`, parse);
}

function read<T>(told: string, where: string, by: (told: string) => T): T {
  try {
    return by(told);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError(0, "UNREADABLE", "what answered is not the server", "something on the way to it did: sign in there, or try again", "", where);
  }
}

/** What the API tells bit by bit: each datum of server-sent events, as it is written, until there are no more. */
export async function told(path: string, query: Query, signal: AbortSignal, take: (datum: string) => void): Promise<void> {
  const answer = await answered("GET", path, { query, signal });
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split("\n\n");
      rest = frames.pop() ?? "";
      for (const datum of frames.map(dataOf)) if (datum) take(datum);
    }
  } catch (error) {
    if (error instanceof TypeError) throw cutOff(`GET ${path}`);
    throw error;
  } finally {
    await reader.cancel().catch(() => undefined); // what is torn already needs no end
  }
}

/** What the API answers, as a file to keep: a link could not say in which environment it asks. */
export async function file(path: string, query?: Query): Promise<Blob> {
  return (await answered("GET", path, { query })).blob();
}

/** The answer as the server wrote it. */
export async function text(method: Method, path: string, options: Options): Promise<string> {
  const answer = await answered(method, path, options);
  try {
    return (await answer.text()) || "null";
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw cutOff(`${method} ${path}`);
  }
}

function unreachable(message: string, where: string): ApiError {
  return new ApiError(0, "UNREACHABLE", message, "is it running? The page tries again", "", where);
}

/** What an answer raised that broke off. */
function cutOff(where: string): ApiError {
  return unreachable("the server went away while it answered", where);
}

async function answered(method: Method, path: string, options: Options): Promise<Response> {
  const where = `${method} ${path}`;
  if (looking && method !== "GET") {
    const { query, bytes, ifAbsent, ifMatch } = options;
    looking({ method, path, query, body: bytes ? textOf(bytes) : bodyOf(options), bytes: bytes !== undefined, version: ifAbsent ? null : ifMatch });
    return new Promise<Response>(() => undefined);
  }
  let answer: Response;
  const awaited = options.signal && (unanswered.get(options.signal) ?? new Set());
  if (options.signal && awaited) unanswered.set(options.signal, awaited.add(where));
  try {
    answer = await fetch(url(path, options.query), {
      method,
      headers: headers(method, options),
      body: options.bytes ?? bodyOf(options),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable("the server cannot be reached", where);
  } finally {
    awaited?.delete(where);
  }
  if (answer.ok) return answer;
  const error = refused(answer, await answer.text(), where);
  // A webhook's sender may be unknown without us being so.
  if (error.status === 401 && error.code !== "SIGNATURE_REFUSED" && !path.startsWith("/auth/")) session.value = "signed-out";
  throw error;
}

function refused(answer: Response, body: string, where: string): ApiError {
  let told: { error?: string; code?: string; hint?: string; field?: string; message?: string; ironflowCode?: string } = {};
  try {
    told = JSON.parse(body) as typeof told;
  } catch {
    told = { error: body.slice(0, 200) || answer.statusText };
  }
  const id = answer.headers.get("X-Request-ID") ?? "";
  // Connect has a code of its own, and ours beside it.
  return new ApiError(answer.status, told.ironflowCode ?? told.code ?? "", told.error ?? told.message ?? answer.statusText, told.hint ?? "", id, where, told.field);
}

export function url(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") parameters.set(name, String(value));
  const tail = parameters.toString();
  return `${rooted(path)}${tail ? `?${tail}` : ""}`;
}

/** REST's paths are below its root; those of Connect begin with the name of a service. */
function rooted(path: string): string {
  return path.startsWith("/ironflow.") ? path : `/api/v1${path}`;
}

/** One segment of a path. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}
