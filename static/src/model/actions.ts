/** What the menu of actions lists: the buttons of what is chosen and of the page, and what only a key does. */

export interface Shown {
  label: string;
  /** Why it cannot be done now; "" if it can. */
  barred: string;
  /** The key that does the same; "" for none. */
  key: string;
}

/** Of a button that does nothing, and does not say why. */
const NOT_NOW = "not now";

/** Of a button: what it says, its title, and whether it does anything. A title says the key, or why nothing comes of it. */
export function shownOf(text: string, title: string, disabled: boolean): Shown {
  const key = /\((\S+)\)$/.exec(title)?.[1] ?? "";
  return { label: text.replace(/\s+/g, " ").trim(), barred: disabled ? title || NOT_NOW : "", key: disabled ? "" : key };
}

/** The buttons, each with the key that does the same: a button need not say it where its words are those of the key. */
export function keyed<T extends Shown>(buttons: readonly T[], bindings: readonly { keys: string; label: string }[]): T[] {
  return buttons.map((one) => {
    const same = one.key || one.barred ? undefined : bindings.find((other) => plain(other.label) === plain(one.label));
    return same ? { ...one, key: same.keys } : one;
  });
}

/** Keys that move, choose or look, or clear: they do nothing to what they are at. */
const AT_HAND = new Set(["j", "k", "r", "x", "X", "*", "/", "[", "]", "b", "Escape", "."]);

/** Whether a key's binding is an action that a menu can offer. */
export function isAction(keys: string): boolean {
  return !AT_HAND.has(keys) && !/^(g .|\d|Mod\+.*|(Shift\+|Mod\+|Alt\+)*(Arrow\w+|Home|End))$/.test(keys);
}

/** Those that no button does already: neither by its key nor by its words. */
export function besides<T extends { keys: string; label: string }>(bindings: readonly T[], buttons: readonly Shown[]): T[] {
  const keys = new Set(buttons.map((one) => one.key).filter(Boolean));
  const words = new Set(buttons.map((one) => plain(one.label)));
  return bindings.filter((one) => isAction(one.keys) && !keys.has(one.keys) && !words.has(plain(one.label)));
}

function plain(label: string): string {
  return label.replace(/…$/, "").toLowerCase();
}
