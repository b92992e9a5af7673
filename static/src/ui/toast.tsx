/** Short news at the lower edge: what was done, what failed, and the way back from what was done at once. */
import { computed, signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon";

interface Toast {
  id: number;
  text: string;
  failed: boolean;
  undo?: () => void;
  /** Keeps why it was done, with it. */
  explain?: (reason: string) => void;
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_MS = 5_000;
/** What is read or reached for stays meanwhile. */
const HELD_MS = 1_000;
let ids = 0;

/** `undo` takes back what is told of: a button and Ctrl-Z do so, while it is there; `explain` takes a reason for it. */
export function toast(text: string, failed = false, undo?: () => void, explain?: (reason: string) => void): void {
  const one = { id: ++ids, text, failed, undo, explain };
  toasts.value = [...(undo ? toasts.peek().map(settled) : toasts.peek()).slice(-3), one];
  const end = (): void => {
    if (document.querySelector(".toasts:hover, .toasts:focus-within")) setTimeout(end, HELD_MS);
    else gone(one);
  };
  setTimeout(end, failed || undo ? SHOWN_MS * 2 : SHOWN_MS);
}

/** What was done before something else takes a reason no more: told of a pause that is over, it would pause once more. */
function settled(one: Toast): Toast {
  return one.id === explaining.peek() ? one : { ...one, explain: undefined };
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

/** Of what is told of, that whose reason is being written. */
const explaining = signal<number | null>(null);

/** The one whose reason was asked for by its button, which gets the focus back if none is given. */
let byButton = 0;

/** Asks why what was done last was done; undefined where nothing takes a reason. */
export const explainLast = computed(() => {
  const one = toasts.value.findLast((told) => told.explain);
  return one && (() => explain(one.id, 0));
});

function explain(id: number, button: number): void {
  byButton = button;
  explaining.value = id;
}

function back(button: HTMLButtonElement | null, id: number): void {
  if (!button || id !== byButton || explaining.peek() !== null) return;
  byButton = 0;
  button.focus();
}

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
          <span>{one.text}</span>
          {one.undo && (
            <button type="button" class="small" title="Take it back (Ctrl-Z)" onClick={() => takeBack(one)}>
              Undo
            </button>
          )}
          {one.explain && explaining.value !== one.id && (
            <button type="button" class="small" title="Say why, for those who come after you (W)" ref={(button) => back(button, one.id)} onClick={() => explain(one.id, one.id)}>
              Add a reason
            </button>
          )}
          {one.explain && explaining.value === one.id && <Reason of={one} />}
        </div>
      ))}
    </div>
  );
}

/** As long as it is being written, its toast stays: the focus is in it. */
function Reason({ of }: { of: Toast }) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const close = (): void => {
    explaining.value = null;
  };
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault();
        const reason = field.current?.value.trim();
        close();
        if (!reason) return;
        gone(of);
        of.explain?.(reason);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <input ref={field} aria-label={`Reason: ${of.text}`} placeholder="Reason" maxLength={1_000} autocomplete="off" />
      <button type="submit" class="small primary">
        Keep it
      </button>
    </form>
  );
}
