/** The views of the list of runs, with how many runs each has: beside the list, or as a menu where there is no room. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { get } from "../../api/client";
import type { RunsPage } from "../../api/types";
import type { View } from "../../api/views";
import { parseRuns, withToken } from "../../model/filter";
import { remembered } from "../../shell/settings";
import { Icon } from "../../ui/icon";
import { SavedViews } from "../../ui/saved_views";

export const rail = remembered<"beside" | "menu">("runs-rail", "beside");

const QUICK = [
  ["All", ""],
  ["Running", "running"],
  ["Waiting", "waiting"],
  ["Paused", "paused"],
  ["Failed", "failed"],
  ["Completed", "completed"],
] as const;

interface Props {
  text: string;
  status: string;
  /** How many there are by status; none where that is not known. */
  totals: Readonly<Record<string, number>>;
  /** Since when these began. */
  since: string;
  saved: readonly View[];
  onText: (text: string) => void;
  onManage: () => void;
}

export function Rail(props: Props) {
  return (
    <aside class="card rail" aria-label="Views">
      <header>
        <h2>Views</h2>
        <button type="button" class="quiet icon-only" aria-label="Put the views into a menu" title="Put the views into a menu" onClick={() => (rail.value = "menu")}>
          <Icon name="back" />
        </button>
      </header>
      <Lines {...props} />
    </aside>
  );
}

/** `beside`: whether there is room for the views beside the list. */
export function RailMenu({ beside, ...props }: Props & { beside: boolean }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (menu.current) menu.current.open = false;
  };
  return (
    <details
      ref={menu}
      class="rail-menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current?.open) return;
        event.stopPropagation();
        close();
        menu.current.querySelector("summary")?.focus();
      }}
      onFocusOut={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && close()}
    >
      <summary class="view">
        {nameOf(props)} <Icon name="down" size={12} />
      </summary>
      <div class="card rail" role="group" aria-label="Views" onClick={(event) => (event.target as Element).closest("button") && close()}>
        <Lines {...props} />
        {beside && (
          <button type="button" class="view" onClick={() => (rail.value = "beside")}>
            Keep beside the list
          </button>
        )}
      </div>
    </details>
  );
}

function Lines({ text, status, totals, since, saved, onText, onManage }: Props): ComponentChildren {
  return (
    <>
      {QUICK.map(([name, value]) => (
        <button key={name} type="button" class="view" aria-pressed={status === value} onClick={() => onText(withToken(text, "status", value))}>
          <span class="cut">{name}</span>
          {value && totals[value] ? <span class="count" title={`began since ${since}`}>{totals[value].toLocaleString("en")}</span> : null}
        </button>
      ))}
      <hr />
      <SavedViews saved={saved} text={text} onManage={onManage} count={countOf} />
    </>
  );
}

/** The view that is open, as its line calls it. */
function nameOf({ text, status, saved }: Props): string {
  const kept = saved.find((view) => view.filter === text)?.name;
  return kept ?? QUICK.find(([, value]) => value === status)?.[0] ?? "Views";
}

/** How many runs a kept filter chooses now. */
async function countOf(filter: string, signal: AbortSignal): Promise<string> {
  const { total, total_exact: exact } = await get<RunsPage>("/runs", { ...parseRuns(filter).query, limit: 1 }, signal);
  return `${total.toLocaleString("en")}${exact ? "" : "+"}`;
}
