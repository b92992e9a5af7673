/** Is it well, and what needs somebody? */
import type { ComponentChildren } from "preact";
import { get } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { may } from "../../api/session";
import type { CapacityStat, FailureGroup, FunctionShape, RunStats, RunSummary, RunsPage, WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { failingOf, lagNote, laggingOf } from "../../model/attention";
import { duration } from "../../model/time";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { link, navigate } from "../../shell/route";
import { Duration, Skeleton, Status, Time, short } from "../../ui/basics";
import { Histogram } from "../../ui/histogram";
import { Icon, type IconName } from "../../ui/icon";
import { Command, Empty, Failed } from "../../ui/states";
import { type Concern, LETTERS_MAX, concerns, deadLetters, undelivered } from "./concerns";
import { RecentEdits, useEdits } from "./edits";

const RUNS = "system.run.*.*";
const PACE_MS = 2_000;
const EVERY_MS = 5_000;
const CONCERNS_MS = 30_000;
const BUCKETS = 60;
const QUEUES_MAX = 1_000;
/** Where the tiles lead to that are not about runs. */
const PAGES = [
  { label: "Workers", to: () => link("/workers") },
  { label: "Projections that lag", to: () => link("/projections") },
  { label: "Dead letters", to: () => link("/groups", { tab: "dead" }) },
];

export default function Overview() {
  const day = useResource("day", (signal) => get<RunStats>("/stats/runs", { since: "24h", buckets: BUCKETS }, signal), { pattern: RUNS, pace: PACE_MS });
  const hour = useResource("hour", (signal) => get<RunStats>("/stats/runs", { since: "2h", buckets: 2 }, signal), { pattern: RUNS, pace: PACE_MS });
  const open = useResource("open", openRuns, { pattern: RUNS, pace: PACE_MS });
  const workers = useResource("workers", (signal) => get<{ workers: WorkerShape[] }>("/workers", {}, signal), { every: EVERY_MS });
  const functions = useResource("functions", (signal) => get<{ functions: FunctionShape[] }>("/functions", {}, signal), { pattern: "system.function.>" });
  const queues = useResource("queues", (signal) => (may("capacity:read") ? get<CapacityStat[]>("/capacity/stats", { limit: QUEUES_MAX }, signal) : Promise.resolve([])), { every: EVERY_MS });
  const others = useResource("concerns", (signal) => concerns(Date.now(), signal), { every: CONCERNS_MS });
  const dead = useResource("dead letters", undelivered, { every: CONCERNS_MS });
  const edits = useEdits();
  const projections = useResource("projections", (signal) => get<ProjectionSummary[]>("/projections", {}, signal), { every: EVERY_MS });
  const failedNow = failed(hour.data, 1);
  const failedBefore = failed(hour.data, 0);
  const list = workers.data?.workers ?? [];
  const lagging = laggingOf(projections.data ?? []);
  const oldest = Math.max(0, ...(queues.data ?? []).map((one) => one.oldest_queue_age_seconds));
  const tiles: Tile[] = [
    { name: "Running", value: open.data?.totals.running, more: open.data?.more.running, icon: "dot", role: "run", to: "status:running" },
    { name: "Failed, 1 h", value: hour.data && failedNow, icon: "cross", role: "fail", to: "status:failed since:1h", note: hour.data && `${failedBefore} the hour before` },
    { name: "Waiting", value: open.data?.totals.waiting, more: open.data?.more.waiting, icon: "hourglass", role: "wait", to: "status:waiting" },
    { name: "Paused", value: open.data?.totals.paused, more: open.data?.more.paused, icon: "pause", role: "warn", to: "status:paused" },
    { name: "In the queue", value: open.data?.totals.waiting_for_capacity, more: open.data?.more.waiting_for_capacity, icon: "circle", role: "idle", to: "status:waiting_for_capacity", note: oldest > 0 && `the oldest for ${duration(oldest * 1_000)}` },
  ];
  useKeys("Overview", [
    ...tiles.map((tile, index) => ({ keys: String(index + 1), label: tile.name, run: () => navigate(link("/runs", { q: tile.to })) })),
    ...PAGES.map(({ label, to }, index) => ({ keys: String(tiles.length + index + 1), label, run: () => navigate(to()) })),
    { keys: "r", label: "Look again", run: () => [day, hour, open, workers, functions, projections, queues, others, dead, edits].forEach((one) => one.reload()) },
  ]);
  const error = day.error ?? open.error;
  if (error && !day.data) return <Failed error={error} onRetry={day.reload} />;
  if (!day.data || !functions.data || !open.data) return <Skeleton rows={12} />;
  const fresh = functions.data.functions.length === 0 && open.data.recent.length === 0;
  return (
    <div class="page">
      <PageHead title="Overview" />
      {fresh ? <FirstSteps connected={list.length > 0} /> : null}
      <div class="tiles eight">
        {tiles.map((tile) => (
          <a key={tile.name} class="card tile" href={link("/runs", { q: tile.to })}>
            <TileBody {...tile} />
          </a>
        ))}
        <a class="card tile" href={link("/workers")}>
          <TileBody
            name="Workers"
            value={workers.data && list.length}
            icon="workers"
            role={list.length > 0 ? "ok" : "idle"}
            note={`${list.reduce((sum, one) => sum + one.active_jobs, 0)} of ${list.reduce((sum, one) => sum + one.max_concurrent, 0)} slots`}
          />
        </a>
        <a class="card tile" href={link("/projections")}>
          <TileBody
            name="Lagging"
            value={projections.data && lagging.length}
            icon="projections"
            role={lagging.length > 0 ? "warn" : "ok"}
            note={projections.data && lagNote(lagging)}
          />
        </a>
        <a class="card tile" href={PAGES[2].to()}>
          <TileBody name="Dead letters" value={dead.data?.length} more={dead.data?.length === LETTERS_MAX} icon="groups" role={dead.data?.length ? "fail" : "ok"} note={dead.data === null ? "not shown to you" : dead.data?.length === 0 && "all was delivered"} />
        </a>
      </div>
      <Histogram
        stats={day.data}
        wanted={BUCKETS}
        onRange={(since, until) => navigate(link("/runs", { q: `since:${since} until:${until}` }))}
        onStatus={(status) => navigate(link("/runs", { q: `status:${status} since:24h` }))}
      />
      <Section title="Needs somebody" empty="Nothing does." items={attention(open.data, lagging, list.length, functions.data.functions.length, [...(others.data ?? []), ...deadLetters(dead.data ?? [])])} />
      <div class="columns">
        <Section
          title="Newest runs"
          empty="None yet."
          items={open.data.recent.map((run) => (
            <RunLine key={run.id} run={run} />
          ))}
        />
        <RecentEdits of={edits} />
      </div>
    </div>
  );
}

interface Tile {
  name: string;
  value: number | undefined;
  /** That there are more than were counted. */
  more?: boolean;
  icon: IconName;
  role: string;
  to: string;
  note?: ComponentChildren;
}

function TileBody({ name, value, more, icon, role, note }: Omit<Tile, "to">) {
  return (
    <>
      <span class="tile-name">
        <Icon name={icon} class={role} /> {name}
      </span>
      <b class="tile-value tabular">{value === undefined ? "–" : `${value.toLocaleString("en")}${more ? "+" : ""}`}</b>
      <span class="faint small">{note}</span>
    </>
  );
}

interface OpenRuns {
  totals: Record<string, number>;
  /** Of which there are more than were counted. */
  more: Record<string, boolean>;
  paused: readonly RunSummary[];
  failing: readonly FailureGroup[];
  recent: readonly RunSummary[];
}

/** What has not ended, by status, and the runs worth a look. */
async function openRuns(signal: AbortSignal): Promise<OpenRuns> {
  const list = (query: Record<string, string | number>): Promise<RunsPage> => get<RunsPage>("/runs", query, signal);
  const statuses = ["running", "waiting", "waiting_for_capacity"];
  const [paused, { failures }, recent, ...counted] = await Promise.all([
    list({ status: "paused", limit: 5 }),
    get<{ failures: FailureGroup[] }>("/failures", { status: "open", since: "24h", limit: 5 }, signal),
    list({ limit: 8 }),
    ...statuses.map((status) => list({ status, limit: 1 })),
  ]);
  const pages = [["paused", paused] as const, ...statuses.map((status, index) => [status, counted[index]] as const)];
  const totals = Object.fromEntries(pages.map(([status, page]) => [status, page.total]));
  const more = Object.fromEntries(pages.map(([status, page]) => [status, !page.total_exact]));
  return { totals, more, paused: paused.runs, failing: failures, recent: recent.runs };
}

function failed(stats: RunStats | undefined, hour: number): number {
  if (!stats) return 0;
  const at = Date.parse(stats.since) + hour * stats.bucket_ms;
  return stats.buckets.filter((one) => Math.abs(Date.parse(one.at) - at) < 1_000).reduce((sum, one) => sum + (one.counts.failed ?? 0), 0);
}

function attention(open: OpenRuns, lagging: readonly ProjectionSummary[], workers: number, functions: number, others: readonly Concern[]): ComponentChildren[] {
  const found: ComponentChildren[] = [];
  if (workers === 0 && functions > 0)
    found.push(
      <Line key="workers" icon="workers" role="warn" to={link("/workers")} title="No worker is connected" note="runs wait until one comes" />,
    );
  for (const run of open.paused)
    found.push(<Line key={run.id} icon="pause" role="warn" to={link(`/runs/${run.id}`)} title={`${run.function_id} is paused`} note={run.error?.message ?? run.pause_reason ?? ""} />);
  for (const one of failingOf(open.failing, open.paused, Date.now()))
    found.push(<Line key={one.fingerprint} icon="cross" role="fail" to={link("/failures", { failure: one.fingerprint })} title={one.title} note={one.note} />);
  for (const { id, ...one } of others) found.push(<Line key={id} {...one} />);
  for (const one of lagging)
    found.push(
      <Line key={one.name} icon={one.status === "error" ? "warning" : "hourglass"} role="warn" to={link(`/projections/${encodeURIComponent(one.name)}`)} title={`${one.name} is ${one.status === "error" ? "stopped" : "behind"}`} note={one.error_message ?? `by ${one.lag.toLocaleString("en")} positions, the oldest ${duration(one.lag_seconds * 1_000)} old`} />,
    );
  return found;
}

function Line({ icon, role, to, title, note }: { icon: IconName; role: string; to?: string; title: string; note: string }) {
  return (
    <li class="line">
      <Icon name={icon} class={role} />
      <span class="cut">
        {to ? <a href={to}>{title}</a> : title} <span class="muted">{note}</span>
      </span>
    </li>
  );
}

function RunLine({ run }: { run: RunSummary }) {
  return (
    <li class="line">
      <Status status={run.status} />
      <span class="cut grow">
        <a href={link(`/runs/${run.id}`)}>{run.function_id}</a> <span class="faint mono small">{short(run.id)}</span>
      </span>
      <Duration from={run.started_at} to={run.ended_at} />
      <span class="muted small">
        <Time at={run.created_at} />
      </span>
    </li>
  );
}

function Section({ title, items, empty }: { title: string; items: readonly ComponentChildren[]; empty: string }) {
  return (
    <section class="card section">
      <h2>{title}</h2>
      {items.length === 0 ? <p class="muted">{empty}</p> : <ul>{items}</ul>}
    </section>
  );
}

function FirstSteps({ connected }: { connected: boolean }) {
  return (
    <section class="card">
      <Empty icon="play" title="Welcome. Three steps to the first run">
        <ol class="steps">
          <li>
            <Icon name={connected ? "check" : "circle"} class={connected ? "ok" : "idle"} /> Start a worker, or let the demo be one: it shows retries, a saga, an approval
            <Command text="ironflow demo" />
          </li>
          <li>
            <Icon name="circle" class="idle" /> Emit an event that a function waits for
            <Command text={`ironflow emit demo.order.placed -d '{"order": "o_1", "email": "ana@example.com"}'`} />
          </li>
          <li>
            <Icon name="circle" class="idle" /> Open the run: it shows here, live
          </li>
        </ol>
      </Empty>
    </section>
  );
}
