/** Configuration documents: each as it is, as it was, and how it became that. */
import { useState } from "preact/hooks";
import { ApiError, exact, get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { ConfigRevision, ConfigSummary } from "../../api/data";
import { useLast } from "../../live/last";
import { usePaged } from "../../live/paged";
import { type Json, at, objects, print, readable } from "../../model/json";
import { numbered } from "../../model/listed";
import { membersOf, patched, removed } from "../../model/patch";
import { useKeys } from "../../shell/keys";
import { Skeleton, Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { Browse } from "../../ui/browse";
import { Conflict } from "../../ui/conflict";
import { DiffView } from "../../ui/diff_view";
import { JsonEditor } from "../../ui/json_editor";
import { JsonView } from "../../ui/json_view";
import { Revisions } from "../../ui/revisions";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { Kinds } from "./kinds";
import { DocumentReaders } from "./readers";

const EVERY_MS = 4_000;
const LIMIT = 200;
const REVISIONS = 100;
const WRITE = "config:write";

export function Documents() {
  const [making, setMaking] = useState(false);
  const documents = usePaged(
    "config",
    async (cursor, signal) => {
      const page = await get<{ configs: ConfigSummary[]; next_cursor?: string }>("/config", { limit: LIMIT, cursor }, signal);
      return { items: page.configs, next: page.next_cursor ?? "" };
    },
    { every: EVERY_MS },
  );
  return (
    <>
      <p class="buttons">
        <Act allowed={may(WRITE)} permission={WRITE} label="New document…" onClick={() => setMaking(true)} />
      </p>
      <Browse
        label="Documents"
        noun="document"
        sideKeys={{ e: "Edit the document", D: "Delete the document" }}
        param="name"
        resource={documents}
        items={documents.items}
        more={documents}
        id={(one) => one.name}
        copies="Name"
        keys={[{ keys: "n", label: "New document", barred: lacks(WRITE), run: () => setMaking(true) }]}
        columns={[
          { name: "Document", width: "minmax(140px, 1.6fr)", show: (one) => one.name },
          { name: "Revision", width: "90px", show: (one) => <span class="tabular">{one.revision}</span> },
          { name: "Changed", width: "120px", show: (one) => <Time at={one.updatedAt} /> },
        ]}
        empty={
          <Empty icon="settings" title="No document is here">
            <p class="muted">A document is what a person sets and functions read.</p>
            <Kinds />
            <Command text={`ironflow config set shop '{"theme": "dark"}'`} />
          </Empty>
        }
        side={(one, close) => <Document key={one.name} of={one} onClose={close} onChange={documents.reload} />}
      />
      {making && <Write onClose={() => setMaking(false)} onDone={documents.reload} />}
    </>
  );
}

function Document({ of, onClose, onChange }: { of: ConfigSummary; onClose: () => void; onChange: () => void }) {
  const [asking, setAsking] = useState<"" | "delete">("");
  const [begun, setBegun] = useState<Begun | null>(null);
  const path = `/config/${segment(of.name)}`;
  const allowed = may(WRITE);
  const told = usePaged(`config ${of.name} ${of.revision}`, async (before, signal) => {
    const page = await exact(`${path}/history`, { limit: REVISIONS, before }, signal);
    return numbered(objects<ConfigRevision>(at(page, "revisions"), "data"), REVISIONS, (one) => one.revision);
  });
  const items = useLast(told.items);
  const newest = items?.[0];
  const edit = (): void => {
    if (newest) setBegun({ name: of.name, data: newest.data, revision: newest.revision });
  };
  const barred = lacks(WRITE) || (newest ? "" : "it is being fetched");
  useKeys("Document", [
    { keys: "e", label: "Edit the document", barred, run: edit },
    { keys: "D", label: "Delete the document", barred, run: () => setAsking("delete") },
  ]);
  return (
    <Side title={of.name} under={<span class="muted">revision {of.revision}</span>} onClose={onClose}>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!items && !told.error && <Skeleton rows={6} of={told} />}
      {newest && (
        <>
          <Facts of={[["Position", <EntryLink position={newest.position} />], ["Changed", <Time at={newest.updatedAt} />], newest.actor && ["By", <Actor id={newest.actor} />]]} />
          <p class="buttons pad-x">
            <Act allowed={allowed} permission={WRITE} label="Edit…" onClick={edit} />
            <Act allowed={allowed} permission={WRITE} label="Delete…" onClick={() => setAsking("delete")} />
          </p>
          <JsonView value={newest.data} label={of.name} />
          <h3 class="pad-x">Revisions</h3>
          <Revisions
            label={of.name}
            more={told}
            of={(items ?? []).map((one) => ({
              number: one.revision,
              what: one.restored_from ? `restored from ${one.restored_from}` : one.operation,
              at: one.updatedAt,
              actor: one.actor,
              value: one.operation === "delete" ? undefined : one.data,
            }))}
            allowed={allowed}
            permission={WRITE}
            restore={(revision, now) => request("POST", `${path}/restore`, { body: { revision: revision.number }, ifMatch: now })}
            look={told.reload}
            onDone={onChange}
          />
          <DocumentReaders name={of.name} />
        </>
      )}
      {begun && <Write of={begun} onClose={() => setBegun(null)} onDone={onChange} />}
      {asking === "delete" && newest && (
        <Ask title={`Delete ${of.name}`} verb="Delete" done="Deleted" danger typed={of.name} seen={{ version: newest.revision, value: newest.operation === "delete" ? undefined : newest.data }} look={told.reload} run={(_, version) => request("DELETE", path, { ifMatch: version })} onClose={() => setAsking("")} onDone={onChange}>
          <p>Functions that read it find nothing from then on. Its revisions stay in history.</p>
        </Ask>
      )}
    </Side>
  );
}

interface Begun {
  name: string;
  data: Json;
  revision: number;
}

/** The document is edited as it was when the form opened; if another revision is there when it is saved, that is shown
 * beside it, and the form goes on from there. */
function Write({ of, onClose, onDone }: { of?: Begun; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(of?.name ?? "");
  const [text, setText] = useState(of ? print(of.data, 2) : "{}");
  const [now, setNow] = useState(of);
  const [merging, setMerging] = useState(false);
  /** A text that was not typed is shown by another editor: each keeps its own. */
  const [edition, setEdition] = useState(0);
  const read = readable(text);
  const object = typeof read !== "string" && read.value instanceof Map;
  const nothing = merging && object && (read.value as Map<string, Json>).size === 0 ? "Name at least one member" : "";
  const wrong = typeof read === "string" ? read : object ? nothing : "A document is an object: { … }";
  const json = typeof read === "string" ? "" : print(read.value);
  const base = now?.data instanceof Map ? now.data : new Map<string, Json>();
  const given = typeof read !== "string" && read.value instanceof Map ? read.value : undefined;
  const after = given && merging ? patched(base, given) : given;
  const gone = given && !merging ? removed(base, given) : [];
  /** The text goes along: what was changed so far is kept, as far as the other way can. */
  function turn(next: boolean): void {
    if (given && next !== merging) show(next ? membersOf(base, given) : patched(base, given));
    setMerging(next);
  }
  function show(value: Json): void {
    setText(print(value, 2));
    setEdition(edition + 1);
  }
  async function save(): Promise<void> {
    if (merging) return void (await request("PATCH", `/config/${segment(name)}`, { json }));
    try {
      await request("POST", `/config/${segment(name)}`, { json, ...(now ? { ifMatch: now.revision } : { ifAbsent: true }) });
    } catch (error) {
      if (of && error instanceof ApiError && error.status === 412) setNow(await newestOf(of.name));
      throw error;
    }
  }
  const overtaken = of !== undefined && now !== undefined && now.revision !== of.revision;
  return (
    <Ask title={of ? `Edit ${of.name}` : "New document"} verb="Save" done="Saved, as a new revision" wide={of !== undefined} wrong={wrong} run={save} onClose={onClose} onDone={onDone}>
      {!of && <Field label="Name" value={name} onValue={setName} required placeholder="shop" />}
      {overtaken && !merging && (
        <Conflict
          base={of.data}
          theirs={now.data}
          ours={typeof read === "string" ? undefined : read.value}
          what={`Somebody saved revision ${now.revision} meanwhile.`}
          onTake={show}
        />
      )}
      <div class={of ? "edit-grid" : ""}>
        <JsonEditor key={edition} label={merging ? "Members" : "Document"} rows={12} value={text} wrong={wrong !== ""} onValue={setText} />
        {now && after && (
          <div class="field">
            {overtaken ? "What changes of theirs" : "What changes"}
            <DiffView before={now.data} after={after} label="What changes" />
          </div>
        )}
      </div>
      {gone.length > 0 && of && (
        <p class="small">
          Removed: <code>{gone.join(", ")}</code>
        </p>
      )}
      {of && (
        <fieldset class="choices one-by-one">
          <legend>How it is saved</legend>
          <label class="check">
            <input type="radio" name="how" checked={!merging} onChange={() => turn(false)} /> Replace the document
            <span class="muted small"> it becomes what stands here; refused if somebody saved meanwhile</span>
          </label>
          <label class="check">
            <input type="radio" name="how" checked={merging} onChange={() => turn(true)} /> Merge members into it
            <span class="muted small"> those that stand here are replaced whole, all others stay as they are by then; none is removed</span>
          </label>
        </fieldset>
      )}
    </Ask>
  );
}

/** The document as it is now; undefined if it is gone. */
async function newestOf(name: string): Promise<Begun | undefined> {
  const [newest] = objects<ConfigRevision>(at(await exact(`/config/${segment(name)}/history`, { limit: 1 }), "revisions"), "data");
  return newest && newest.operation !== "delete" ? { name, data: newest.data, revision: newest.revision } : undefined;
}
