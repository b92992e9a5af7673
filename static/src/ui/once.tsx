/** What is told this once: it closes only when the person says that it is kept. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./dialog";
import { copy } from "./toast";

export function Once({ title, what, text, onClose, children }: { title: string; what: string; text: string; onClose: () => void; children: ComponentChildren }) {
  const [kept, setKept] = useState(false);
  return (
    <Dialog title={title} onClose={() => kept && onClose()}>
      <p>{children}</p>
      <div class="shown-once">
        <code>{text}</code>
        <p class="buttons">
          <button type="button" class="small" onClick={() => copy(text, what)}>
            Copy
          </button>
        </p>
      </div>
      <label class="check">
        <input type="checkbox" checked={kept} onChange={(event) => setKept(event.currentTarget.checked)} /> I have kept it
      </label>
      <div class="buttons end">
        <button type="button" class="primary" disabled={!kept} onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
