/** The workers that are connected: where they are, what they serve, and how busy they are. */
import { get } from "../../api/client";
import type { WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { PageHead } from "../../shell/head";
import { link } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Command, Empty } from "../../ui/states";
import { WorkerSide } from "./side";

const EVERY_MS = 2_000;

export default function Workers() {
  const workers = useResource("workers", (signal) => get<{ workers: WorkerShape[] }>("/workers", {}, signal), { every: EVERY_MS });
  const items = workers.data?.workers;
  const slots = items?.reduce((sum, one) => sum + one.max_concurrent, 0) ?? 0;
  const used = items?.reduce((sum, one) => sum + one.active_jobs, 0) ?? 0;
  return (
    <div class="page full">
      <PageHead title="Workers">
        <span class="muted tabular">{items && items.length > 0 ? `${items.length} connected · ${used} of ${slots} slots in use` : ""}</span>
      </PageHead>
      <Browse
        label="Workers"
        param="worker"
        resource={workers}
        items={items}
        id={(one) => one.id}
        columns={[
          { name: "Worker", width: "minmax(160px, 1.4fr)", show: (one) => <span class="mono">{one.id}</span> },
          { name: "Status", width: "110px", show: (one) => <Status status={one.draining ? "paused" : "active"} note={one.draining ? "draining" : ""} /> },
          { name: "Slots", width: "minmax(110px, 1fr)", show: (one) => <Slots of={one} /> },
          { name: "Where", width: "minmax(120px, 1fr)", show: (one) => `${one.hostname || "?"} · ${one.version.sdk || one.transport}`, wide: true, alone: true },
          {
            name: "Serves",
            width: "minmax(140px, 1.5fr)",
            show: (one) => (
              <span title={one.function_ids.join(", ")}>
                {one.function_ids.slice(0, 3).map((id, index) => (
                  <span key={id}>
                    {index > 0 && ", "}
                    <a href={link("/functions", { function: id })}>{id}</a>
                  </span>
                ))}
                {one.function_ids.length > 3 && <span class="muted"> and {one.function_ids.length - 3} more</span>}
              </span>
            ),
            wide: true,
            alone: true,
          },
          { name: "Heard of", width: "100px", show: (one) => <Time at={one.last_heartbeat} />, wide: true },
        ]}
        empty={
          <Empty icon="workers" title="No worker is connected">
            <p class="muted">Runs wait until one comes that serves their function. The demo's is one:</p>
            <Command text="ironflow demo" />
          </Empty>
        }
        side={(one, close) => <WorkerSide key={one.id} of={one} onClose={close} />}
      />
    </div>
  );
}

function Slots({ of }: { of: WorkerShape }) {
  const share = of.max_concurrent > 0 ? of.active_jobs / of.max_concurrent : 0;
  return (
    <span class="slots">
      <span class="meter" aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span class="tabular">
        {of.active_jobs}/{of.max_concurrent}
      </span>
    </span>
  );
}
