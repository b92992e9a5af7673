/** Short news at the lower edge: what was done, what failed. */
import { signal } from "@preact/signals";
import { Icon } from "./icon";

interface Toast {
  id: number;
  text: string;
  failed: boolean;
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_MS = 5_000;
let ids = 0;

export function toast(text: string, failed = false): void {
  const one = { id: ++ids, text, failed };
  toasts.value = [...toasts.peek().slice(-3), one];
  setTimeout(() => (toasts.value = toasts.peek().filter((other) => other.id !== one.id)), failed ? SHOWN_MS * 2 : SHOWN_MS);
}

export function copy(text: string, what: string): void {
  navigator.clipboard.writeText(text).then(
    () => toast(`${what} copied`),
    () => toast(`The browser does not let us copy: ${text}`, true),
  );
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => (
        <div key={one.id} class="toast">
          <Icon name={one.failed ? "warning" : "check"} class={one.failed ? "fail" : "ok"} />
          {one.text}
        </div>
      ))}
    </div>
  );
}
