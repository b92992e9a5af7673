/** The runs of the environment: newest first, live, filtered by what the URL says. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { RunGroup, RunGroups, RunStats, RunSummary, RunsPage } from "../../api/types";
import { useList } from "../../live/list";
import { useResource } from "../../live/resource";
import { GROUPINGS, RUN_KEYS, groupOpened, groupedNext, parseRuns, withTag, withToken } from "../../model/filter";
import { VERBS, type Verb } from "../../model/bulk";
import { farOf, marksOf } from "../../model/marks";
import { isEnded } from "../../model/status";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { leave } from "../../shell/listed";
import { choose, chosen, link, navigate } from "../../shell/route";
import { needs } from "../../ui/acting";
import { ClockButton, Duration, Id, Skeleton, Status, Time, short } from "../../ui/basics";
import { Download } from "../../ui/download";
import { Histogram } from "../../ui/histogram";
import { Icon } from "../../ui/icon";
import { Rows } from "../../ui/rows";
import { Command, Empty, Failed } from "../../ui/states";
import { copy } from "../../ui/toast";
import { ManageViews, SavedViews, useViews } from "../../ui/saved_views";
import { TokenFilter } from "../../ui/token_filter";
import { BulkBar, BulkDialog, type Target } from "./bulk";
import { Groups } from "./groups";
import { Jobs, JobsDialog } from "./jobs";
import { runLines } from "./lines";
import { Peek } from "./peek";

const ROW = 36;
const BUCKETS = 60;
const STATS_PACE_MS = 3_000;
const PICKED_MAX = 1_000;
const NO_GROUPS: RunGroups = { groups: [], groups_total: 0, counted: 0, exact: true };
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
  const asked = JSON.stringify(parsed.query);
  const list = useList<RunSummary>({
    key: asked,
    fetch: async (limit, cursor, signal) => {
      const page = await get<RunsPage>("/runs", { ...parsed.query, limit, cursor }, signal);
      return { items: page.runs, next: page.next_cursor ?? "", total: page.total, exact: page.total_exact };
    },
    order: (run) => run.id,
    patterns: ["system.run.*.*"],
    still: () => hovered.current || !atTop.current,
  });
  const stats = useResource(
    `runs ${asked}`,
    (signal) => get<RunStats>("/stats/runs", { buckets: BUCKETS, ...parsed.query, since: parsed.query.since ?? "24h" }, signal),
    { pattern: "system.run.*.*", pace: STATS_PACE_MS },
  );
  const by = parsed.group;
  const groups = useResource(`groups ${by} ${asked}`, (signal) => (by ? get<RunGroups>("/stats/runs/groups", { by, ...parsed.query }, signal) : Promise.resolve(NO_GROUPS)), { pattern: "system.run.*.*", pace: STATS_PACE_MS });
  const field = useRef<HTMLInputElement>(null);
  const status = parsed.query.status ?? "";

  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const [doing, setDoing] = useState<{ verb: Verb; target: Target; total: number } | null>(null);
  const [managing, setManaging] = useState(false);
  const [listing, setListing] = useState(false);
  /** The run that was chosen last: where a range begins. */
  const last = useRef("");
  const saved = useViews("runs");

  const pickNone = (): void => {
    setPicked(new Set());
    setAll(false);
  };
  /** Choose a row or no longer; with `range`, all from the one that was chosen last. */
  const pick = (index: number, range = false): void => {
    const run = list.rows[index];
    if (!run || by) return;
    const next = new Set(picked);
    const begin = range ? list.rows.findIndex((one) => one.id === last.current) : -1;
    const from = begin >= 0 ? begin : index;
    const ids = list.rows.slice(Math.min(from, index), Math.max(from, index) + 1).map((one) => one.id);
    if (range) ids.forEach((id) => next.add(id));
    else if (!next.delete(run.id)) next.add(run.id);
    last.current = run.id;
    setAll(false);
    setPicked(next);
  };
  const pickLoaded = (): void => (by || picked.size > 0 ? pickNone() : setPicked(new Set(list.rows.slice(0, PICKED_MAX).map((run) => run.id))));
  const picks = all ? list.total : picked.size;
  const start = (verb: Verb): void => {
    if (!may(`runs:${verb.id}`)) needs(`runs:${verb.id}`);
    else if (picks > 0) setDoing({ verb, target: all ? parsed.query : { run_ids: [...picked] }, total: picks });
  };

  useEffect(() => {
    setAt(null);
    pickNone();
  }, [text]);
  const rows = useRef(list.rows);
  rows.current = list.rows;
  useEffect(() => () => leave(rows.current.map((run) => run.id)), []);
  const open = (run: RunSummary | undefined): void => {
    if (run) navigate(link(`/runs/${run.id}`));
  };
  const grouped = by ? (groups.data?.groups ?? []) : null;
  // The cursor is at a run, not at a line: it stays there when others come before it.
  const [at, setAt] = useState<string | null>(null);
  const ids = grouped ? grouped.map((group) => group.key) : list.rows.map((run) => run.id);
  const peeked = by ? "" : chosen("run");
  const cursor = ids.indexOf(at ?? (peeked || "none"));
  const openGroup = (group: RunGroup | undefined): void => {
    const next = group && by ? groupOpened(text, by, group.key) : null;
    if (next !== null) setText(next);
  };
  const move = (step: number): void => {
    const to = ids[Math.max(0, Math.min(ids.length - 1, cursor + step))];
    if (to === undefined) return;
    setAt(to);
    if (peeked) choose({ run: to });
  };
  const peek = (): void => {
    const run = list.rows[cursor];
    if (!by && run) choose({ run: peeked === run.id ? null : run.id });
  };
  useKeys("Runs", [
    { keys: "j", label: "Next run", run: () => move(1) },
    { keys: "k", label: "Previous run", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next run", quiet: true, run: () => move(1) },
    { keys: "ArrowUp", label: "Previous run", quiet: true, run: () => move(-1) },
    { keys: "Enter", label: "Open the run", run: () => (grouped ? openGroup(grouped[cursor]) : open(list.rows[cursor])) },
    { keys: " ", label: "Look at the run beside the list", run: peek },
    { keys: "G", label: "Group by function, failure, parent, day, or not", run: () => setText(groupedNext(text)) },
    { keys: "/", label: "Filter", run: () => field.current?.focus() },
    { keys: "c", label: "Copy the run's id", run: () => !grouped && list.rows[cursor] && copy(list.rows[cursor].id, "Id") },
    { keys: "r", label: "Look again", run: () => [list, groups].forEach((one) => one.reload()) },
    { keys: "f", label: "Failed only", run: () => setText(withToken(text, "status", status === "failed" ? "" : "failed")) },
    { keys: "x", label: "Choose the run, or no longer", run: () => pick(cursor) },
    { keys: "X", label: "Choose all up to the run", run: () => pick(cursor, true) },
    { keys: "*", label: "Choose all that are loaded", run: pickLoaded },
    { keys: "b", label: "What can be done to the chosen", run: () => document.querySelector<HTMLElement>(".bulk-bar button")?.focus() },
    { keys: "R", label: "Replay the chosen", run: () => start(verbOf("replay")) },
    { keys: "U", label: "Resume the chosen", run: () => start(verbOf("resume")) },
    { keys: "K", label: "Cancel the chosen", run: () => start(verbOf("cancel")) },
    { keys: "F", label: "Fork the chosen from where they failed", run: () => start(verbOf("fork")) },
    { keys: "B", label: "Bulk jobs: what was done to many runs", run: () => setListing(true) },
    { keys: "v", label: "Views: keep this filter, or open one", run: () => setManaging(true) },
    { keys: "Escape", label: "Close the run, choose none, or clear the filter", run: () => (peeked ? choose({ run: null }) : picks > 0 ? pickNone() : setText("")) },
  ]);

  return (
    <div class="page full">
      <PageHead
        title="Runs"
        actions={
          <div class="buttons">
            <ClockButton />
            <button type="button" class="small quiet" title="What was done to many runs (B)" onClick={() => setListing(true)}>
              Jobs…
            </button>
            {list.rows.length > 0 && <Download label="JSON lines" title="Keep the runs that fit the filter as a file" name="runs.jsonl" make={() => runLines(parsed.query)} />}
          </div>
        }
      >
        <span class="muted tabular">
          {(list.loading || list.error) && list.rows.length === 0 ? "" : `${list.exact ? "" : "more than "}${list.total.toLocaleString("en")}`}
        </span>
      </PageHead>
      <div class="views" role="group" aria-label="Quick views">
        {VIEWS.map(([name, value]) => (
          <button key={name} type="button" class="view" aria-pressed={status === value} onClick={() => setText(withToken(text, "status", value))}>
            {name}
            {value && stats.data?.totals[value] ? <span class="count">{stats.data.totals[value].toLocaleString("en")}</span> : null}
          </button>
        ))}
        <SavedViews saved={saved.data ?? []} text={text} onManage={() => setManaging(true)} count={countOf} />
        <span class="grow" />
        <select class="small" aria-label="Group runs by" title="Group (G)" value={by} onChange={(event) => setText(withToken(text, "group", event.currentTarget.value))}>
          <option value="">each run</option>
          {Object.entries(GROUPINGS).map(([key, said]) => (
            <option key={key} value={key}>
              by {said}
            </option>
          ))}
        </select>
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
      <Jobs open={chosen("job")} />
      {by ? (
        <Groups by={by} told={groups} current={grouped?.[cursor]} onOpen={openGroup} onClear={() => setText("")} />
      ) : (
        <div class={`split ${peeked ? "peeking" : "closed"}`}>
          <div
            class="card table-card"
            onPointerEnter={() => (hovered.current = true)}
            onPointerLeave={() => {
              hovered.current = false;
              if (atTop.current && list.held > 0) list.showNew();
            }}
          >
            {picks > 0 && (
              <BulkBar
                asked={picks}
                fitting={!all && Object.keys(parsed.query).length > 0 && list.total > picked.size ? `${list.exact ? "" : "more than "}${list.total.toLocaleString("en")}` : ""}
                onVerb={start}
                onAll={() => setAll(true)}
                onClear={pickNone}
              />
            )}
            {list.held > 0 && (
              <button type="button" class="pill" onClick={list.showNew}>
                <Icon name="up" size={12} /> {list.heldAll ? "" : "more than "}
                {list.held.toLocaleString("en")} new
              </button>
            )}
            {list.error && <Failed error={list.error} onRetry={list.reload} />}
            {list.loading && list.rows.length === 0 && !list.error && <Skeleton rows={12} />}
            {!list.loading && !list.error && list.rows.length === 0 && <NoRuns filtered={text !== ""} onClear={() => setText("")} />}
            {list.rows.length > 0 && (
              <div class="table runs-table" role="table" aria-label="Runs" aria-rowcount={list.exact ? list.total + 1 : -1}>
                <div class="table-head" role="rowgroup">
                  <div class="run-row" role="row">
                    <span role="columnheader" class="pick">
                      <input type="checkbox" aria-label="Choose all that are loaded" checked={picks > 0} indeterminate={picks > 0 && !all && picked.size < list.rows.length} onChange={pickLoaded} />
                    </span>
                    {["Status", "Function", "Run", "Trigger", "Started", "Duration", "Steps", "Marks", "Tags", "What there is to know"].map((name) => (
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
                  row={(index) => (
                    <RunRow
                      run={list.rows[index]}
                      index={index}
                      current={index === cursor || list.rows[index].id === peeked}
                      picked={all || picked.has(list.rows[index].id)}
                      onPick={(range) => pick(index, range)}
                      onTag={(tag) => setText(withTag(text, tag))}
                    />
                  )}
                  after={list.more ? <p class="muted pad">Loading more…</p> : null}
                />
              </div>
            )}
          </div>
          {peeked && <Peek key={peeked} id={peeked} listed={list.rows.find((run) => run.id === peeked)} onClose={() => choose({ run: null })} />}
        </div>
      )}
      {doing && (
        <BulkDialog
          {...doing}
          onClose={() => setDoing(null)}
          onBegun={(job) => {
            pickNone();
            choose({ job: job.id });
          }}
        />
      )}
      {listing && <JobsDialog onClose={() => setListing(false)} />}
      {managing && <ManageViews page="runs" text={text} saved={saved.data ?? []} onClose={() => setManaging(false)} onChange={saved.reload} />}
    </div>
  );
}

/** How many runs a kept filter chooses now. */
async function countOf(filter: string, signal: AbortSignal): Promise<string> {
  const { total, total_exact: exact } = await get<RunsPage>("/runs", { ...parseRuns(filter).query, limit: 1 }, signal);
  return `${total.toLocaleString("en")}${exact ? "" : "+"}`;
}

function verbOf(id: Verb["id"]): Verb {
  return VERBS.find((verb) => verb.id === id) as Verb;
}

interface RunRowProps {
  run: RunSummary;
  index: number;
  current: boolean;
  picked: boolean;
  onPick: (range: boolean) => void;
  onTag: (tag: string) => void;
}

function RunRow({ run, index, current, picked, onPick, onTag }: RunRowProps) {
  const to = link(`/runs/${run.id}`);
  const opened = (event: MouseEvent): void => {
    if ((event.target as Element).closest("a, button, .pick") || getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(to, "_blank", "noopener");
    else navigate(to);
  };
  return (
    <div class={`run-row row ${current ? "current" : ""} ${picked ? "picked" : ""}`} role="row" aria-rowindex={index + 2} aria-selected={picked} onClick={opened}>
      <span role="cell">
        <label class="pick">
          <input type="checkbox" tabIndex={-1} aria-label={`Choose ${short(run.id)}`} checked={picked} onClick={(event) => onPick(event.shiftKey)} />
        </label>
      </span>
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
      <span role="cell" class="tabular">
        <Far run={run} />
      </span>
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
      <span role="cell" class="cut" title={run.tags.join(", ")}>
        {run.tags.map((tag) => (
          <button key={tag} type="button" class="chip tiny" tabIndex={-1} title={`Only runs tagged ${tag}`} onClick={() => onTag(tag)}>
            {tag}
          </button>
        ))}
      </span>
      <span role="cell" class="cut" title={told(run)}>
        <span class={run.status === "failed" ? "" : "muted"}>{told(run)}</span>
      </span>
    </div>
  );
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
