/** A native dialog: it keeps the focus, and Escape closes it. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useKeys } from "../shell/keys";
import { Icon } from "./icon";
import { Toasts } from "./toast";

/** Ctrl-Enter or ⌘-Enter sends the form around an editor, where Enter is a new line. */
export function sendByKey(event: KeyboardEvent): void {
  if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
  event.preventDefault();
  (event.currentTarget as HTMLFormElement).requestSubmit();
}

export function Dialog({ title, onClose, children, class: more = "" }: { title: string; onClose: () => void; children: ComponentChildren; class?: string }) {
  const element = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useKeys(title, [], { modal: true });
  useLayoutEffect(() => {
    const dialog = element.current as HTMLDialogElement;
    const before = document.activeElement;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("textarea, input:not([type=checkbox]), select")?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${more}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close.current();
      }}
      onClick={(event) => event.target === element.current && close.current()}
    >
      <div class="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet icon-only" aria-label="Close" onClick={() => close.current()}>
            <Icon name="cross" />
          </button>
        </header>
        {children}
      </div>
      <Toasts />
    </dialog>
  );
}
