/** Putting a value: as JSON, as text or byte for byte. One that somebody else put meanwhile is shown beside it. */
import { useState } from "preact/hooks";
import { ApiError, get, request } from "../../api/client";
import type { KeyRevision } from "../../api/data";
import { type Mode, comparable, fromBase64, modesOf, taken, turned, written } from "../../model/bytes";
import { type Json, print } from "../../model/json";
import { Field } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Conflict } from "../../ui/conflict";
import { DiffView } from "../../ui/diff_view";
import { JsonEditor } from "../../ui/json_editor";
import { Modes, NAMES } from "./value";

const VERB = "Put";
const MODES: Mode[] = ["json", "text", "hex"];

/** A value as it was when its form opened: a change of another one is refused. */
export interface Begun {
  key: string;
  bytes: Uint8Array<ArrayBuffer>;
  revision: number;
}

/** A key's path keeps its slashes: they are part of it. */
export function at(base: string, what: "keys" | "history", key: string): string {
  return `${base}/${what}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

interface Props {
  base: string;
  of?: Begun;
  /** What a new key begins with. */
  under?: string;
  onClose: () => void;
  onDone: () => void;
}

export function PutValue({ base, of, under = "", onClose, onDone }: Props) {
  const first = of ? modesOf(of.bytes)[0] : "json";
  const [key, setKey] = useState(of?.key ?? under);
  const [mode, setMode] = useState<Mode>(first);
  const [text, setText] = useState(of ? (written(of.bytes, first) ?? "") : "{}");
  const [stays, setStays] = useState("");
  const [now, setNow] = useState(of);
  const [stuck, setStuck] = useState("");
  /** A text that was not typed is shown by another editor: each keeps its own. */
  const [edition, setEdition] = useState(0);
  const bytes = taken(text, mode);
  const astray = key.split("/").some((part) => part === "." || part === "..") ? "A key has no . or .. between slashes: it would lead to another one" : "";
  const wrong = astray || (typeof bytes === "string" ? bytes : "");
  const overtaken = of !== undefined && now?.revision !== of.revision;

  function show(next: Mode): void {
    const there = turned(text, mode, next);
    setStuck(there === undefined ? `This cannot be shown as ${NAMES[next]}` : "");
    if (there === undefined) return;
    setMode(next);
    setText(there);
  }
  function take(value: Json): void {
    setEdition(edition + 1);
    setText(mode === "json" ? print(value, 2) : Array.isArray(value) ? value.join("\n") : String(value));
  }
  async function put(): Promise<void> {
    if (typeof bytes === "string") return;
    const condition = of ? (now ? { ifMatch: now.revision } : { ifAbsent: true }) : { ifAbsent: true };
    try {
      await request("PUT", at(base, "keys", key), { bytes, query: stays ? { ttl: stays } : {}, ...condition });
    } catch (error) {
      if (of && error instanceof ApiError && error.status === 412) setNow(await newestOf(base, of.key));
      throw error;
    }
  }
  return (
    <Ask title={of ? `Edit ${of.key}` : "Put a value"} verb={VERB} done={of ? "Put, as a new revision" : "Put"} wide={of !== undefined} wrong={wrong || stuck} run={put} onClose={onClose} onDone={onDone}>
      <p class="muted">{of ? "If somebody has changed it meanwhile, this is refused, and what they put is shown." : "If the key is there already, this is refused: edit it instead."}</p>
      {!of && <Field label="Key" value={key} onValue={setKey} required placeholder="user.7" />}
      {of && overtaken && !now && <p role="alert">Somebody deleted it meanwhile. Put makes it anew.</p>}
      {of && overtaken && now && (
        <Conflict
          base={comparable(of.bytes, mode)}
          theirs={comparable(now.bytes, mode)}
          ours={typeof bytes === "string" ? undefined : comparable(bytes, mode)}
          what={`Somebody put revision ${now.revision} meanwhile.`}
          verb={VERB}
          onTake={take}
        />
      )}
      <p class="buttons">
        <Modes of={MODES} mode={mode} onMode={show} />
        <span class="muted small">{typeof bytes === "string" ? "" : `${bytes.length.toLocaleString("en")} bytes${mode === "json" ? ", put as it stands here" : ""}`}</span>
      </p>
      <div class={of ? "edit-grid" : ""}>
        {mode === "json" ? (
          <JsonEditor key={edition} label="Value" rows={12} value={text} wrong={wrong !== ""} onValue={edit} />
        ) : (
          <Field label="Value" note={mode === "hex" ? "two digits for each byte; spaces and lines do not count" : "text, as it is"} value={text} onValue={edit} rows={12} wrong={wrong !== ""} />
        )}
        {now && typeof bytes !== "string" && (
          <div class="field">
            {overtaken ? "What changes of theirs" : "What changes"}
            <DiffView before={comparable(now.bytes, mode)} after={comparable(bytes, mode)} label="What changes" />
          </div>
        )}
      </div>
      <Field label="How long it stays" note="such as 30s or 2h; empty: as the bucket says" value={stays} onValue={setStays} />
    </Ask>
  );

  function edit(next: string): void {
    setText(next);
    setStuck("");
  }
}

/** The value as it is now; undefined if it is gone. */
async function newestOf(base: string, key: string): Promise<Begun | undefined> {
  const { revisions } = await get<{ revisions: KeyRevision[] }>(at(base, "history", key), { limit: 1 });
  const newest = revisions[0];
  return newest?.operation === "put" ? { key, bytes: fromBase64(newest.value), revision: newest.revision } : undefined;
}
