/** The one WebSocket of this tab. Subscriptions only say that something is new, and where: pages ask REST for it, so that
 * a list and its live updates can never disagree. A subscription resumes after the last position it heard of. Where the
 * server answers and no socket comes about, all that is followed is looked at every two seconds instead, and the socket is
 * tried on. */
import { effect, signal } from "@preact/signals";
import { type Reach, reachAfter } from "../model/reach";
import { environment } from "../shell/route";

export type Connection = "connecting" | "live" | Reach;

export const connection = signal<Connection>("connecting");
/** When it is tried again, in ms of the clock; 0 while nothing is waited for. */
export const retryAt = signal(0);
/** Paused: nothing is fetched until it goes on; `unseen` counts what came meanwhile. */
export const paused = signal(false);
export const unseen = signal(0);

const BACK_OFF_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
const SILENCE_MS = 75_000;
const COALESCE_MS = 100;
export const POLL_MS = 2_000;
/** So long it is awaited whether the server answers at all. */
const ANSWER_MS = 5_000;
/** The server left some out, because this tab did not take them fast enough. */
const DROPPED = "EVENTS_DROPPED";

/** The position that came last, and how many came since the last time. */
export type Told = (position: number, many: number) => void;

interface Interest {
  pattern: string;
  /** In CEL; "" for all that fits the pattern. */
  filter: string;
  tell: Told;
  after: number;
  id: string;
  /** The position that came and was not told yet; 0 for none. */
  pending: number;
  many: number;
  timer: number;
  pace: number;
}

interface Frame {
  type: string;
  subscriptionId?: string;
  sequence?: number;
  meta?: { sequence?: number };
  code?: string;
  dropped?: number;
  retrying?: boolean;
  results?: { status: string; subscriptionId?: string; message?: string }[];
}

const interests = new Set<Interest>();
let socket: WebSocket | null = null;
let asked: Interest[] = [];
let failures = 0;
let timer = 0;
let silence = 0;
let wanted = 0;
let polling = 0;

/** Be told of positions at which something happened that fits a pattern, at most once in `pace` ms; also after each
 * reconnection, with 0. The function returned ends it. */
export function follow(pattern: string, tell: Told, pace = COALESCE_MS, filter = ""): () => void {
  const interest: Interest = { pattern, filter, tell, after: -1, id: "", pending: 0, many: 0, timer: 0, pace };
  interests.add(interest);
  if (!socket && !timer) connect();
  else if (socket?.readyState === WebSocket.OPEN) subscribe(interest);
  return () => {
    interests.delete(interest);
    clearTimeout(interest.timer);
    if (interest.id && socket?.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: "unsubscribe", subscriptionId: interest.id }));
  };
}

/** Keep the connection, also while no page wants to be told of anything. The function returned ends that. */
export function stayConnected(): () => void {
  wanted++;
  if (!socket && !timer) connect();
  return () => {
    wanted--;
  };
}

export function setPaused(value: boolean): void {
  paused.value = value;
  if (value) return;
  unseen.value = 0;
  for (const interest of interests) if (interest.pending) told(interest);
  if (connection.peek() === "polling") poll();
}

function connect(): void {
  clearTimeout(timer);
  timer = 0;
  retryAt.value = 0;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const tail = environment.value === "default" ? "" : `?env=${encodeURIComponent(environment.value)}`;
  const opened = new WebSocket(`${scheme}//${location.host}/ws${tail}`);
  socket = opened;
  opened.onopen = () => {
    const again = failures > 0 || connection.value === "reconnecting" || connection.value === "polling";
    failures = 0;
    connection.value = "live";
    clearInterval(polling);
    asked = [];
    listenForSilence();
    for (const interest of interests) {
      subscribe(interest);
      if (again) heard(interest, 0);
    }
  };
  opened.onmessage = (message: MessageEvent<string>) => {
    listenForSilence();
    hear(JSON.parse(message.data) as Frame);
  };
  opened.onclose = () => {
    if (socket === opened) lost();
  };
}

