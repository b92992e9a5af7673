/** One key: its value, every revision with what changed, and bringing one back. A change expects the revision that is shown. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may } from "../../api/session";
import type { KeyRevision } from "../../api/data";
import { usePaged } from "../../live/paged";
import { fromBase64, read } from "../../model/bytes";
import { print } from "../../model/json";
import { numbered } from "../../model/listed";
import { useKeys } from "../../shell/keys";
import { Skeleton, Time } from "../../ui/basics";
import { Act, Ask, Field, needs } from "../../ui/acting";
import { JsonView, size } from "../../ui/json_view";
import { Revisions } from "../../ui/revisions";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Failed } from "../../ui/states";
import { WRITE } from "./page";

const EVERY_MS = 3_000;
const LIMIT = 100;

interface Props {
  base: string;
  bucket: string;
  of: string;
  onClose: () => void;
  onChange: () => void;
}

/** A key's path keeps its slashes: they are part of it. */
function at(base: string, what: "keys" | "history", key: string): string {
  return `${base}/${what}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

export function KeySide({ base, bucket, of: key, onClose, onChange }: Props) {
  const [asking, setAsking] = useState<"" | "delete">("");
  const [begun, setBegun] = useState<Begun | null>(null);
  const allowed = may(WRITE);
  const told = usePaged(
    `key ${bucket} ${key}`,
    async (before, signal) => {
      const page = await get<{ revisions: KeyRevision[] }>(at(base, "history", key), { limit: LIMIT, before }, signal);
      return numbered(page.revisions, LIMIT, (one) => one.revision);
    },
    { every: EVERY_MS },
  );
  const revisions = told.items;
  const newest = revisions?.[0];
  const there = newest?.operation === "put";
  const bytes = newest && there ? fromBase64(newest.value) : undefined;
  const value = bytes && read(bytes);
  const changed = (): void => {
    told.reload();
    onChange();
  };
  const edit = (): void => {
    if (!allowed) return needs(WRITE);
    if (!there || !value) return;
    setBegun({ key, text: value.kind === "json" ? print(value.value, 2) : value.kind === "text" ? String(value.value) : "", revision: newest.revision });
  };
  useKeys("Key", [
    { keys: "e", label: "Edit the value", run: edit },
    { keys: "D", label: "Delete the key", run: () => (allowed ? there && setAsking("delete") : needs(WRITE)) },
  ]);
  return (
    <Side title={key} under={<span class="muted">in {bucket}</span>} onClose={onClose}>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!revisions && !told.error && <Skeleton rows={6} />}
      {newest && (
        <>
          <Facts
            of={[
              ["Revision", <span class="tabular">{newest.revision}</span>],
              ["Position", <EntryLink position={newest.position} />],
              ["Changed", <Time at={newest.created_at} />],
              newest.actor && ["By", newest.actor],
              newest.expires_at && ["Gone", <Time at={newest.expires_at} />],
              bytes && value && ["Kind", `${value.kind}, ${size(bytes.length)}`],
            ]}
          />
          <p class="buttons pad-x">
            <Act allowed={allowed && there} permission={WRITE} label="Edit…" onClick={edit} />
            <Act allowed={allowed && there} permission={WRITE} label="Delete…" onClick={() => setAsking("delete")} />
          </p>
          {!there && <p class="muted pad">It is gone: {newest.operation}.</p>}
          {value?.kind === "json" && <JsonView value={value.value} label={key} />}
          {value && value.kind !== "json" && (
            <pre class="stack" tabIndex={0} role="region" aria-label={key}>
              {String(value.value)}
            </pre>
          )}
          <h3 class="pad-x">Revisions</h3>
          <Revisions
            label={key}
            more={told}
            of={(revisions ?? []).map((one) => ({
              number: one.revision,
              what: one.operation,
              at: one.created_at,
              actor: one.actor,
              value: one.operation === "put" ? read(fromBase64(one.value)).value : undefined,
            }))}
            allowed={allowed}
            permission={WRITE}
            restore={(revision) => {
              const found = revisions?.find((one) => one.revision === revision.number);
              return request("PUT", at(base, "keys", key), { bytes: fromBase64(found?.value ?? ""), ...(there ? { ifMatch: newest.revision } : { ifAbsent: true }) });
            }}
            onDone={changed}
          />
        </>
      )}
      {begun && <PutValue base={base} of={begun} onClose={() => setBegun(null)} onDone={changed} />}
      {asking === "delete" && newest && (
        <Ask title={`Delete ${key}`} verb="Delete" done="Deleted" danger run={() => request("DELETE", at(base, "keys", key), { ifMatch: newest.revision })} onClose={() => setAsking("")} onDone={changed}>
          <p>Its revisions stay, and can be restored.</p>
        </Ask>
      )}
    </Side>
  );
}

/** A value as it was when its form opened: a change of another one is refused. */
interface Begun {
  key: string;
  text: string;
  revision: number;
}

export function PutValue({ base, of, onClose, onDone }: { base: string; of?: Begun; onClose: () => void; onDone: () => void }) {
  const [key, setKey] = useState(of?.key ?? "");
  const [text, setText] = useState(of?.text ?? "");
  const condition = of ? { ifMatch: of.revision } : { ifAbsent: true };
  return (
    <Ask
      title={of ? `Edit ${of.key}` : "Put a value"}
      verb="Put"
      done={of ? "Put, as a new revision" : "Put"}
      run={() => request("PUT", at(base, "keys", key), { bytes: new TextEncoder().encode(text), ...condition })}
      onClose={onClose}
      onDone={onDone}
    >
      <p class="muted">{of ? "If somebody has changed it meanwhile, this is refused." : "If the key is there already, this is refused: edit it instead."}</p>
      {!of && <Field label="Key" value={key} onValue={setKey} required placeholder="user.7" />}
      <Field label="Value" note="text, as it is" value={text} onValue={setText} rows={10} />
    </Ask>
  );
}
