/** The list of runs as a table: a row each, with the columns that were chosen and fit. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { RunSummary } from "../../api/types";
import type { List } from "../../live/list";
import type { Sort } from "../../model/filter";
import { farOf, marksOf } from "../../model/marks";
import { RUN_COLUMN_NAMES, type Fitting, type RunColumn, fitting, runColumnsShown } from "../../model/run_columns";
import { sortedNext, sortsOf } from "../../model/run_sorting";
import { isEnded } from "../../model/status";
import { environment, link, navigate } from "../../shell/route";
import { Duration, Id, Status, Time, short } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Rows } from "../../ui/rows";
import { useWidth } from "../../ui/view";
import { runColumns } from "./columns";

const ROW = 36;

interface Props {
  list: List<RunSummary>;
  cursor: number;
  /** The run that is looked at beside the list; "" for none. */
  peeked: string;
  sort: Sort;
  /** Whether the runs are those of one function. */
  ofOne: boolean;
  /** Ids that are chosen, or all. */
  picked: ReadonlySet<string>;
  all: boolean;
  onTop: (atTop: boolean) => void;
  onPick: (index: number, range: boolean) => void;
  onPickLoaded: () => void;
  /** Told where the focus goes to: keys are for that row then. */
  onCursor: (index: number) => void;
  onTag: (tag: string) => void;
  onSort: (sort: Sort) => void;
}

export function RunTable({ list, cursor, peeked, sort, ofOne, picked, all, onTop, onPick, onPickLoaded, onCursor, onTag, onSort }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const width = useWidth(element);
  const fit = fitting(runColumnsShown(runColumns.value), width);
  const some = all || picked.size > 0;
  return (
    <div ref={element} class={`table runs-table ${fit.small ? "small-rows" : ""}`} role="table" aria-label="Runs" aria-rowcount={list.exact ? list.total + 1 : -1} style={{ "--tracks": fit.template }}>
      <div class="table-head" role="rowgroup">
        <div class="run-row" role="row">
          <span role="columnheader" class="pick">
            <input type="checkbox" aria-label="Choose all that are loaded" checked={some} indeterminate={some && !all && picked.size < list.rows.length} onChange={onPickLoaded} />
          </span>
          {fit.columns.map((one) => (
            <Head key={one} column={one} sort={sort} ofOne={ofOne} small={fit.small} onSort={onSort} />
          ))}
        </div>
      </div>
      <Rows
        count={list.rows.length}
        height={ROW}
        label="Runs"
        cursor={cursor}
        onEnd={list.next}
        onTop={onTop}
        row={(index) => (
          <RunRow
            run={list.rows[index]}
            index={index}
            fit={fit}
            begins={sort === "status" && list.rows[index - 1]?.status !== list.rows[index].status}
            current={index === cursor || list.rows[index].id === peeked}
            picked={all || picked.has(list.rows[index].id)}
            onPick={(range) => onPick(index, range)}
            onFocus={() => onCursor(index)}
            onTag={onTag}
          />
        )}
        after={list.more ? <p class="muted pad">Loading more runs…</p> : null}
      />
    </div>
  );
}

function Head({ column, sort, ofOne, small, onSort }: { column: RunColumn; sort: Sort; ofOne: boolean; small: boolean; onSort: (sort: Sort) => void }) {
  const name = RUN_COLUMN_NAMES[column];
  const sorts = sortsOf(column);
  if (!sorts || (small && column === "status")) return <span role="columnheader" aria-sort={sorts && sort === sorts.ascending ? "ascending" : undefined}>{small && column === "status" ? <span class="visually-hidden">{name}</span> : name}</span>;
  const sorted = sort === sorts.ascending ? "ascending" : sort === sorts.descending ? "descending" : "none";
  const barred = sorts.ofOne && !ofOne;
  return (
    <span role="columnheader" aria-sort={sorted}>
      {barred ? (
        <span title="Filter by one function to sort by it">{name}</span>
      ) : (
        <button type="button" class="sort" title={sorts.told} onClick={() => onSort(sortedNext(column, sort))}>
          {name}
          {sorted !== "none" && <Icon name={sorted === "ascending" ? "up" : "down"} size={12} />}
        </button>
      )}
    </span>
  );
}

interface RunRowProps {
  run: RunSummary;
  index: number;
  fit: Fitting;
  /** Whether it is the first of its status, in a list by status. */
  begins: boolean;
  current: boolean;
  picked: boolean;
  onPick: (range: boolean) => void;
  onFocus: () => void;
  onTag: (tag: string) => void;
}

