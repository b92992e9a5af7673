/** Is it well, and what needs somebody? */
import { get } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { may } from "../../api/session";
import type { CapacityStat, FailureGroup, FunctionShape, RunOutcomes, RunSummary, RunsPage, WorkerShape } from "../../api/types";
import { type Resource, useResource } from "../../live/resource";
import { lagNote, laggingOf } from "../../model/attention";
import { rangeOf, rangeText } from "../../model/range";
import { perSecond } from "../../model/rate";
import { columnsOf } from "../../model/stacks";
import { duration } from "../../model/time";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { choose, link, navigate, timeRange } from "../../shell/route";
import { Duration, Skeleton, Status, Time, short } from "../../ui/basics";
import { Failed } from "../../ui/states";
import { Attention } from "./attention";
import { LETTERS_MAX, concerns, undelivered } from "./concerns";
import { HowFar, useDemo } from "./demo";
import { RecentEdits, useEdits } from "./edits";
import { FirstSteps } from "./first_steps";
import { RunsChart } from "./runs_chart";
import { type Tile, Tiles } from "./tiles";

const RUNS = "system.run.*.*";
const PACE_MS = 2_000;
const EVERY_MS = 5_000;
const CONCERNS_MS = 30_000;
const BUCKETS = 60;
const QUEUES_MAX = 1_000;
/** Groups of failures that are counted, and that are listed. */
const FAILING_COUNTED = 20;
const FAILING_MAX = 5;
const RECENT = 8;
const PAUSED_SEEN = 100;

export default function Overview() {
  const day = useResource(`day ${timeRange.value}`, (signal) => get<RunOutcomes>("/stats/runs/outcomes", { buckets: BUCKETS, ...(rangeOf(timeRange.value) ?? { since: "24h" }) }, signal), { pattern: RUNS, pace: PACE_MS });
  const hour = useResource("hour", (signal) => get<RunOutcomes>("/stats/runs/outcomes", { since: "2h", buckets: 2 }, signal), { pattern: RUNS, pace: PACE_MS });
  const open = useResource("open", openRuns, { pattern: RUNS, pace: PACE_MS });
  const failing = useResource("failing", (signal) => get<{ failures: FailureGroup[]; next_cursor?: string }>("/failures", { status: "open", since: "24h", limit: FAILING_COUNTED }, signal), { pattern: RUNS, pace: PACE_MS });
  const recent = useResource(`recent ${timeRange.value}`, (signal) => get<RunsPage>("/runs", { limit: RECENT, ...rangeOf(timeRange.value) }, signal), { pattern: RUNS, pace: PACE_MS });
  const events = useResource("events", (signal) => (may("events:read") ? get<{ per_second: number; exact: boolean }>("/stats/events", {}, signal) : Promise.resolve(null)), { every: EVERY_MS });
  const workers = useResource("workers", (signal) => get<{ workers: WorkerShape[] }>("/workers", {}, signal), { every: EVERY_MS });
  const functions = useResource("functions", (signal) => get<{ functions: FunctionShape[] }>("/functions", {}, signal), { pattern: "system.function.>" });
  const queues = useResource("queues", (signal) => (may("capacity:read") ? get<CapacityStat[]>("/capacity/stats", { limit: QUEUES_MAX }, signal) : Promise.resolve([])), { every: EVERY_MS });
  const others = useResource("concerns", (signal) => concerns(Date.now(), signal), { every: CONCERNS_MS });
  const dead = useResource("dead letters", undelivered, { every: CONCERNS_MS });
  const edits = useEdits();
  const projections = useResource("projections", (signal) => get<ProjectionSummary[]>("/projections", {}, signal), { every: EVERY_MS });
  const all: readonly Resource<unknown>[] = [day, hour, open, failing, recent, events, workers, functions, queues, others, dead, edits, projections];
  const connected = workers.data?.workers;
  const lagging = projections.data && laggingOf(projections.data);
  const oldest = Math.max(0, ...(queues.data ?? []).map((one) => one.oldest_queue_age_seconds));
  const runs = (q: string): string => link("/runs", { q });
  const status = (name: string): Pick<Tile, "value" | "error" | "more" | "to"> => ({ value: open.data?.totals[name], error: open.error, more: open.data?.more[name], to: runs(`status:${name}`) });
  const tiles: Tile[] = [
    { name: "Running", ...status("running"), icon: "dot", role: "run" },
    { name: "Failed, 1 h", value: hour.data && failed(hour.data, 1), error: hour.error, icon: "cross", role: "fail", to: runs("status:failed since:1h"), note: hour.data && `${failed(hour.data, 0)} the hour before` },
    { name: "Waiting", ...status("waiting"), icon: "hourglass", role: "wait" },
    { name: "Paused", ...status("paused"), icon: "pause", role: "warn" },
    { name: "In the queue", ...status("waiting_for_capacity"), icon: "circle", role: "idle", note: oldest > 0 && `the oldest for ${duration(oldest * 1_000)}` },
    {
      name: "Events/s",
      value: events.data === null ? "–" : events.data && perSecond(events.data.per_second),
      error: events.error,
      more: events.data?.exact === false,
      icon: "events",
      role: "run",
      to: link("/events"),
      note: events.data === null ? "not shown to you" : "of the last 10 s",
    },
    { name: "Workers", value: connected?.length, error: workers.error, icon: "workers", role: connected?.length ? "ok" : "idle", to: link("/workers"), note: connected && slots(connected) },
    { name: "Lagging", value: lagging?.length, error: projections.error, icon: "projections", role: lagging?.length ? "warn" : "ok", to: link("/projections"), note: lagging && lagNote(lagging) },
    {
      name: "Dead letters",
      value: dead.data === null ? "–" : dead.data?.length,
      error: dead.error,
      more: dead.data?.length === LETTERS_MAX,
      icon: "groups",
      role: dead.data?.length ? "fail" : "ok",
      to: link("/groups", { tab: "dead" }),
      note: dead.data === null ? "not shown to you" : dead.data?.length === 0 && "all was delivered",
    },
    {
      name: "Failures",
      value: failing.data?.failures.length,
      error: failing.error,
      more: failing.data?.next_cursor !== undefined,
      icon: "warning",
      role: failing.data?.failures.length ? "fail" : "ok",
      to: link("/failures"),
      note: failing.data && "open causes, 24 h",
    },
  ];
  useKeys("Overview", [
    ...tiles.map((tile, index) => ({ keys: String((index + 1) % 10), label: tile.name, run: () => navigate(tile.to) })),
    { keys: "r", label: "Look again", run: () => all.forEach((one) => one.reload()) },
  ]);
  const fresh = recent.data?.runs.length === 0 && timeRange.value === "" && functions.data !== undefined;
  const demo = useDemo(fresh, () => all.forEach((one) => one.reload()));
  const seen = [open, failing, others, projections, dead, functions];
  return (
    <div class="page">
      <PageHead title="Overview" />
      {fresh ? <FirstSteps connected={(connected?.length ?? 0) > 0} functions={functions.data?.functions ?? []} demo={demo} /> : <HowFar of={demo.data} />}
      <Tiles of={tiles} />
      {day.error && !day.data ? (
        <Failed error={day.error} onRetry={day.reload} />
      ) : (
        <RunsChart stats={day.data} wanted={BUCKETS} onRange={(since, until) => choose({ range: rangeText({ since, until }) })} />
      )}
      <Attention
        paused={open.data?.paused ?? []}
        morePaused={(open.data?.totals.paused ?? 0) > PAUSED_SEEN}
        failing={failing.data?.failures.slice(0, FAILING_MAX) ?? []}
        lagging={lagging ?? []}
        letters={dead.data ?? []}
        others={others.data ?? []}
        deserted={connected?.length === 0 && (functions.data?.functions.length ?? 0) > 0}
        loading={seen.some((one) => one.data === undefined)}
        errors={seen.flatMap((one) => one.error ?? [])}
        onDone={() => seen.forEach((one) => one.reload())}
      />
      <div class="columns">
        <RecentRuns of={recent} />
        <RecentEdits of={edits} />
      </div>
    </div>
  );
}

