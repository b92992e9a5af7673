/** The runs of the environment: newest first, live, filtered by what the URL says. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../../api/client";
import type { RunGroup, RunGroups, RunStats, RunSummary, RunsPage } from "../../api/types";
import { useList } from "../../live/list";
import { useResource } from "../../live/resource";
import { GROUPINGS, RUN_KEYS, groupOpened, groupedNext, parseRuns, withTag, withToken } from "../../model/filter";
import { VERBS, type Verb, barredAt, titleOf } from "../../model/bulk";
import { within } from "../../model/range";
import { sortable, standing } from "../../model/run_sorting";
import { PageHead } from "../../shell/head";
import { type Binding, NO_ROW, listKeys, useKeys } from "../../shell/keys";
import { leave } from "../../shell/listed";
import { choose, chosen, link, navigate, timeRange } from "../../shell/route";
import { lacks } from "../../ui/acting";
import { ClockButton, Skeleton } from "../../ui/basics";
import { Download } from "../../ui/download";
import { Histogram } from "../../ui/histogram";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";
import { copy } from "../../ui/toast";
import { ManageViews, useViews } from "../../ui/saved_views";
import { TokenFilter } from "../../ui/token_filter";
import { useMedia } from "../../ui/view";
import { BulkBar, BulkDialog, type Target } from "./bulk";
import { ColumnsDialog } from "./columns";
import { NoneEver, NoneFits } from "./empty";
import { Groups } from "./groups";
import { Jobs, JobsDialog } from "./jobs";
import { runLines } from "./lines";
import { Peek } from "./peek";
import { Rail, RailMenu, rail } from "./rail";
import { RunTable } from "./table";

const BUCKETS = 60;
const STATS_PACE_MS = 3_000;
/** Counting is work for the server: the views are counted once a minute. */
const VIEWS_EVERY_MS = 60_000;
const PICKED_MAX = 1_000;
const NO_GROUPS: RunGroups = { groups: [], groups_total: 0, counted: 0, exact: true };
/** With less room the views are a menu; beside a run that is looked at, too. */
const RAIL_FROM = "(min-width: 1280px)";
const RAIL_PEEKING_FROM = "(min-width: 1680px)";
const RANGES = ["1h", "24h", "7d", "30d"] as const;

