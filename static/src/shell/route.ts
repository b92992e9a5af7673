/** The URL is the only global state of a page: what is open, what is chosen, what is filtered. */
import { computed, signal } from "@preact/signals";
import { understood } from "../model/parameters";
import segments from "../routes.json";

export interface Place {
  path: string;
  query: URLSearchParams;
}

export const place = signal<Place>(read());
/** Where one is, without what is chosen there: what only depends on it is left alone while somebody chooses. */
export const path = computed(() => place.value.path);
export const environment = computed(() => place.value.query.get("env") || "default");
/** The time that is looked at on all pages that have one, as `model/range.ts` reads it; "" for any. */
export const timeRange = computed(() => place.value.query.get("range") ?? "");

function read(): Place {
  const path = location.pathname.replace(/\/+$/, "") || "/";
  const given = new URLSearchParams(location.search);
  const query = understood(path, given);
  if (query !== given) history.replaceState(null, "", `${location.pathname}?${query}`);
  return { path, query };
}

addEventListener("popstate", () => {
  owed = false;
  place.value = read();
});

/** A link within the dashboard, in the environment that is open and the time that is looked at. */
export function link(path: string, query: Record<string, string | number | undefined> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") parameters.set(name, String(value));
  if (environment.value !== "default" && !parameters.has("env")) parameters.set("env", environment.value);
  if (timeRange.value && !parameters.has("range")) parameters.set("range", timeRange.value);
  const tail = parameters.toString();
  return tail ? `${path}?${tail}` : path;
}

/** Where an event is shown. */
export function eventLink(id: string): string {
  return link("/events", { event: id, q: id });
}

/** Go somewhere else: a new entry in the browser's history. */
export function navigate(to: string): void {
  settle();
  if (to !== location.pathname + location.search) history.pushState(null, "", to);
  place.value = read();
  scrollTo(0, 0);
}

/** Change what is chosen on this page: no entry in the browser's history, nothing scrolls. "" and null take out. */
export function choose(changes: Record<string, string | number | null>): void {
  const query = new URLSearchParams(place.peek().query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  place.value = { path: place.peek().path, query };
  owed = true;
  if (!timer) settle();
}

/** Browsers take 200 changes of the address in ten seconds, and drop all others: what is dragged changes it more often than
 * that, so the page goes first and its address follows. */
const SETTLE_MS = 100;
let owed = false;
let timer = 0;

/** The address, with all that is chosen. */
export function address(): string {
  settle();
  return location.href;
}

function settle(): void {
  clearTimeout(timer);
  timer = 0;
  if (!owed) return;
  owed = false;
  const tail = place.peek().query.toString();
  history.replaceState(null, "", location.pathname + (tail ? `?${tail}` : ""));
  timer = setTimeout(settle, SETTLE_MS);
}

export function chosen(name: string): string {
  return place.value.query.get(name) ?? "";
}

/** Links of ours do not load a page: those with a modifier, a target or a download do. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element).closest("a");
  if (!anchor || anchor.target || anchor.hasAttribute("download") || anchor.origin !== location.origin) return;
  const first = anchor.pathname.split("/")[1];
  if (first !== "" && !segments.includes(first)) return;
  event.preventDefault();
  navigate(anchor.pathname + anchor.search);
}