function RecentRuns({ of }: { of: Resource<RunsPage> }) {
  return (
    <section class="card section">
      <h2>Newest runs</h2>
      {of.error && <Failed error={of.error} onRetry={of.reload} />}
      {!of.data && !of.error && <Skeleton rows={RECENT} of={of} />}
      {of.data?.runs.length === 0 && <p class="muted">{timeRange.value ? "None in this time." : "None yet."}</p>}
      {of.data && of.data.runs.length > 0 && (
        <ul>
          {of.data.runs.map((run) => (
            <RunLine key={run.id} run={run} />
          ))}
        </ul>
      )}
    </section>
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

function slots(workers: readonly WorkerShape[]): string {
  const [busy, all] = workers.reduce(([one, other], worker) => [one + worker.active_jobs, other + worker.max_concurrent], [0, 0]);
  return `${busy} of ${all} slots`;
}

interface OpenRuns {
  totals: Record<string, number>;
  /** Of which there are more than were counted. */
  more: Record<string, boolean>;
  paused: readonly RunSummary[];
}

/** What has not ended, by status, and the runs that stand still. */
async function openRuns(signal: AbortSignal): Promise<OpenRuns> {
  const statuses = ["paused", "running", "waiting", "waiting_for_capacity"];
  const pages = await Promise.all(statuses.map((status) => get<RunsPage>("/runs", { status, limit: status === "paused" ? PAUSED_SEEN : 1 }, signal)));
  return {
    totals: Object.fromEntries(pages.map((page, index) => [statuses[index], page.total])),
    more: Object.fromEntries(pages.map((page, index) => [statuses[index], !page.total_exact])),
    paused: pages[0].runs,
  };
}

function failed(told: RunOutcomes, hour: number): number {
  return columnsOf(told, 2)[hour].counts.failed;
}
