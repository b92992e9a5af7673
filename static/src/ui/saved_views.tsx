/** Filters of a list that are kept under a name: lines beside the list, and a dialog to keep and to forget them. */
import { useState } from "preact/hooks";
import { may } from "../api/session";
import { type View, forgetView, saveView, views } from "../api/views";
import { who } from "../live/names";
import { type Resource, useResource } from "../live/resource";
import { choose, environment } from "../shell/route";
import { Act, type Undo, act } from "./acting";
import { Actor } from "./actor";
import { Dialog } from "./dialog";

/** Of more than these the others are in the dialog: each is counted once a minute. */
const SHOWN_MAX = 12;
const COUNTED_EVERY_MS = 60_000;
/** What it takes to forget a view of somebody else. */
const OF_OTHERS = "environments:manage";

/** How many a filter chooses, as it is shown. */
export type Counting = (filter: string, signal: AbortSignal) => Promise<string>;

export function useViews(page: string): Resource<View[]> {
  return useResource(`views ${page} ${environment.value}`, (signal) => views(page, signal));
}

/** Lines of the first of them, with how many they choose, counted once a minute, and one that opens the dialog. */
export function SavedViews({ saved, text, onManage, count }: { saved: readonly View[]; text: string; onManage: () => void; count: Counting }) {
  const shown = saved.slice(0, SHOWN_MAX);
  const filters = [...new Set(shown.map((view) => view.filter))];
  const counts = useResource(
    `counts ${environment.value} ${JSON.stringify(filters)}`,
    async (signal) => new Map(await Promise.all(filters.map(async (filter) => [filter, await count(filter, signal)] as const))),
    { every: COUNTED_EVERY_MS },
  );
  return (
    <>
      {shown.map((view) => (
        <button
          key={`${view.owner} ${view.name}`}
          type="button"
          class="view saved"
          aria-pressed={view.filter === text}
          title={`${view.filter}${view.own ? "" : `, shared by ${who(view.owner) || "somebody"}`}`}
          onClick={() => choose({ q: view.filter === text ? "" : view.filter, at: null })}
        >
          <span class="cut">{view.name}</span>
          {counts.data?.get(view.filter) && <span class="count">{counts.data.get(view.filter)}</span>}
        </button>
      ))}
      <button type="button" class="view" onClick={onManage} title="Keep this filter, or forget one (v)">
        {saved.length > SHOWN_MAX ? `${saved.length - SHOWN_MAX} more…` : text && !saved.some((view) => view.filter === text) ? "Keep this filter…" : "Manage…"}
      </button>
    </>
  );
}

export function ManageViews({ page, text, saved, onClose, onChange }: { page: string; text: string; saved: readonly View[]; onClose: () => void; onChange: () => void }) {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const keep = async (): Promise<void> => {
    const before = saved.find((view) => view.own && view.name === name.trim());
    const undo: Undo<View> = before
      ? { run: () => saveView(page, before.name, before.filter, before.shared), done: `${before.name} is what it was`, then: onChange }
      : { run: (view) => forgetView(page, view), done: `${name.trim()} is forgotten`, then: onChange };
    if (!(await act(saveView(page, name.trim(), text, shared), `Kept as ${name.trim()}`, undo))) return;
    setName("");
    onChange();
  };
  const forget = async (view: View): Promise<void> => {
    // What somebody else kept could only come back as one's own.
    const undo = view.own ? { run: () => saveView(page, view.name, view.filter, view.shared), done: `Kept as ${view.name}`, then: onChange } : undefined;
    if (await act(forgetView(page, view), `${view.name} is forgotten`, undo)) onChange();
  };
  return (
    <Dialog title="Views" onClose={onClose}>
      {text ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void keep();
          }}
        >
          <p>
            Keep <code>{text}</code>
          </p>
          <label class="field">
            Name <input value={name} required maxLength={80} pattern="[^\/]+" autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <label class="check">
            <input type="checkbox" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
            Everybody in the environment {environment.value} sees it
          </label>
          <div class="buttons end">
            <button type="submit" class="primary" disabled={name.trim() === ""}>
              Keep it
            </button>
          </div>
        </form>
      ) : (
        <p class="muted">Filter the list, then keep the filter here.</p>
      )}
      {saved.length > 0 && (
        <ul class="kept-views">
          {saved.map((view) => (
            <li key={`${view.owner} ${view.name}`}>
              <button
                type="button"
                class="link"
                onClick={() => {
                  choose({ q: view.filter, at: null });
                  onClose();
                }}
              >
                {view.name}
              </button>
              <code class="cut">{view.filter}</code>
              <span class="faint small">{view.own ? (view.shared ? "yours, shared" : "yours") : <>by <Actor id={view.owner} none="somebody" /></>}</span>
              <Act class="quiet icon-only" icon="cross" label="" spoken={`Forget ${view.name}`} allowed={view.own || may(OF_OTHERS)} permission={OF_OTHERS} onClick={() => void forget(view)} />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
