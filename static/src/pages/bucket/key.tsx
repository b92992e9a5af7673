/** One key: its value, every revision with what changed, and bringing one back. A change expects the revision that is shown. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may } from "../../api/session";
import type { KeyRevision } from "../../api/data";
import { usePaged } from "../../live/paged";
import { fromBase64, read } from "../../model/bytes";
import { numbered } from "../../model/listed";
import { useKeys } from "../../shell/keys";
import { Skeleton, Time } from "../../ui/basics";
import { Act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { size } from "../../ui/json_view";
import { Left } from "../../ui/left";
import { Revisions } from "../../ui/revisions";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Failed } from "../../ui/states";
import { toast } from "../../ui/toast";
import { LIVE, WRITE } from "./page";
import { type Begun, PutValue, at } from "./put";
import { ValueView } from "./value";

const LIMIT = 100;
const EDITED_MAX = 256 * 1_024;

interface Props {
  base: string;
  bucket: string;
  of: string;
  onClose: () => void;
  onChange: () => void;
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
    LIVE,
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
    if (!there || !bytes) return;
    if (bytes.length > EDITED_MAX) toast(`More than ${size(EDITED_MAX)} cannot be edited here: put it with the command line`, true);
    else setBegun({ key, bytes, revision: newest.revision });
  };
  const barred = lacks(WRITE) || (there ? "" : newest ? "it is gone: its revisions can be restored" : "it is being fetched");
  useKeys("Key", [
    { keys: "e", label: "Edit the value", barred, run: edit },
    { keys: "h", label: "To its revisions", run: () => document.getElementById("revisions")?.scrollIntoView() },
    { keys: "D", label: "Delete the key", barred, run: () => setAsking("delete") },
  ]);
  return (
    <Side title={key} under={<span class="muted">in {bucket}</span>} onClose={onClose}>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!revisions && !told.error && <Skeleton rows={6} of={told} />}
      {newest && (
        <>
          <Facts
            of={[
              ["Revision", <span class="tabular">{newest.revision}</span>],
              ["Position", <EntryLink position={newest.position} />],
              ["Changed", <Time at={newest.created_at} />],
              newest.actor && ["By", <Actor id={newest.actor} />],
              there && newest.expires_at && ["Gone in", <Left until={newest.expires_at} />],
              bytes && value && ["Kind", `${value.kind}, ${size(bytes.length)}`],
            ]}
          />
          <p class="buttons pad-x">
            <Act barred={barred} permission={WRITE} label="Edit…" onClick={edit} />
            <Act barred={barred} permission={WRITE} label="Delete…" onClick={() => setAsking("delete")} />
          </p>
          {!there && <p class="muted pad">It is gone: {newest.operation}.</p>}
          {bytes && <ValueView bytes={bytes} label={key} />}
          <h3 class="pad-x" id="revisions">
            Revisions
          </h3>
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
            restore={(revision, now) => {
              const found = revisions?.find((one) => one.revision === revision.number);
              return request("PUT", at(base, "keys", key), { bytes: fromBase64(found?.value ?? ""), ...(there ? { ifMatch: now } : { ifAbsent: true }) });
            }}
            look={told.reload}
            onDone={changed}
          />
        </>
      )}
      {begun && <PutValue base={base} of={begun} onClose={() => setBegun(null)} onDone={changed} />}
      {asking === "delete" && newest && (
        <Ask title={`Delete ${key}`} verb="Delete" done="Deleted" danger seen={{ version: newest.revision, value: value?.value }} look={told.reload} run={(_, version) => request("DELETE", at(base, "keys", key), { ifMatch: version })} onClose={() => setAsking("")} onDone={changed}>
          <p>Its revisions stay, and can be restored.</p>
        </Ask>
      )}
    </Side>
  );
}
