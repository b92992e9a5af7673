/** What this browser remembers of how a person likes to work. Nothing secret. */
import { effect, signal } from "@preact/signals";
import { type Clock, clockTime } from "../model/time";

export type Theme = "system" | "light" | "dark";

export const theme = remembered<Theme>("theme", "system");
export const clock = remembered<Clock>("clock", "relative");
export const singleKeys = remembered<"on" | "off">("keys", "on");
export const recent = remembered<string[]>("recent", []);

export function remembered<T>(name: string, fallback: T) {
  const key = `ironflow.${name}`;
  let start = fallback;
  try {
    start = JSON.parse(localStorage.getItem(key) ?? "null") ?? fallback;
  } catch {
    // what is there is not ours, or there is no storage: begin anew
  }
  const held = signal<T>(start);
  effect(() => {
    const value = held.value;
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // without storage it holds for this tab
    }
  });
  return held;
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
export const dark = signal(false);

function applied(): void {
  dark.value = theme.value === "dark" || (theme.value === "system" && prefersDark.matches);
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
}

prefersDark.addEventListener("change", applied);
effect(applied);

export function toggleTheme(): void {
  theme.value = dark.value ? "light" : "dark";
}

const CLOCKS: Clock[] = ["relative", "local", "utc"];

export function nextClock(): void {
  clock.value = CLOCKS[(CLOCKS.indexOf(clock.value) + 1) % CLOCKS.length];
}

/** The time of day of an instant: in UTC where that is chosen, else local. */
export function wallTime(instant: number): string {
  return clockTime(instant, clock.value);
}

/** The clock of all that shows how long ago something was: once a second, while somebody looks. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});
