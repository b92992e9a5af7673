/** JSON to look through: exact numbers, folding, and the path of a value for the asking. */
import { useState } from "preact/hooks";
import { type Json, Num, pathText, preview, print } from "../model/json";
import { save } from "./download";
import { Icon } from "./icon";
import { copy } from "./toast";

type Path = readonly (string | number)[];

const OPEN_DEPTH = 3;
const CHILDREN_SHOWN = 100;
const LARGE_CHARS = 65_536;

export function JsonView({ value, label }: { value: Json; label: string }) {
  const [raw, setRaw] = useState(false);
  const text = print(value, 2);
  const large = text.length > LARGE_CHARS;
  return (
    <div class="json">
      <div class="json-bar">
        <span class="faint small">{size(print(value).length)}</span>
        <button type="button" class="quiet small" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          Raw
        </button>
        <button type="button" class="quiet small" onClick={() => copy(text, label)}>
          Copy
        </button>
        {large && (
          <button type="button" class="quiet small" onClick={() => save(new Blob([text], { type: "application/json" }), `${label.replace(/[^\w.-]+/g, "-")}.json`)}>
            Download
          </button>
        )}
      </div>
      <div class="json-body" tabIndex={0} role="region" aria-label={label}>
        {raw || large ? <pre>{large && !raw ? `${text.slice(0, LARGE_CHARS)}\n…` : text}</pre> : <Node value={value} path={[]} name={null} comma="" />}
      </div>
    </div>
  );
}

function Node({ value, path, name, comma }: { value: Json; path: Path; name: string | null; comma: string }) {
  const [open, setOpen] = useState(path.length < OPEN_DEPTH);
  const [shown, setShown] = useState(CHILDREN_SHOWN);
  const key = name === null ? null : <Name name={name} path={path} />;
  if (!(value instanceof Map || Array.isArray(value)) || sizeOf(value) === 0) {
    return (
      <div class="json-line">
        {key}
        <span class={`json-${kind(value)}`}>{print(value)}</span>
        {comma}
      </div>
    );
  }
  const [begin, end] = Array.isArray(value) ? "[]" : "{}";
  const entries: [string | number, Json][] = Array.isArray(value) ? value.map((item, index) => [index, item]) : [...value];
  return (
    <div class="json-node">
      <div class="json-line">
        <button type="button" class="fold" aria-expanded={open} aria-label={open ? "Fold" : "Unfold"} onClick={() => setOpen(!open)}>
          <Icon name={open ? "down" : "forward"} size={12} />
        </button>
        {key}
        {begin}
        {!open && (
          <button type="button" class="json-folded" onClick={() => setOpen(true)}>
            {Array.isArray(value) ? `${entries.length} items` : preview(value, 60)}
          </button>
        )}
        {!open && `${end}${comma}`}
      </div>
      {open && (
        <div class="json-children">
          {entries.slice(0, shown).map(([child, item], index) => (
            <Node
              key={child}
              value={item}
              path={[...path, child]}
              name={typeof child === "string" ? child : null}
              comma={index < entries.length - 1 ? "," : ""}
            />
          ))}
          {entries.length > shown && (
            <button type="button" class="json-folded" onClick={() => setShown(shown + 1_000)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
      {open && (
        <div class="json-line">
          {end}
          {comma}
        </div>
      )}
    </div>
  );
}

function Name({ name, path }: { name: string; path: Path }) {
  return (
    <>
      <button type="button" class="json-key" title={`Copy the path ${pathText(path)}`} onClick={() => copy(pathText(path), "Path")}>
        {JSON.stringify(name)}
      </button>
      {": "}
    </>
  );
}

function kind(value: Json): string {
  if (value instanceof Num) return "number";
  if (value === null) return "null";
  return typeof value;
}

function sizeOf(value: Json[] | Map<string, Json>): number {
  return Array.isArray(value) ? value.length : value.size;
}

export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
