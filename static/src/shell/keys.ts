/** Keys: pages say what their keys do while they are shown; the help sheet and the palette read the same table. */
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { plural } from "../model/counted";
import { toast } from "../ui/toast";
import { singleKeys } from "./settings";

export interface Binding {
  /** `j`, `Shift+ArrowLeft`, `g r` (one after the other), `Mod+k` (Ctrl or ⌘). */
  keys: string;
  label: string;
  run: () => void;
  /** Why nothing comes of it now; "" or left out: something does. It is said instead, and the menu of actions tells it too. */
  barred?: string;
  /** Kept out of help and palette: a second way to do the same. */
  quiet?: boolean;
}

export interface Layer {
  title: string;
  bindings: readonly Binding[];
  /** Nothing below it gets keys: a dialog. */
  modal?: boolean;
}

const layers = signal<readonly { id: number; layer: Layer }[]>([]);
let ids = 0;
let pending = "";
let pendingTimer = 0;
const SEQUENCE_MS = 1_200;
const MOVES = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Enter", " "]);

export function active(): readonly Layer[] {
  return layers.value.map((one) => one.layer);
}

/** The keys of a part of the page, while it is there. The newest part comes first. */
export function useKeys(title: string, bindings: readonly Binding[], options: { modal?: boolean } = {}): void {
  const held = useRef<Layer>({ title, bindings, modal: options.modal });
  held.current.title = title;
  held.current.bindings = bindings;
  // Before anything is painted: keys that come at once are for what is there.
  useLayoutEffect(() => {
    const one = { id: ++ids, layer: held.current };
    layers.value = [...layers.peek(), one];
    return () => {
      layers.value = layers.peek().filter((other) => other.id !== one.id);
    };
  }, []);
}

/** Of a list, in CSS pixels, and of what stands above and below it. */
const ROW = 36;
const AROUND = 260;

/** Why a key that is for a row does nothing. */
export const NO_ROW = "choose a row first, with j or k";

/** Keys that are for a row, by what they do there, while none is chosen: they say so. */
export function ofNoRow(keys: Readonly<Record<string, string>>, barred = NO_ROW): readonly Binding[] {
  return Object.entries(keys).map(([one, label]) => ({ keys: one, label, barred, run: () => undefined }));
}

/** The keys that go from one to the next: row by row; `noun` is what people call one of them. */
export function rowKeys(noun: string, move: (step: number) => void): readonly Binding[] {
  const [next, previous] = [
    { label: `Next ${noun}`, run: () => move(1) },
    { label: `Previous ${noun}`, run: () => move(-1) },
  ];
  return [
    { keys: "j", ...next },
    { keys: "k", ...previous },
    { keys: "ArrowDown", quiet: true, ...next },
    { keys: "ArrowUp", quiet: true, ...previous },
  ];
}

/** Those, and the keys that go through a list by the page. */
export function listKeys(noun: string, move: (step: number) => void): readonly Binding[] {
  const page = (): number => Math.max(5, Math.floor((innerHeight - AROUND) / ROW));
  return [
    ...rowKeys(noun, move),
    { keys: "]", label: `Next page of ${plural(noun)}`, run: () => move(page()) },
    { keys: "[", label: `Previous page of ${plural(noun)}`, run: () => move(-page()) },
  ];
}

/** Every binding that would answer now, for the help sheet. */
export function answering(): readonly Layer[] {
  const found: Layer[] = [];
  for (const { layer } of [...layers.value].reverse()) {
    found.push(layer);
    if (layer.modal) break;
  }
  return found;
}

/** Do what a key is for, or say why that cannot be. */
export function take({ label, barred, run }: Pick<Binding, "label" | "barred" | "run">): void {
  if (barred) toast(`${label.replace(/…$/, "")}: ${barred}`, true);
  else run();
}

export function listen(): void {
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const key = named(event);
    const target = event.composedPath()[0] as HTMLElement; // an editor's own shadow hides it from the event's target
    if (typing(target) && (!key.startsWith("Mod+") || key === "Mod+z") && key !== "Escape") return; // what is typed has an undo of its own
    const single = !key.includes("+") && !MOVES.has(key) && key !== "Escape";
    if (single && singleKeys.value === "off") return;
    if (MOVES.has(key) && wantsMoves(target, key)) return;
    const sequence = pending ? `${pending} ${key}` : key;
    pending = "";
    clearTimeout(pendingTimer);
    const open = answering();
    const begun = open.flatMap((layer) => layer.bindings).find((one) => one.keys === sequence);
    for (const layer of open) {
      const binding = begun ?? layer.bindings.find((one) => one.keys === key);
      if (binding) {
        event.preventDefault();
        take(binding);
        return;
      }
      if (layer.bindings.some((one) => one.keys.startsWith(`${key} `))) {
        event.preventDefault();
        pending = key;
        pendingTimer = setTimeout(() => (pending = ""), SEQUENCE_MS);
        return;
      }
    }
  });
}

function named(event: KeyboardEvent): string {
  const key = event.key.length === 1 && (event.metaKey || event.ctrlKey) ? event.key.toLowerCase() : event.key;
  const printed = key.length === 1 && key !== " ";
  const modifiers = [];
  if (event.metaKey || event.ctrlKey) modifiers.push("Mod");
  if (event.altKey) modifiers.push("Alt");
  if (event.shiftKey && !printed) modifiers.push("Shift");
  return [...modifiers, key].join("+");
}

function typing(target: HTMLElement): boolean {
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes((target as HTMLInputElement).type);
}

/** Buttons and links answer Enter and Space, sliders and tabs the arrows. */
function wantsMoves(target: HTMLElement, key: string): boolean {
  if (key === "Enter" || key === " ") return target.closest("a, button, summary, [role=tab], input") !== null;
  return target.closest("[role=tablist], [role=menu], input[type=range]") !== null;
}

/** `Mod+k` as this machine's keyboards say it. */
export function spoken(keys: string): string[] {
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const names: Record<string, string> = {
    Mod: mac ? "⌘" : "Ctrl",
    ArrowLeft: "←",
    ArrowRight: "→",
    ArrowUp: "↑",
    ArrowDown: "↓",
    Escape: "Esc",
    " ": "Space",
  };
  return keys.split(/[+ ](?=.)/).map((key) => names[key] ?? key);
}
