/** What is told this once: it closes only when the person says that it is kept. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { envLines } from "../model/env";
import { Dialog } from "./dialog";
import { save } from "./download";
import { copy } from "./toast";

interface Props {
  title: string;
  what: string;
  text: string;
  /** As the lines of a file of settings, to be kept as `.env`. */
  env?: Readonly<Record<string, string>>;
  onClose: () => void;
  children: ComponentChildren;
}

export function Once({ title, what, text, env, onClose, children }: Props) {
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
          {env && (
            <button type="button" class="small" onClick={() => save(new Blob([envLines(env)], { type: "text/plain" }), ".env")}>
              Download .env
            </button>
          )}
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
