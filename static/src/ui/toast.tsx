/** Short news at the lower edge: what was done, what failed, and the way back from what was done at once. */
import { computed, signal } from "@preact/signals";
import { useLayoutEffect, useState } from "preact/hooks";
import { Icon } from "./icon";

interface Toast {
  id: number;
  text: string;
  failed: boolean;
  undo?: () => void;
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_MS = 5_000;
/** What is read or reached for stays meanwhile. */
const HELD_MS = 1_000;
let ids = 0;

/** `undo` takes back what is told of: a button and Ctrl-Z do so, while it is there. */
export function toast(text: string, failed = false, undo?: () => void): void {
  const one = { id: ++ids, text, failed, undo };
  toasts.value = [...toasts.peek().slice(-3), one];
  const end = (): void => {
    if (document.querySelector(".toasts:hover, .toasts:focus-within")) setTimeout(end, HELD_MS);
    else gone(one);
  };
  setTimeout(end, failed || undo ? SHOWN_MS * 2 : SHOWN_MS);
}

function gone(one: Toast): void {
  toasts.value = toasts.peek().filter((other) => other.id !== one.id);
}

/** The newest that can be taken back. */
const undoable = computed(() => toasts.value.findLast((one) => one.undo));

/** Takes back what was done last; undefined where nothing is told of that could be. */
export const undoLast = computed(() => {
  const one = undoable.value;
  return one && (() => takeBack(one));
});

function takeBack(one: Toast): void {
  gone(one);
  one.undo?.();
}

export function copy(text: string, what: string): void {
  navigator.clipboard.writeText(text).then(
    () => toast(`${what} copied`),
    () => toast(`The browser does not let us copy: ${text}`, true),
  );
}

/** Where they may be shown, the uppermost last: behind a dialog nobody could reach them. */
const places = signal<readonly symbol[]>([]);

export function Toasts() {
  const [mine] = useState(() => Symbol("toasts"));
  useLayoutEffect(() => {
    places.value = [...places.peek(), mine];
    return () => {
      places.value = places.peek().filter((other) => other !== mine);
    };
  }, []);
  const shown = places.value.at(-1) === mine ? toasts.value : [];
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} class="toast">
          <Icon name={one.failed ? "warning" : "check"} class={one.failed ? "fail" : "ok"} />
          {one.text}
          {one.undo && (
            <button type="button" class="small" title="Take it back (Ctrl-Z)" onClick={() => takeBack(one)}>
              Undo
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