function lost(): void {
  socket = null;
  clearTimeout(silence);
  for (const interest of interests) interest.id = "";
  if (interests.size + wanted === 0) {
    reached("reconnecting");
    return;
  }
  const base = BACK_OFF_MS[Math.min(failures++, BACK_OFF_MS.length - 1)];
  const tried = failures;
  if (connection.peek() !== "polling") connection.value = "reconnecting";
  void answers().then((there) => {
    if (failures === tried) reached(reachAfter(tried, there)); // neither opened nor lost again meanwhile
  });
  const wait = base * (0.75 + Math.random() / 2);
  retryAt.value = Date.now() + wait;
  timer = setTimeout(connect, wait);
}

function reached(reach: Reach): void {
  clearInterval(polling);
  connection.value = reach;
  if (reach === "polling") polling = setInterval(poll, POLL_MS);
}

/** Whether the server answers a call, whatever it says. */
async function answers(): Promise<boolean> {
  try {
    return (await fetch("/health", { signal: AbortSignal.timeout(ANSWER_MS) })).ok;
  } catch {
    return false; // which is what was asked
  }
}

/** Something may have happened, of whatever is followed. */
function poll(): void {
  if (paused.peek() || document.hidden) return;
  for (const interest of interests) heard(interest, 0);
}

/** Try now instead of when the time has come. */
export function retryNow(): void {
  if (!socket) connect();
}

/** The server says every 30 s that it is there; a connection that says nothing is gone, whatever it looks like. */
function listenForSilence(): void {
  clearTimeout(silence);
  silence = setTimeout(() => socket?.close(), SILENCE_MS);
}

function subscribe(interest: Interest): void {
  const options: Record<string, unknown> = { backpressure: "drop" };
  if (interest.filter) options.filter = interest.filter;
  if (interest.after >= 0) options.startAfterSequence = interest.after;
  asked.push(interest);
  socket?.send(JSON.stringify({ type: "subscribe", subscription: { pattern: interest.pattern, options } }));
}

function hear(frame: Frame): void {
  if (frame.type === "subscription_result") {
    const interest = asked.shift();
    const id = frame.results?.[0]?.subscriptionId ?? "";
    if (!interest) return;
    if (interests.has(interest)) interest.id = id;
    else if (id) socket?.send(JSON.stringify({ type: "unsubscribe", subscriptionId: id }));
    return;
  }
  if (!frame.subscriptionId) return;
  const interest = [...interests].find((one) => one.id === frame.subscriptionId);
  if (!interest) return;
  if (frame.type === "heartbeat") interest.after = frame.sequence ?? interest.after;
  else if (frame.type === "event") {
    interest.after = frame.meta?.sequence ?? interest.after;
    if (!paused.value) interest.many++;
    heard(interest, interest.after);
  } else if (frame.type === "subscription_error" && frame.code === DROPPED) {
    // It goes on: too many came to tell of each.
    if (!paused.value) interest.many += frame.dropped ?? 0;
    heard(interest, interest.after);
  } else if (frame.type === "subscription_error") {
    interest.id = "";
    heard(interest, 0); // something was missed: look for yourselves
    if (frame.retrying !== false && interests.has(interest) && socket) setTimeout(() => interests.has(interest) && !interest.id && subscribe(interest), 1_000);
  }
}

/** A timer, not an animation frame: those stop in tabs that are not shown. */
function heard(interest: Interest, position: number): void {
  interest.pending = Math.max(interest.pending, position, 1);
  if (paused.value) unseen.value++;
  else if (!interest.timer) interest.timer = setTimeout(() => told(interest), interest.pace);
}

function told(interest: Interest): void {
  interest.timer = 0;
  if (paused.value || !interest.pending) return;
  const { pending: position, many } = interest;
  interest.pending = interest.many = 0;
  interest.tell(position, many);
}

let known = environment.peek();
effect(() => {
  if (environment.value === known) return;
  known = environment.value;
  for (const interest of interests) interest.after = -1;
  const old = socket;
  socket = null;
  old?.close();
  if (interests.size + wanted > 0) connect();
});
