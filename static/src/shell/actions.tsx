/** `.`: what can be done to the rows that are chosen, or else to what is shown beside the list, and to the page. A page need
 * not tell what that is: its buttons and its keys say it. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Shown, besides, keyed, shownOf } from "../model/actions";
import { Keys } from "../ui/basics";
import { active, take, useKeys } from "./keys";

interface Item extends Shown {
  run: () => void;
}

interface Part {
  title: string;
  items: readonly Item[];
}

const BUTTONS = ".buttons button, .buttons a, button.small.barred";

export default function ActionsMenu({ onClose }: { onClose: () => void }) {
  const parts = useMemo(partsOf, []);
  const items = parts.flatMap((part) => part.items);
  const [at, setAt] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys("What can be done", [], { modal: true });
  useLayoutEffect(() => {
    const menu = dialog.current as HTMLDialogElement;
    menu.showModal();
    return () => menu.close(); // which gives the focus back
  }, []);
  useLayoutEffect(() => dialog.current?.querySelectorAll<HTMLElement>("[role=menuitem]")[at]?.focus(), [at]);
  const choose = (item: Item): void => {
    onClose();
    take(item);
  };
  const press = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) setAt(steps[event.key] % Math.max(1, items.length));
    else if (event.key === "." || event.key === "Tab") onClose();
    else {
      const named = items.find((one) => one.key === event.key);
      if (!named) return;
      choose(named);
    }
    event.preventDefault();
  };
  let index = -1;
  return (
    <dialog
      ref={dialog}
      class="dialog actions-menu"
      aria-label="What can be done"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      onKeyDown={press}
    >
      {items.length === 0 && <p class="muted pad">Nothing can be done here.</p>}
      <div role="menu" aria-label="What can be done">
        {parts.map((part) => (
          <div key={part.title} role="group" aria-label={part.title}>
            <p class="nav-section" aria-hidden="true">
              {part.title}
            </p>
            {part.items.map((item) => {
              const mine = ++index;
              return (
                <button
                  key={mine}
                  type="button"
                  role="menuitem"
                  class={`quiet ${item.barred ? "barred" : ""}`}
                  aria-disabled={item.barred !== ""}
                  tabIndex={mine === at ? 0 : -1}
                  onClick={() => choose(item)}
                >
                  <span class={item.barred ? "grow" : "grow cut"}>
                    {item.label} {item.barred && <span class="small">{item.barred}</span>}
                  </span>
                  {item.key && <Keys keys={item.key} />}
                </button>
              );
            })}
          </div>
        ))}
      </div>
    </dialog>
  );
}

function partsOf(): Part[] {
  const bar = document.querySelector<HTMLElement>(".bulk-bar");
  if (bar) return [{ title: "The chosen rows", items: buttonsOf(bar, "button") }].filter((part) => part.items.length > 0);
  const beside = [...document.querySelectorAll<HTMLElement>(".inspector")].filter((one) => one.checkVisibility());
  const head = document.querySelector<HTMLElement>(".page-head");
  const bindings = active()
    .filter((layer) => !layer.modal && layer.title !== "Everywhere")
    .flatMap((layer) => layer.bindings.filter((one) => !one.quiet));
  const shown = [
    ...beside.map((one) => ({ title: one.getAttribute("aria-label") ?? "", items: buttonsOf(one, BUTTONS) })),
    ...(head ? [{ title: head.querySelector("h1")?.textContent ?? "This page", items: buttonsOf(head, "button, a.button") }] : []),
  ];
  const parts = shown.map((part) => ({ ...part, items: keyed(part.items, bindings) }));
  const buttons = parts.flatMap((part) => part.items);
  const keys = besides(bindings, buttons).map((one) => ({ label: one.label, barred: one.barred ?? "", key: one.barred ? "" : one.keys, run: one.run }));
  return [...parts, { title: "By key", items: keys }].filter((part) => part.items.length > 0);
}

/** What is inside of what moves, copies or closes is no action. */
function buttonsOf(within: HTMLElement, selector: string): Item[] {
  return [...within.querySelectorAll<HTMLElement>(selector)]
    .filter((one) => one.textContent.trim() !== "" && one.checkVisibility() && !one.matches(".icon-only, .id, .actor, [role=tab]"))
    .map((one) => {
      const disabled = one.getAttribute("aria-disabled") === "true" || (one as HTMLButtonElement).disabled;
      return { ...shownOf(one.textContent, one.title, disabled), run: () => one.click() };
    });
}
