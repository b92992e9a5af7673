/** A field for JSON or CEL. It is a plain one until the editor is there, and stays one where that cannot be loaded. The
 * editor keeps its own text and only tells it: for another text from outside, give another key. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Asked, Mounted } from "../editor/mounted";

/** The editor of a language, whose script comes when a form shows one. */
type Load = () => Promise<{ mount: (asked: Asked) => Mounted }>;

export interface Props {
  label: string;
  note?: string;
  value: string;
  rows: number;
  wrong?: boolean;
  placeholder?: string;
  /** What expressions may name. */
  names?: readonly string[];
  focused?: boolean;
  onValue: (value: string) => void;
}

export function CodeEditor({ load, label, note, value, rows, wrong = false, placeholder = "", names = [], focused = false, onValue }: Props & { load: Load }) {
  const host = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<Mounted | null>(null);
  const told = useRef(onValue);
  told.current = onValue;
  const latest = useRef(value);
  latest.current = value;
  const [ready, setReady] = useState(false);

  useEffect(() => {
    if (focused) plain.current?.focus();
    let gone = false;
    load().then(
      ({ mount }) => {
        if (gone || !host.current) return;
        const inIt = document.activeElement === plain.current;
        const made = mount({ host: host.current, label, value: latest.current, hint: placeholder, names, onValue: (next) => told.current(next) });
        editor.current = made;
        setReady(true);
        if (inIt) requestAnimationFrame(made.focus);
      },
      () => undefined, // it stays a plain field
    );
    return () => {
      gone = true;
      editor.current?.end();
    };
  }, []);
  useEffect(() => editor.current?.mark(wrong), [wrong, ready]);

  return (
    <div class="field">
      <span>
        {label} {note && <span class="faint">{note}</span>}
      </span>
      {!ready && (
        <textarea
          ref={plain}
          aria-label={label}
          rows={rows}
          spellcheck={false}
          value={value}
          placeholder={placeholder}
          aria-invalid={wrong}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
      <div ref={host} class={`code-editor ${wrong ? "wrong" : ""}`} hidden={!ready} style={{ height: `${rows * 19 + 18}px` }} />
    </div>
  );
}