export default function RunsPage() {
  const text = chosen("q");
  const parsed = useMemo(() => within(parseRuns(text), timeRange.value), [text, timeRange.value]);
  const setText = (next: string): void => choose({ q: next, at: null });
  const hovered = useRef(false);
  const atTop = useRef(true);
  const asked = JSON.stringify(parsed.query);
  const sort = sortable(parsed.sort, parsed.query);
  const list = useList<RunSummary>({
    key: `${sort} ${asked}`,
    fetch: async (limit, cursor, signal) => {
      const page = await get<RunsPage>("/runs", { ...parsed.query, order: sort, limit, cursor }, signal);
      return { items: page.runs, next: page.next_cursor ?? "", total: page.total, exact: page.total_exact };
    },
    order: (run) => standing(sort, run),
    patterns: ["system.run.*.*"],
    still: () => hovered.current || !atTop.current,
  });
  const stats = useResource(
    `runs ${asked}`,
    (signal) => get<RunStats>("/stats/runs", { buckets: BUCKETS, ...parsed.query, since: parsed.query.since ?? "24h" }, signal),
    { pattern: "system.run.*.*", pace: STATS_PACE_MS },
  );
  // Of the views by status each says how many it has, whichever of them is open.
  const { status: _, ...anyStatus } = parsed.query;
  const byStatus = useResource(`views ${JSON.stringify(anyStatus)}`, (signal) => get<RunStats>("/stats/runs", { buckets: 1, ...anyStatus, since: anyStatus.since ?? "24h" }, signal), { every: VIEWS_EVERY_MS });
  const by = parsed.group;
  const groups = useResource(`groups ${by} ${asked}`, (signal) => (by ? get<RunGroups>("/stats/runs/groups", { by, ...parsed.query }, signal) : Promise.resolve(NO_GROUPS)), { pattern: "system.run.*.*", pace: STATS_PACE_MS });
  const field = useRef<HTMLInputElement>(null);
  const status = parsed.query.status ?? "";

  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const [doing, setDoing] = useState<{ verb: Verb; target: Target } | null>(null);
  const [managing, setManaging] = useState(false);
  const [listing, setListing] = useState(false);
  const [choosing, setChoosing] = useState(false);
  /** The run that was chosen last: where a range begins. */
  const last = useRef("");
  /** Whether the bar of what can be done is to have the focus once it is there. */
  const owed = useRef(false);
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
  /** What is done to those that are chosen; where none is, to the run that the cursor is at. */
  const start = (verb: Verb): void => setDoing({ verb, target: all ? parsed.query : { run_ids: picks > 0 ? [...picked] : atHand.map((run) => run.id) } });

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
  const roomy = useMedia(peeked ? RAIL_PEEKING_FROM : RAIL_FROM);
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
  /** To the bar of what can be done; where none is chosen, for the run that the cursor is at. */
  const toBar = (): void => {
    if (picks > 0) return focusBar();
    owed.current = true;
    pick(cursor);
  };
  useEffect(() => {
    if (owed.current && picks > 0) focusBar();
    owed.current = false;
  }, [picks]);
  const peek = (): void => {
    const run = list.rows[cursor];
    if (!by && run) choose({ run: peeked === run.id ? null : run.id });
  };
  const atHand = list.rows.slice(cursor, cursor + 1);
  const none = by ? "these are groups: open one first" : cursor < 0 ? NO_ROW : "";
  const verbKey = (keys: string, id: Verb["id"]): Binding => {
    const verb = verbOf(id);
    const barred = lacks(`runs:${id}`) || (picks > 0 ? "" : none || barredAt(verb, atHand[0].status));
    return { keys, label: titleOf(verb, picks > 0 ? "the chosen" : "the run"), barred, run: () => start(verb) };
  };
  useKeys("Runs", [
    ...listKeys(by ? "group of runs" : "run", move),
    { keys: "Enter", label: grouped ? "List the group's runs" : "Open the run", barred: cursor < 0 ? NO_ROW : "", run: () => (grouped ? openGroup(grouped[cursor]) : open(list.rows[cursor])) },
    { keys: " ", label: "Look at the run beside the list", barred: none, run: peek },
    { keys: "G", label: "Group by function, failure, parent, day, or not", run: () => setText(groupedNext(text)) },
    { keys: "/", label: "Filter", run: () => field.current?.focus() },
    { keys: "c", label: "Copy the run's id", barred: none, run: () => copy(list.rows[cursor].id, "Id") },
    { keys: "r", label: "Look again", run: () => [list, groups].forEach((one) => one.reload()) },
    { keys: "f", label: "Failed only", run: () => setText(withToken(text, "status", status === "failed" ? "" : "failed")) },
    { keys: "x", label: "Choose the run, or no longer", barred: none, run: () => pick(cursor) },
    { keys: "X", label: "Choose all up to the run", barred: none, run: () => pick(cursor, true) },
    { keys: "*", label: "Choose all that are loaded", barred: by ? none : "", run: pickLoaded },
    { keys: "b", label: "What can be done to the chosen", barred: picks > 0 ? "" : none, run: toBar },
    verbKey("R", "replay"),
    verbKey("U", "resume"),
    verbKey("K", "cancel"),
    verbKey("F", "fork"),
    { keys: "B", label: "Bulk jobs: what was done to many runs", run: () => setListing(true) },
    { keys: "v", label: "Views: keep this filter, or open one", run: () => setManaging(true) },
    { keys: "Escape", label: "Close the run, choose none, or clear the filter", run: () => (peeked ? choose({ run: null }) : picks > 0 ? pickNone() : setText("")) },
  ]);

  const beside = roomy && rail.value === "beside";
  const viewed = { text, status, totals: byStatus.data?.totals ?? {}, since: parsed.query.since ?? "24h", saved: saved.data ?? [], onText: setText, onManage: () => setManaging(true) };
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
            {!by && (
              <button type="button" class="small quiet" title="Which columns are shown" onClick={() => setChoosing(true)}>
                Columns…
              </button>
            )}
            {list.rows.length > 0 && <Download label="JSON lines" title="Keep the runs that fit the filter as a file" name="runs.jsonl" make={() => runLines(parsed.query)} />}
          </div>
        }
      >
        <span class="muted tabular">
          {(list.loading || list.error) && list.rows.length === 0 ? "" : `${list.exact ? "" : "more than "}${list.total.toLocaleString("en")}`}
        </span>
      </PageHead>
      <div class="list-tools">
        <TokenFilter text={text} parsed={parsed} offers={RUN_KEYS} placeholder="status:failed function:… since:1h, or words" onText={setText} field={field} />
        <div class="views" role="group" aria-label="What is listed">
          {!beside && <RailMenu beside={roomy} {...viewed} />}
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
      </div>
      <Histogram
        stats={stats.data}
        wanted={BUCKETS}
        onRange={(since, until) => setText(withToken(withToken(text, "since", since), "until", until))}
        onStatus={(value) => setText(withToken(text, "status", value))}
      />
      <Jobs open={chosen("job")} />
      <div class={beside ? "with-rail" : "without-rail"}>
        {beside && <Rail {...viewed} />}
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
              {list.loading && list.rows.length === 0 && !list.error && <Skeleton rows={12} of={list} />}
              {!list.loading && !list.error && list.rows.length === 0 && (text || timeRange.value ? (
                  <NoneFits query={parsed.query} onTimeless={() => choose({ q: withToken(withToken(text, "since", ""), "until", "") || null, range: null })} onClear={() => choose({ q: null, range: null })} />
                ) : (
                  <NoneEver />
                ))}
              {list.rows.length > 0 && (
                <RunTable
                  list={list}
                  cursor={cursor}
                  peeked={peeked}
                  sort={sort}
                  ofOne={parsed.query.function_id !== undefined}
                  picked={picked}
                  all={all}
                  onTop={(top) => (atTop.current = top)}
                  onPick={pick}
                  onPickLoaded={pickLoaded}
                  onCursor={(index) => setAt(list.rows[index].id)}
                  onTag={(tag) => setText(withTag(text, tag))}
                  onSort={(one) => setText(withToken(text, "sort", one))}
                />
              )}
            </div>
            {peeked && <Peek key={peeked} id={peeked} listed={list.rows.find((run) => run.id === peeked)} onClose={() => choose({ run: null })} />}
          </div>
        )}
      </div>
      {choosing && <ColumnsDialog onClose={() => setChoosing(false)} />}
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

function focusBar(): void {
  document.querySelector<HTMLElement>(".bulk-bar button:not(.barred)")?.focus();
}

function verbOf(id: Verb["id"]): Verb {
  return VERBS.find((verb) => verb.id === id) as Verb;
}
