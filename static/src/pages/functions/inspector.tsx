/** One function: how it is set up, how its runs went, its versions, and starting, stopping and pausing it. */
import { useState } from "preact/hooks";
import { exact, get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { CapacityStat, FunctionFigures, FunctionShape, RunStats, WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { share, tookOf } from "../../model/figures";
import { useKeys } from "../../shell/keys";
import { choose, chosen, link } from "../../shell/route";
import { Act, hold, lacks } from "../../ui/acting";
import { Skeleton, Status, TabPanel, Tabs, Time } from "../../ui/basics";
import { Edge } from "../../ui/edge";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { later } from "../../ui/later";
import { Failed } from "../../ui/states";
import { Breaker, type BreakerState } from "./breaker";
import { Charts } from "./charts";
import { Profile } from "./profile";
import { Start } from "./start";
import { Versions } from "./versions";

const Flow = later(() => import("./flow"));

const MANAGE = "functions:manage";
const INVOKE = "functions:invoke";
const STATS_PACE_MS = 3_000;
const WORKERS_EVERY_MS = 5_000;
const WORKERS_SHOWN = 5;

const TABS = [
  { id: "setup", label: "Set-up" },
  { id: "charts", label: "Charts" },
  { id: "flow", label: "Flow" },
  { id: "steps", label: "Steps" },
  { id: "versions", label: "Versions" },
];

/** How many workers that are connected to this node serve it, and the way to them. */
function Served({ of }: { of: FunctionShape }) {
  const told = useResource("workers", (signal) => (may("workers:read") ? get<{ workers: WorkerShape[] }>("/workers", {}, signal) : Promise.resolve(null)), { every: WORKERS_EVERY_MS });
  if (!told.data) return null;
  const serving = told.data.workers.filter((one) => one.function_ids.includes(of.id));
  return (
    <div>
      <dt>Workers</dt>
      <dd>
        {serving.length === 0 && (
          <>
            <Icon name="warning" class="warn" /> none that is connected to this node serves it
          </>
        )}
        {serving.slice(0, WORKERS_SHOWN).map((one) => (
          <a key={one.id} class="listed" href={link("/workers", { worker: one.id })}>
            {one.id}
          </a>
        ))}
        {serving.length > WORKERS_SHOWN && <span class="muted"> and {serving.length - WORKERS_SHOWN} more</span>}
      </dd>
    </div>
  );
}

interface Props {
  of: FunctionShape;
  load: CapacityStat | undefined;
  went: FunctionFigures | undefined;
  breaker: BreakerState | undefined;
  onReset: () => void;
  onChange: () => void;
  onClose: () => void;
}

export function FunctionInspector({ of, load, went, breaker, onReset, onChange, onClose }: Props) {
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? "setup";
  const paused = of.status !== "active";
  const took = went && tookOf(went);
  const [starting, setStarting] = useState(false);
  const steer = (): void =>
    hold({
      held: paused,
      revision: of.revision,
      turn: (off, reason, ifMatch) => request("POST", `/functions/${segment(of.id)}/${off ? "pause" : "resume"}`, { body: { reason }, ifMatch }),
      done: (off) => (off ? "Paused: new runs wait" : "It goes on"),
      then: onChange,
    });
  const start = (): void => setStarting(true);
  useKeys("Function", [
    { keys: "i", label: "Start a run of it", barred: lacks(INVOKE), run: start },
    { keys: "P", label: paused ? "Resume" : "Pause", barred: lacks(MANAGE), run: steer },
    { keys: "c", label: "How its runs went over a day", run: () => choose({ show: "charts" }) },
    { keys: "f", label: "What starts it, and what it leads to", run: () => choose({ show: "flow" }) },
    { keys: "s", label: "How its steps went", run: () => choose({ show: "steps" }) },
    { keys: "v", label: "Its versions", run: () => choose({ show: "versions" }) },
  ]);
  return (
    <aside class="card inspector asked" aria-label={`Function ${of.id}`}>
      <Edge />
      <header class="inspector-head">
        <div>
          <h2 class="cut">{of.name || of.id}</h2>
          <Status status={of.status} note={`version ${of.version}${of.pinned ? ", pinned" : ""}`} />
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      {of.description && <p class="pad-x muted">{of.description}</p>}
      <dl class="facts">
        <div>
          <dt>Waiting</dt>
          <dd class="tabular">
            {load?.queued ?? 0} in the queue, {load?.active_leases ?? 0} at work{of.concurrency ? ` of at most ${of.concurrency.limit}${of.concurrency.key ? " for each key" : ""}` : ""}
          </dd>
        </div>
        <Served of={of} />
        <Day of={of} />
        {took && (
          <div>
            <dt>Took</dt>
            <dd class="tabular">{took.said}</dd>
          </div>
        )}
        {of.next_run && (
          <div>
            <dt>Next tick</dt>
            <dd>
              <Time at={of.next_run} />
            </dd>
          </div>
        )}
        <div>
          <dt>Recorded</dt>
          <dd>every run, kept for ever</dd>
        </div>
        {of.endpoint_url && (
          <div>
            <dt>Endpoint</dt>
            <dd class="mono">{of.endpoint_url}</dd>
          </div>
        )}
      </dl>
      <p class="buttons pad-x">
        <a class="button small" href={link("/runs", { q: `function:${of.id}` })}>
          Its runs
        </a>
        <a class="button small" href={link("/runs", { q: `function:${of.id} status:failed` })}>
          Failed ones
        </a>
        <Act allowed={may(INVOKE)} permission={INVOKE} label="Start one…" onClick={start} />
        <Act allowed={may(MANAGE)} permission={MANAGE} label={paused ? "Resume" : "Pause"} onClick={steer} />
      </p>
      {of.endpoint_url && breaker && <Breaker of={breaker} onReset={onReset} />}
      <Tabs label="function" items={TABS} open={open} onOpen={(id) => choose({ show: id === "setup" ? null : id })} />
      <TabPanel label="function" open={open}>
        {open === "setup" && <Setup key={of.version} of={of} />}
        {open === "charts" && <Charts of={of} />}
        {open === "flow" && <Flow key={of.id} of={of} />}
        {open === "steps" && <Profile of={of} />}
        {open === "versions" && <Versions of={of} onChange={onChange} />}
      </TabPanel>
      {starting && <Start of={of} onClose={() => setStarting(false)} />}
    </aside>
  );
}

/** How the runs of a day went: of those that ended, and without those that somebody cancelled. */
function Day({ of }: { of: FunctionShape }) {
  const stats = useResource(`day of ${of.id}`, (signal) => get<RunStats>("/stats/runs", { function_id: of.id, since: "24h", buckets: 1 }, signal), {
    pattern: "system.run.*.*",
    pace: STATS_PACE_MS,
  });
  if (!stats.data) return null;
  const { completed = 0, failed = 0 } = stats.data.totals;
  const began = Object.values(stats.data.totals).reduce((sum, count) => sum + count, 0);
  return (
    <div>
      <dt>24 hours</dt>
      <dd class="tabular">
        {began === 0 ? <span class="muted">no run began</span> : `${counted(began, "run")} began`}
        {completed + failed > 0 && `, ${share(completed, completed + failed)} of those that ended went well`}
      </dd>
    </div>
  );
}

function Setup({ of }: { of: FunctionShape }) {
  const whole = useResource(`function ${of.id} ${of.updated_at}`, (signal) => exact(`/functions/${encodeURIComponent(of.id)}`, {}, signal));
  if (whole.error) return <Failed error={whole.error} onRetry={whole.reload} />;
  return whole.data ? <JsonView value={whole.data} label="set-up" /> : <Skeleton rows={6} />;
}
