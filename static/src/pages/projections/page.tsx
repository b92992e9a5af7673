/** The views that are folded from events: how far each has come, and what keeps it from going on. */
import { get } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { PageHead } from "../../shell/head";
import { link, navigate } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Command, Empty } from "../../ui/states";

const EVERY_MS = 2_000;

const EXAMPLE = `curl -X PUT ${location.origin}/api/v1/projections/orders -H 'Content-Type: application/json' \\
  -d '{"events": ["order.placed"], "initial": {"count": 0},
       "rules": [{"on": "order.placed", "set": {"count": "state.count + 1"}}]}'`;

export default function Projections() {
  const projections = useResource("projections", (signal) => get<ProjectionSummary[]>("/projections", {}, signal), { every: EVERY_MS });
  const items = projections.data;
  const behind = items?.filter((one) => one.lag > 0).length ?? 0;
  return (
    <div class="page full">
      <PageHead title="Projections">
        <span class="muted tabular">{items?.length ? `${items.length}${behind ? ` · ${behind} behind` : " · all caught up"}` : ""}</span>
      </PageHead>
      <Browse
        label="Projections"
        param="projection"
        resource={projections}
        items={items}
        id={(one) => one.name}
        copies="Name"
        onOpen={(one) => navigate(link(`/projections/${encodeURIComponent(one.name)}`))}
        columns={[
          { name: "Projection", width: "minmax(140px, 1.4fr)", show: (one) => one.name },
          { name: "Status", width: "116px", show: (one) => <Status status={one.status} /> },
          { name: "Lag", width: "90px", show: (one) => <Lag of={one} /> },
          { name: "Position", width: "90px", show: (one) => <span class="mono">{one.last_event_seq}</span>, wide: true },
          { name: "Mode", width: "90px", show: (one) => one.mode, wide: true },
          { name: "Folds", width: "minmax(140px, 1.6fr)", show: (one) => <span class="mono">{one.events.join(", ")}</span>, wide: true },
          { name: "Trouble", width: "minmax(100px, 1fr)", show: (one) => <Trouble of={one} />, wide: true },
          { name: "Changed", width: "96px", show: (one) => <Time at={one.updated_at} />, wide: true },
        ]}
        empty={
          <Empty icon="projections" title="No projection is here">
            <p class="muted">A worker registers the projections that it folds; by rules, the server folds one itself:</p>
            <Command text={EXAMPLE} />
          </Empty>
        }
      />
    </div>
  );
}

export function Lag({ of }: { of: ProjectionSummary }) {
  return of.lag === 0 ? <span class="muted">none</span> : <span class="tabular">{of.lag.toLocaleString("en")}</span>;
}

function Trouble({ of }: { of: ProjectionSummary }) {
  if (of.error_message) return <span title={of.error_message}>{of.error_message}</span>;
  return <LeftOut of={of} />;
}

/** How many events it goes on without. */
export function LeftOut({ of }: { of: ProjectionSummary }) {
  const told = [of.parked > 0 && `${of.parked.toLocaleString("en")} parked`, of.skipped > 0 && `${of.skipped.toLocaleString("en")} skipped`].filter(Boolean);
  return told.length > 0 ? <span class="tabular">{told.join(", ")}</span> : <span class="muted">none</span>;
}
