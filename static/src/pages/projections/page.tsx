/** The views that are folded from events: how far each has come, and what keeps it from going on. */
import { get } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { lagText, partitionsText, rateText, standing } from "../../model/progress";
import { PageHead } from "../../shell/head";
import { link, navigate } from "../../shell/route";
import { Status } from "../../ui/basics";
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
        noun="projection"
        param="projection"
        resource={projections}
        items={items}
        id={(one) => one.name}
        copies="Name"
        onOpen={(one) => navigate(link(`/projections/${encodeURIComponent(one.name)}`))}
        columns={[
          { name: "Projection", width: "minmax(110px, 1.2fr)", show: (one) => one.name },
          { name: "Status", width: "116px", show: (one) => <Status status={standing(one).status} /> },
          { name: "Lag", width: "124px", show: (one) => <Lag of={one} /> },
          { name: "Rate", width: "60px", show: (one) => <span class="tabular">{rateText(one) || <span class="muted">–</span>}</span>, wide: true },
          { name: "Partitions", width: "72px", show: (one) => <span class="tabular">{partitionsText(one) || <span class="muted">–</span>}</span>, wide: true },
          { name: "Position", width: "72px", show: (one) => <span class="mono">{one.last_event_seq}</span>, wide: true },
          { name: "Mode", width: "76px", show: (one) => one.mode, wide: true },
          { name: "Folds", width: "minmax(90px, 1fr)", show: (one) => <span class="mono">{one.events.join(", ")}</span>, wide: true },
          { name: "Trouble", width: "minmax(90px, 1.4fr)", show: (one) => <Trouble of={one} />, wide: true },
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
  const told = lagText(of);
  return told ? (
    <span class="tabular" title="Positions of history that it has not reached, and the age of the oldest">
      {told}
    </span>
  ) : (
    <span class="muted">none</span>
  );
}

function Trouble({ of }: { of: ProjectionSummary }) {
  const said = of.error_message || (of.skipped + of.parked === 0 && standing(of).why);
  if (said) return <span title={said}>{said}</span>;
  return <LeftOut of={of} />;
}

/** How many events it goes on without. */
export function LeftOut({ of }: { of: ProjectionSummary }) {
  const told = [of.parked > 0 && `${of.parked.toLocaleString("en")} parked`, of.skipped > 0 && `${of.skipped.toLocaleString("en")} skipped`].filter(Boolean);
  return told.length > 0 ? <span class="tabular">{told.join(", ")}</span> : <span class="muted">none</span>;
}
