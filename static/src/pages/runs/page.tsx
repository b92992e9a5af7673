/** The runs of the environment: newest first, live, filtered by what the URL says. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../../api/client";
import type { RunStats, RunSummary, RunsPage } from "../../api/types";
import { useList } from "../../live/list";
import { useResource } from "../../live/resource";
import { RUN_KEYS, parseRuns, withToken } from "../../model/filter";
import { isEnded } from "../../model/status";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { choose, chosen, link, navigate } from "../../shell/route";
import { ClockButton, Duration, Id, Skeleton, Status, Time, short } from "../../ui/basics";
import { Histogram } from "../../ui/histogram";
import { Icon } from "../../ui/icon";
import { Rows } from "../../ui/rows";
import { Command, Empty, Failed } from "../../ui/states";
import { copy } from "../../ui/toast";
import { TokenFilter } from "../../ui/token_filter";

const ROW = 36;
const BUCKETS = 60;
const STATS_PACE_MS = 3_000;
const VIEWS = [
  ["All", ""],
  ["Running", "running"],
  ["Waiting", "waiting"],
  ["Paused", "paused"],
  ["Failed", "failed"],
  ["Completed", "completed"],
] as const;
const RANGES = ["1h", "24h", "7d", "30d"] as const;

export default function RunsPage() {
  const text = chosen("q");
  const parsed = useMemo(() => parseRuns(text), [text]);
  const setText = (next: string): void => choose({ q: next, at: null });
  const hovered = useRef(false);
  const atTop = useRef(true);
  const list = useList<RunSummary>({
    key: text,
    fetch: async (limit, cursor, signal) => {
      const page = await get<RunsPage>("/runs", { ...parsed.query, limit, cursor }, signal);
      return { items: page.runs, next: page.next_cursor ?? "", total: page.total, exact: page.total_exact };
    },
    order: (run) => run.id,
    patterns: ["system.run.*.*"],
    still: () => hovered.current || !atTop.current,
  });
  const stats = useResource(
    `runs ${text}`,
    (signal) => get<RunStats>("/stats/runs", { buckets: BUCKETS, ...parsed.query, since: parsed.query.since ?? "24h" }, signal),
    { pattern: "system.run.*.*", pace: STATS_PACE_MS },
  );
  const [cursor, setCursor] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const status = parsed.query.status ?? "";

  useEffect(() => setCursor(-1), [text]);
  const open = (run: RunSummary | undefined): void => {
    if (run) navigate(link(`/runs/${run.id}`));
  };
  const move = (step: number): void => setCursor((at) => Math.max(0, Math.min(list.rows.length - 1, at + step)));
  useKeys("Runs", [
    { keys: "j", label: "Next run", run: () => move(1) },
    { keys: "k", label: "Previous run", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next run", quiet: true, run: () => move(1) },
    { keys: "ArrowUp", label: "Previous run", quiet: true, run: () => move(-1) },
    { keys: "Enter", label: "Open the run", run: () => open(list.rows[cursor]) },
    { keys: "/", label: "Filter", run: () => field.current?.focus() },
    { keys: "c", label: "Copy the run's id", run: () => list.rows[cursor] && copy(list.rows[cursor].id, "Id") },
    { keys: "r", label: "Look again", run: list.reload },
    { keys: "f", label: "Failed only", run: () => setText(withToken(text, "status", status === "failed" ? "" : "failed")) },
    { keys: "Escape", label: "Clear the filter", run: () => setText("") },
  ]);

  return (
    <div class="page full">
      <PageHead title="Runs" actions={<ClockButton />}>
        <span class="muted tabular">
          {list.loading && list.rows.length === 0 ? "" : `${list.exact ? "" : "more than "}${list.total.toLocaleString("en")}`}
        </span>
      </PageHead>
      <div class="views" role="group" aria-label="Quick views">
        {VIEWS.map(([name, value]) => (
          <button key={name} type="button" class="view" aria-pressed={status === value} onClick={() => setText(withToken(text, "status", value))}>
            {name}
            {value && stats.data?.totals[value] ? <span class="count">{stats.data.totals[value].toLocaleString("en")}</span> : null}
          </button>
        ))}
        <span class="grow" />
        {RANGES.map((range) => (
          <button
            key={range}
            type="button"
            class="view"
            aria-pressed={(parsed.query.since ?? "") === range}
            onClick={() => setText(withToken(withToken(text, "until", ""), "since", parsed.query.since === range ? "" : range))}
          >
            {range}
          </button>
        ))}
      </div>
      <TokenFilter text={text} parsed={parsed} offers={RUN_KEYS} placeholder="status:failed function:… since:1h, or words" onText={setText} field={field} />
      <Histogram
        stats={stats.data}
        wanted={BUCKETS}
        onRange={(since, until) => setText(withToken(withToken(text, "since", since), "until", until))}
        onStatus={(value) => setText(withToken(text, "status", value))}
      />
      <div
        class="card table-card"
        onPointerEnter={() => (hovered.current = true)}
        onPointerLeave={() => {
          hovered.current = false;
          if (atTop.current && list.held > 0) list.showNew();
        }}
      >
        {list.held > 0 && (
          <button type="button" class="pill" onClick={list.showNew}>
            <Icon name="up" size={12} /> {list.held} new
          </button>
        )}
        {list.error && <Failed error={list.error} onRetry={list.reload} />}
        {list.loading && list.rows.length === 0 && !list.error && <Skeleton rows={12} />}
        {!list.loading && !list.error && list.rows.length === 0 && <NoRuns filtered={text !== ""} onClear={() => setText("")} />}
        {list.rows.length > 0 && (
          <div class="table runs-table" role="table" aria-label="Runs" aria-rowcount={list.exact ? list.total + 1 : -1}>
            <div class="table-head" role="rowgroup">
              <div class="run-row" role="row">
                {["Status", "Function", "Run", "Trigger", "Started", "Duration", "What there is to know"].map((name) => (
                  <span key={name} role="columnheader">
                    {name}
                  </span>
                ))}
              </div>
            </div>
            <Rows
              count={list.rows.length}
              height={ROW}
              label="Runs"
              cursor={cursor}
              onEnd={list.next}
              onTop={(top) => (atTop.current = top)}
              row={(index) => <RunRow run={list.rows[index]} index={index} current={index === cursor} />}
              after={list.more ? <p class="muted pad">Loading more…</p> : null}
            />
          </div>
        )}
      </div>
    </div>
  );
}

function RunRow({ run, index, current }: { run: RunSummary; index: number; current: boolean }) {
  const to = link(`/runs/${run.id}`);
  const opened = (event: MouseEvent): void => {
    if ((event.target as Element).closest("a, button") || getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(to, "_blank", "noopener");
    else navigate(to);
  };
  return (
    <div class={`run-row row ${current ? "current" : ""}`} role="row" aria-rowindex={index + 2} onClick={opened}>
      <span role="cell">
        <Status status={run.status} />
      </span>
      <span role="cell" class="cut">
        <a href={to}>{run.function_id}</a>
        <span class="faint mono small"> v{run.function_version}</span>
      </span>
      <span role="cell">
        <Id id={run.id} />
      </span>
      <span role="cell" class="cut muted" title={run.event_name}>
        {run.parent_run_id ? `by ${short(run.parent_run_id)}` : run.event_name}
      </span>
      <span role="cell" class="muted">
        <Time at={run.created_at} />
      </span>
      <span role="cell">
        <Duration from={run.started_at} to={run.ended_at} />
      </span>
      <span role="cell" class="cut" title={told(run)}>
        {run.attempt > 1 && <span class="chip tiny">×{run.attempt}</span>}
        <span class={run.status === "failed" ? "" : "muted"}>{told(run)}</span>
      </span>
    </div>
  );
}

function told(run: RunSummary): string {
  if (run.status === "paused") return run.pause_reason ? `paused: ${run.pause_reason}` : "paused";
  if (run.status === "cancelled") return run.cancellation_cause ? `cancelled: ${run.cancellation_cause.replace(/_/g, " ")}` : "";
  if (run.error && run.status !== "completed") return run.error.message;
  return isEnded(run.status) || !run.due_at ? "" : "goes on later";
}

function NoRuns({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) {
    return (
      <Empty icon="search" title="No run fits the filter">
        <p class="muted">Runs start when an event comes that a function waits for.</p>
        <button type="button" onClick={onClear}>
          Clear the filter
        </button>
      </Empty>
    );
  }
  return (
    <Empty icon="runs" title="Nothing has run here yet">
      <p class="muted">A run starts when an event comes that triggers a function. See it all at once:</p>
      <Command text="ironflow demo" />
      <p class="muted">or start a worker of yours, and emit an event:</p>
      <Command text={`ironflow emit order.placed -d '{"id": 1}'`} />
    </Empty>
  );
}
