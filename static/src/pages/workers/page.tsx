/** The workers that are connected: where they are, what they serve, and how busy they are. */
import { get } from "../../api/client";
import type { WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { link } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { ListCard } from "../../ui/list_card";
import { Command, Empty } from "../../ui/states";

const EVERY_MS = 2_000;

export default function Workers() {
  const workers = useResource("workers", (signal) => get<{ workers: WorkerShape[] }>("/workers", {}, signal), { every: EVERY_MS });
  useKeys("Workers", [{ keys: "r", label: "Look again", run: workers.reload }]);
  const items = workers.data?.workers;
  const slots = items?.reduce((sum, one) => sum + one.max_concurrent, 0) ?? 0;
  const used = items?.reduce((sum, one) => sum + one.active_jobs, 0) ?? 0;
  return (
    <div class="page full">
      <PageHead title="Workers">
        <span class="muted tabular">{items && items.length > 0 ? `${items.length} connected · ${used} of ${slots} slots in use` : ""}</span>
      </PageHead>
      <ListCard
        label="Workers"
        resource={workers}
        items={items}
        id={(one) => one.id}
        widths="minmax(160px, 1.4fr) 110px minmax(110px, 1fr) minmax(120px, 1fr) minmax(140px, 1.5fr) 100px"
        columns={[
          { name: "Worker", show: (one) => <span class="mono">{one.id}</span> },
          { name: "Status", show: (one) => <Status status={one.draining ? "paused" : "active"} note={one.draining ? "draining" : ""} /> },
          { name: "Slots", show: (one) => <Slots of={one} /> },
          { name: "Where", show: (one) => `${one.hostname || "?"} · ${one.version.sdk || one.transport}`, wide: true },
          {
            name: "Serves",
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
          },
          { name: "Heard of", show: (one) => <Time at={one.last_heartbeat} />, wide: true },
        ]}
        empty={
          <Empty icon="workers" title="No worker is connected">
            <p class="muted">Runs wait until one comes that serves their function. The demo's is one:</p>
            <Command text="ironflow demo" />
          </Empty>
        }
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
