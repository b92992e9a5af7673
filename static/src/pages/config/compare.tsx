/** The documents of several environments side by side: what the first has, and how the others differ from it. */
import { useState } from "preact/hooks";
import type { ConfigSummary } from "../../api/data";
import { ApiError, exactly, get, request, segment } from "../../api/client";
import { useResource } from "../../live/resource";
import { diff } from "../../model/diff";
import { type Json, at, equal } from "../../model/json";
import { choose, chosen, environment } from "../../shell/route";
import { Problem } from "../../ui/acting";
import { Skeleton } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { Empty, Failed } from "../../ui/states";

const DOCUMENTS_MAX = 200;
const AT_ONCE = 8;
const COMPARED_MAX = 6;

interface Held {
  name: string;
  documents: Map<string, { revision: number; data: Json }>;
  /** More documents than are compared. */
  more: boolean;
  problem: string;
}

export function Compare() {
  const made = useResource("environments", (signal) => get<{ name: string }[]>("/environments", {}, signal));
  const known = ["default", ...(made.data ?? []).map((one) => one.name)].filter((one, index, all) => all.indexOf(one) === index);
  const given = chosen("of").split(",").filter(Boolean);
  const names = given.length > 0 ? given : [environment.value, ...known.filter((one) => one !== environment.value)].slice(0, 3);
  const [adding, setAdding] = useState("");
  const [different, setDifferent] = useState(false);
  const settled = given.length > 0 || made.data !== undefined || made.error !== null;
  const told = useResource(`compare ${settled ? names.join(",") : ""}`, (signal) => (settled ? Promise.all(names.map((name) => held(name, signal))) : Promise.resolve([])));
  const set = (next: readonly string[]): void => choose({ of: next.join(",") });
  const all = told.data ?? [];
  const documents = [...new Set(all.flatMap((one) => [...one.documents.keys()]))].sort();
  const shown = different ? documents.filter((name) => all.some((one) => said(all[0], one, name) !== "same")) : documents;
  const open = chosen("name");

  return (
    <>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = adding.trim();
          if (wanted && !names.includes(wanted) && names.length < COMPARED_MAX) set([...names, wanted]);
          setAdding("");
        }}
      >
        <label class="field">
          Environment
          <input type="text" list="environments" placeholder="staging" value={adding} spellcheck={false} autocomplete="off" onInput={(event) => setAdding(event.currentTarget.value)} />
        </label>
        <datalist id="environments">
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <button type="submit" disabled={names.length >= COMPARED_MAX}>
          Compare it too
        </button>
        <label class="check">
          <input type="checkbox" checked={different} onChange={(event) => setDifferent(event.currentTarget.checked)} /> Only what differs
        </label>
      </form>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {all.length === 0 && !told.error && <Skeleton rows={6} />}
      {all.map((one) => (
        <Problem key={one.name} text={one.problem && `${one.name}: ${one.problem}`} />
      ))}
      {all.some((one) => one.more) && <p class="muted small">The first {DOCUMENTS_MAX} documents are compared.</p>}
      {all.length > 0 && documents.length === 0 && <Empty icon="settings" title="No document is in any of them" />}
      {documents.length > 0 && (
        <div class="card section matrix" tabIndex={0} role="region" aria-label="Documents by environment">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Document</th>
                {all.map((one, index) => (
                  <th key={one.name} scope="col">
                    {one.name}
                    {index > 0 && (
                      <button type="button" class="quiet icon-only" aria-label={`Compare ${one.name} no more`} onClick={() => set(names.filter((name) => name !== one.name))}>
                        <Icon name="cross" size={12} />
                      </button>
                    )}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((name) => (
                <tr key={name} class={name === open ? "current" : ""}>
                  <th scope="row">
                    <button type="button" class="link" aria-expanded={name === open} onClick={() => choose({ name: name === open ? null : name })}>
                      {name}
                    </button>
                  </th>
                  {all.map((one, index) => (
                    <td key={one.name}>
                      <Cell base={all[0]} of={one} name={name} first={index === 0} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {shown.length === 0 && <p class="muted pad">They are the same everywhere.</p>}
        </div>
      )}
      {open &&
        all.slice(1).map((one) => (
          <section key={one.name} class="card section">
            <h2>
              {open}: {all[0].name} → {one.name}
            </h2>
            <DiffView before={all[0].documents.get(open)?.data} after={one.documents.get(open)?.data} label={`${open} in ${one.name}`} />
          </section>
        ))}
    </>
  );
}

function Cell({ base, of, name, first }: { base: Held; of: Held; name: string; first: boolean }) {
  const document = of.documents.get(name);
  const how = said(base, of, name);
  if (!document) {
    return (
      <span class="status muted">
        <Icon name="circle" class="idle" /> not there
      </span>
    );
  }
  const revision = <span class="muted small">revision {document.revision}</span>;
  if (first) return revision;
  const lines = how === "differs" ? diff(base.documents.get(name)?.data, document.data).filter((line) => line.op !== " ").length : 0;
  return (
    <span class="status">
      <Icon name={how === "same" ? "check" : "diamond"} class={how === "same" ? "ok" : "edit"} />
      {how === "same" ? "the same" : how === "only" ? "only here" : `${lines} ${lines === 1 ? "line" : "lines"} differ`} {revision}
    </span>
  );
}

function said(base: Held, of: Held, name: string): "same" | "differs" | "missing" | "only" {
  const [before, after] = [base.documents.get(name), of.documents.get(name)];
  if (!after) return before ? "missing" : "same";
  if (!before) return "only";
  return equal(before.data, after.data) ? "same" : "differs";
}

/** All documents of an environment; what keeps us from reading it is said in their place. */
async function held(name: string, signal: AbortSignal): Promise<Held> {
  const found: Held = { name, documents: new Map(), more: false, problem: "" };
  try {
    const options = { environment: name, signal };
    const page = await request<{ configs: ConfigSummary[]; next_cursor?: string }>("GET", "/config", { ...options, query: { limit: DOCUMENTS_MAX } });
    found.more = page.next_cursor !== undefined;
    for (let start = 0; start < page.configs.length; start += AT_ONCE) {
      const part = page.configs.slice(start, start + AT_ONCE);
      const read = await Promise.all(part.map((one) => exactly("GET", `/config/${segment(one.name)}`, options)));
      part.forEach((one, index) => found.documents.set(one.name, { revision: one.revision, data: at(read[index], "data") ?? null }));
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    found.problem = error.message;
  }
  return found;
}
