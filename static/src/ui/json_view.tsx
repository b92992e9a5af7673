/** JSON to look through: exact numbers, folding, what is looked for in it, and the path of a value for the asking. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Path, leadsTo, offsetsOf, pieces, placesOf } from "../model/finding";
import { type Json, Num, pathText, preview, print } from "../model/json";
import { save } from "./download";
import { Finder } from "./finder";
import { Icon } from "./icon";
import { copy } from "./toast";

const OPEN_DEPTH = 3;
const CHILDREN_SHOWN = 100;
const LARGE_CHARS = 65_536;
/** Shorter ones are seen at a glance. */
const FOUND_IN_CHARS = 200;

/** What is looked for, and the place of the one that is shown. */
interface Hit {
  words: string;
  path: Path | undefined;
}

const NO_HIT: Hit = { words: "", path: undefined };

interface Props {
  value: Json;
  label: string;
  /** Where a value came from: each that has no members can be asked. */
  why?: (path: Path) => void;
}

export function JsonView({ value, label, why }: Props) {
  const [raw, setRaw] = useState(false);
  const text = useMemo(() => print(value, 2), [value]);
  const bytes = useMemo(() => print(value).length, [value]);
  const large = text.length > LARGE_CHARS;
  const plain = raw || large;
  const [words, setWords] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const wanted = words ?? "";
  const offsets = useMemo(() => (plain ? offsetsOf(text, wanted) : []), [plain, text, wanted]);
  const places = useMemo(() => (plain ? [] : placesOf(value, wanted)), [plain, value, wanted]);
  const found = offsets.length + places.length;
  const shown = Math.min(at, Math.max(0, found - 1));
  const look = (next: string | null): void => {
    setWords(next);
    setAt(0);
  };
  const opener = useRef<HTMLButtonElement>(null);
  const stop = (): void => {
    look(null);
    opener.current?.focus();
  };
  return (
    <div class="json">
      <div class="json-bar">
        <span class="faint small">{size(bytes)}</span>
        {text.length > FOUND_IN_CHARS && (
          <button ref={opener} type="button" class="quiet small" aria-pressed={words !== null} onClick={() => look(words === null ? "" : null)}>
            Find
          </button>
        )}
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
      {words !== null && <Finder label={`Find in ${label}`} words={words} onWords={look} found={found} at={shown} onAt={setAt} onClose={stop} />}
      <div class="json-body" tabIndex={0} role="region" aria-label={label}>
        {plain ? <Plain text={text} most={raw ? Infinity : LARGE_CHARS} at={offsets[shown]} long={wanted.length} /> : <Node value={value} path={[]} name={null} comma="" why={why} hit={wanted ? { words: wanted, path: places[shown] } : NO_HIT} />}
      </div>
    </div>
  );
}

/** The text as it is, of a long one a part: from its begin, or around what was found. */
function Plain({ text, most, at, long }: { text: string; most: number; at: number | undefined; long: number }) {
  const mark = useRef<HTMLElement>(null);
  useLayoutEffect(() => mark.current?.scrollIntoView({ block: "nearest" }), [at, long]);
  const begin = at === undefined || at + long <= most ? 0 : Math.max(0, at - most / 2);
  const end = Math.min(text.length, begin + most);
  return (
    <pre>
      {begin > 0 && "…\n"}
      {at === undefined ? (
        text.slice(begin, end)
      ) : (
        <>
          {text.slice(begin, at)}
          <mark ref={mark} class="of-hit">
            {text.slice(at, at + long)}
          </mark>
          {text.slice(at + long, end)}
        </>
      )}
      {end < text.length && "\n…"}
    </pre>
  );
}

/** A text with what is looked for marked in it. */
function Marked({ text, words }: { text: string; words: string }) {
  if (!words) return <>{text}</>;
  return <>{pieces(text, words).map((piece, index) => (index % 2 ? <mark key={index}>{piece}</mark> : piece))}</>;
}

function Node({ value, path, name, comma, why, hit }: { value: Json; path: Path; name: string | null; comma: string; why: Props["why"]; hit: Hit }) {
  const [open, setOpen] = useState(path.length < OPEN_DEPTH);
  const [shown, setShown] = useState(CHILDREN_SHOWN);
  const line = useRef<HTMLDivElement>(null);
  const onWay = hit.path !== undefined && leadsTo(path, hit.path);
  const isIt = onWay && hit.path?.length === path.length;
  // What is found is shown, however deep it is; then it may be folded again.
  useLayoutEffect(() => {
    if (isIt) line.current?.scrollIntoView({ block: "nearest" });
    else if (onWay && hit.path) {
      setOpen(true);
      const index = indexOf(value, hit.path[path.length]);
      if (index >= shown) setShown(index + CHILDREN_SHOWN);
    }
  }, [hit.path]);
  const key = name === null ? null : <Name name={name} path={path} words={hit.words} />;
  const lineOf = `json-line ${isIt ? "of-hit" : ""}`;
  if (!(value instanceof Map || Array.isArray(value)) || sizeOf(value) === 0) {
    return (
      <div class={lineOf} ref={line}>
        {key}
        <span class={`json-${kind(value)}`}>
          <Marked text={print(value)} words={hit.words} />
        </span>
        {comma}
        {why && (
          <button type="button" class="json-folded json-why" aria-label={`Why is ${pathText(path) || "it"} so?`} title="Go to the record that last wrote it" onClick={() => why(path)}>
            why?
          </button>
        )}
      </div>
    );
  }
  const [begin, end] = Array.isArray(value) ? "[]" : "{}";
  const entries: [string | number, Json][] = Array.isArray(value) ? value.map((item, index) => [index, item]) : [...value];
  return (
    <div class="json-node">
      <div class={lineOf} ref={line}>
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
              why={why}
              hit={hit}
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

/** How many members come before one. */
function indexOf(value: Json, member: string | number): number {
  return value instanceof Map ? [...value.keys()].indexOf(member as string) : (member as number);
}

function Name({ name, path, words }: { name: string; path: Path; words: string }) {
  return (
    <>
      <button type="button" class="json-key" title={`Copy the path ${pathText(path)}`} onClick={() => copy(pathText(path), "Path")}>
        <Marked text={JSON.stringify(name)} words={words} />
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
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return bytes < 1_073_741_824 ? `${(bytes / 1_048_576).toFixed(1)} MiB` : `${(bytes / 1_073_741_824).toFixed(1)} GiB`;
}