function RunRow({ run, index, fit, begins, current, picked, onPick, onFocus, onTag }: RunRowProps) {
  const to = link(`/runs/${run.id}`);
  const opened = (event: MouseEvent): void => {
    if ((event.target as Element).closest("a, button, .pick") || getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(to, "_blank", "noopener");
    else navigate(to);
  };
  return (
    <div class={`run-row row ${begins && index > 0 ? "begins" : ""} ${current ? "current" : ""} ${picked ? "picked" : ""}`} role="row" aria-rowindex={index + 2} aria-selected={picked} onClick={opened} onFocusIn={onFocus}>
      <span role="cell">
        <label class="pick">
          <input type="checkbox" tabIndex={-1} aria-label={`Choose ${short(run.id)}`} checked={picked} onClick={(event) => onPick(event.shiftKey)} />
        </label>
      </span>
      {fit.columns.map((one) => (
        <Cell key={one} of={one} run={run} to={to} onTag={onTag} />
      ))}
    </div>
  );
}

function Cell({ of, run, to, onTag }: { of: RunColumn; run: RunSummary; to: string; onTag: (tag: string) => void }): ComponentChildren {
  switch (of) {
    case "status":
      return (
        <span role="cell">
          <Status status={run.status} />
        </span>
      );
    case "function":
      return (
        <span role="cell" class="cut">
          <a href={to}>{run.function_id}</a>
          <span class="faint mono small"> v{run.function_version}</span>
        </span>
      );
    case "run":
      return (
        <span role="cell">
          <Id id={run.id} />
        </span>
      );
    case "trigger":
      return (
        <span role="cell" class="cut muted" title={run.event_name}>
          {run.parent_run_id ? `by ${short(run.parent_run_id)}` : run.event_name}
        </span>
      );
    case "started":
      return (
        <span role="cell" class="muted">
          <Time at={run.created_at} />
        </span>
      );
    case "duration":
      return (
        <span role="cell">
          <Duration from={run.started_at} to={run.ended_at} />
        </span>
      );
    case "steps":
      return (
        <span role="cell" class="tabular">
          <Far run={run} />
        </span>
      );
    case "marks":
      return (
        <span role="cell" class="marks">
          {marksOf(run).map(({ id, icon, role, label }) => (
            <span key={id} title={label}>
              <Icon name={icon} class={role} />
              <span class="visually-hidden">{label}</span>
            </span>
          ))}
          {run.attempt > 1 && (
            <span class="chip tiny" title={`attempt ${run.attempt} of ${run.max_attempts}`}>
              <span aria-hidden="true">×{run.attempt}</span>
              <span class="visually-hidden">
                attempt {run.attempt} of {run.max_attempts}
              </span>
            </span>
          )}
        </span>
      );
    case "tags":
      return (
        <span role="cell" class="cut" title={run.tags.join(", ")}>
          {run.tags.map((tag) => (
            <button key={tag} type="button" class="chip tiny" tabIndex={-1} title={`Only runs tagged ${tag}`} onClick={() => onTag(tag)}>
              {tag}
            </button>
          ))}
        </span>
      );
    case "told":
      return (
        <span role="cell" class="cut" title={told(run)}>
          <span class={run.status === "failed" ? "" : "muted"}>{told(run)}</span>
        </span>
      );
    case "environment":
      return (
        <span role="cell" class="cut muted">
          {environment.value}
        </span>
      );
  }
}

function Far({ run }: { run: RunSummary }) {
  const far = farOf(run.progress, run.started_at !== null);
  if (!far) return null;
  return (
    <span title={far.said}>
      <span aria-hidden="true">{far.text}</span>
      <span class="visually-hidden">{far.said}</span>
    </span>
  );
}

function told(run: RunSummary): string {
  if (run.status === "paused") return run.pause_reason ? `paused: ${run.pause_reason}` : "paused";
  if (run.status === "cancelled") return run.cancellation_cause ? `cancelled: ${run.cancellation_cause.replace(/_/g, " ")}` : "";
  if (run.error && run.status !== "completed") return run.error.message;
  if (run.pause_requested) return "pauses at its next step";
  if (!isEnded(run.status) && run.due_at) return "goes on later";
  if (!run.forked_from) return "";
  return `${run.forked_from.position ? "fork" : "replay"} of ${short(run.forked_from.run_id)}`;
}
