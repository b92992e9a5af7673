/** How the server is: its nodes, what NATS has not got yet, and figures. */
import type { NodeShape, OutboxShape, SystemFigures, SystemShape } from "../../api/admin";
import { file, get } from "../../api/client";
import { metrics } from "../../api/metrics";
import { may } from "../../api/session";
import type { Capabilities, WorkerShape } from "../../api/types";
import { type Resource, useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import type { Metrics } from "../../model/metrics";
import { duration } from "../../model/time";
import { clocksOf, doubtText, skewText } from "../../model/workers";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { link } from "../../shell/route";
import { lacking } from "../../ui/acting";
import { Badge, Skeleton, Status, Time } from "../../ui/basics";
import { Download } from "../../ui/download";
import { Icon } from "../../ui/icon";
import { ListCard } from "../../ui/list_card";
import { EntryLink, Facts } from "../../ui/side";
import { Requests } from "./requests";
import { Store } from "./store";
import { Empty, Failed } from "../../ui/states";

const EVERY_MS = 2_000;
const SYSTEM_EVERY_MS = 5_000;
const CLOCKS_SHOWN = 5;

interface Ready {
  status: string;
  issues: Record<string, string>;
}

export default function System() {
  const about = useResource("capabilities", (signal) => get<Capabilities>("/capabilities", {}, signal));
  const ready = useResource("ready", readiness, { every: EVERY_MS });
  const nodes = useResource("nodes", (signal) => get<NodeShape[]>("/nodes", {}, signal), { every: EVERY_MS });
  const outbox = useResource("outbox", (signal) => get<OutboxShape>("/outbox", {}, signal), { every: EVERY_MS });
  const figures = useResource("metrics", metrics, { every: EVERY_MS });
  const system = useResource("system", (signal) => get<SystemShape | SystemFigures>("/system", {}, signal), { every: SYSTEM_EVERY_MS });
  const workers = useResource("workers", (signal) => (may("workers:read") ? get<{ workers: WorkerShape[] }>("/workers", {}, signal).then((told) => told.workers) : Promise.resolve(null)), { every: SYSTEM_EVERY_MS });
  const again = (): void => {
    for (const one of [about, ready, nodes, outbox, figures, system, workers]) one.reload();
  };
  useKeys("System", [{ keys: "r", label: "Look again", run: again }]);
  const issues = Object.entries(ready.data?.issues ?? {});
  return (
    <div class="page">
      <PageHead
        title="System"
        actions={
          <>
            <Download
              label="Diagnostics"
              title="Version, settings without secrets, figures and recent warnings, for whoever helps"
              name="ironflow-diagnostics.tar.gz"
              permission="platform:diagnose"
              make={() => file("/system/diagnostics")}
            />
            <a class="button small" href="/metrics" target="_blank" rel="noopener">
              All metrics
            </a>
          </>
        }
      >
        {ready.data && (
          <Badge>
            <Status status={issues.length === 0 ? "active" : "failed"} note={issues.length === 0 ? "ready" : "not ready"} />
          </Badge>
        )}
        {about.data && <span class="muted">Ironflow {about.data.version}</span>}
        {system.data && <span class="muted">up for {duration(system.data.uptime_seconds * 1_000)}</span>}
      </PageHead>
      {issues.map(([part, text]) => (
        <p key={part} class="problem" role="alert">
          <b>{part}</b> {text}
        </p>
      ))}
      {figures.error && <Failed error={figures.error} onRetry={figures.reload} />}
      {!figures.data && !figures.error && <Skeleton rows={3} of={figures} />}
      {figures.data && <Tiles of={figures.data} />}
      {system.error && <Failed error={system.error} onRetry={system.reload} />}
      {!system.data && !system.error && <Skeleton rows={4} />}
      {system.data?.withheld !== undefined && <p class="muted">Not shown: {system.data.withheld}.</p>}
      {system.data && "requests" in system.data && (
        <div class="two-up">
          <Requests of={system.data} />
          <Store of={system.data} />
        </div>
      )}
      <ListCard
        label="Nodes"
        noun="node"
        resource={nodes}
        items={nodes.data}
        id={(one) => one.id}
        widths="minmax(180px, 1.4fr) 130px 90px minmax(150px, 1fr) 100px"
        columns={[
          { name: "Node", show: (one) => <span class="mono">{one.id}</span> },
          { name: "Does", show: (one) => <Status status="active" note={one.leads ? "leads" : ""} /> },
          { name: "Version", show: (one) => one.version, wide: true },
          { name: "At", show: (one) => <span class="mono">{one.url}{one.answers && " (this one)"}</span>, wide: true },
          { name: "Since", show: (one) => <Time at={one.started_at} />, wide: true },
        ]}
        empty={<Empty icon="system" title="No node has said that it serves" />}
      />
      <div class="two-up">
        <div class="card section">
          <h2>NATS</h2>
          {outbox.error && <Failed error={outbox.error} onRetry={outbox.reload} />}
          {!outbox.data && !outbox.error && <Skeleton rows={5} of={outbox} />}
          {outbox.data && <Outbox of={outbox.data} />}
        </div>
        <div class="card section">
          <h2>This server</h2>
          {about.error && <Failed error={about.error} onRetry={about.reload} />}
          {!about.data && !about.error && <Skeleton rows={4} of={about} />}
          {about.data && (
            <Facts
              of={[
                ["Version", about.data.version],
                ["gRPC", <span class="mono">{about.data.grpc_address}</span>],
                ["Callers", about.data.auth_required ? "are asked who they are" : "are not asked who they are"],
                ["Can", about.data.features.join(", ")],
                system.data && ["Switched on", on(system.data) || "nothing that is off by default"],
                system.data && ["Python", system.data.python],
                ["Clocks of workers", <Clocks of={workers} />],
                ["Backups", <>are taken where the store is: <code>ironflow backup FILE</code></>],
                ["Licences", <a href="/assets/third-party-notices.txt" target="_blank" rel="noopener">third-party notices</a>],
              ]}
            />
          )}
        </div>
      </div>
    </div>
  );
}

/** Not under /api, and told also while it is not ready. */
async function readiness(signal: AbortSignal): Promise<Ready> {
  const answer = await fetch("/ready", { signal });
  return (await answer.json()) as Ready;
}

function Tiles({ of }: { of: Metrics }) {
  const figure = (name: string): number => of.get(`ironflow_${name}`) ?? 0;
  const commits = figure("commit_seconds_count");
  const tiles: [string, string][] = [
    ["Position", figure("history_position").toLocaleString("en")],
    ["Commits", figure("commits_total").toLocaleString("en")],
    ["Per commit", commits > 0 ? duration((figure("commit_seconds_sum") / commits) * 1_000) : "–"],
    ["Workers", figure("workers").toLocaleString("en")],
    ["Jobs at work", figure("jobs_active").toLocaleString("en")],
    ["Runs queued", figure("runs_queued").toLocaleString("en")],
    ["Timers", figure("timers").toLocaleString("en")],
    ["Waits", figure("waits").toLocaleString("en")],
    ["Subscriptions", figure("subscriptions").toLocaleString("en")],
  ];
  return (
    <div class="tiles many">
      {tiles.map(([name, value]) => (
        <div key={name} class="card tile">
          <span class="tile-name">{name}</span>
          <b class="tile-value tabular">{value}</b>
        </div>
      ))}
    </div>
  );
}

function Outbox({ of }: { of: OutboxShape }) {
  return (
    <>
      <Facts
        of={[
          ["Connected", <Status status={of.connected ? "active" : "failed"} note={of.connected ? "" : "away"} />],
          of.trouble && ["Trouble", of.trouble],
          ["Has up to", <EntryLink position={of.position} />],
          ["Waiting", <span class="tabular">{of.waiting.toLocaleString("en")} of {of.head.toLocaleString("en")}</span>],
          ["Restarts", <span class="tabular">{of.restarts}</span>],
          ["Ingested", <span class="tabular">{of.ingested_total.toLocaleString("en")}</span>],
          ["Refused", <span class="tabular">{of.refused_total.toLocaleString("en")}</span>],
          ["Too large", <span class="tabular">{of.omitted_total.toLocaleString("en")}</span>],
        ]}
      />
      {of.omitted.length > 0 && (
        <ul>
          {of.omitted.map((one) => (
            <li key={one.position} class="line">
              <EntryLink position={one.position} /> {one.kind} <span class="muted">{one.size_bytes.toLocaleString("en")} of {one.size_bytes_max.toLocaleString("en")} bytes</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Of the environment's workers, those whose clocks differ from this server's. */
function Clocks({ of }: { of: Resource<readonly WorkerShape[] | null> }) {
  if (of.data === null) return <span class="muted">not shown to you: {lacking("workers:read")}</span>;
  if (!of.data) return <span class="muted">{of.error ? of.error.message : "…"}</span>;
  const { known, off } = clocksOf(of.data);
  if (off.length === 0) return <>{known > 0 ? `${counted(known, "worker")} in step with this server's` : "no worker has told the time yet"}</>;
  return (
    <>
      {off.slice(0, CLOCKS_SHOWN).map((one) => (
        <div key={one.id}>
          <Icon name="warning" class="warn" /> <a class="entry-link" href={link("/workers", { worker: one.id })}>{one.id}</a> {skewText(one)} <span class="muted">{doubtText(one)}</span>
        </div>
      ))}
      <span class="muted">{off.length > CLOCKS_SHOWN ? `and ${(off.length - CLOCKS_SHOWN).toLocaleString("en")} more, ` : ""}of {counted(known, "worker")}</span>
    </>
  );
}

function on(of: SystemShape): string {
  return Object.entries(of.switches)
    .filter(([, value]) => value)
    .map(([name]) => name.replaceAll("_", "-"))
    .join(", ");
}
