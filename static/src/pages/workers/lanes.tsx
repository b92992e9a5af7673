/** Who waits for what: the lanes of functions, each with what executes and what waits, the longest wait first. */
import { get } from "../../api/client";
import type { Lane } from "../../api/types";
import { useResource } from "../../live/resource";
import { duration } from "../../model/time";
import { heatOf, takenText, waitsFor } from "../../model/workers";
import { link, navigate } from "../../shell/route";
import { Browse } from "../../ui/browse";
import { Empty } from "../../ui/states";

const EVERY_MS = 2_000;
const LANES_MAX = 1_000;

export function Lanes() {
  const lanes = useResource("lanes", (signal) => get<Lane[]>("/capacity/lanes", { limit: LANES_MAX }, signal), { every: EVERY_MS });
  const items = lanes.data;
  return (
    <Browse
      label="Lanes"
      noun="lane"
      param="lane"
      resource={lanes}
      items={items}
      id={(one) => `${one.function_id} ${one.lane_id}`}
      onOpen={(one) => navigate(link("/functions", { function: one.function_id }))}
      columns={[
        { name: "Function", width: "minmax(140px, 1.2fr)", show: (one) => one.function_id },
        { name: "Key", width: "minmax(90px, 1fr)", show: (one) => (one.lane_id ? <span class="mono">{one.lane_id}</span> : <span class="faint">–</span>), wide: true },
        { name: "At work", width: "90px", show: (one) => <span class="tabular">{takenText(one)}</span> },
        { name: "Waiting", width: "90px", show: (one) => <span class="tabular">{one.queued.toLocaleString("en")}</span> },
        { name: "Longest wait", width: "150px", show: (one) => <Oldest of={one} among={items ?? []} /> },
        { name: "Waits for", width: "minmax(150px, 1.2fr)", show: (one) => waitsFor(one) || <span class="faint">nothing</span>, wide: true },
      ]}
      empty={
        <Empty icon="check" title="Nothing waits, and nothing is at work">
          <p class="muted">A lane is here while runs of its function, and of its concurrency key, execute or wait.</p>
        </Empty>
      }
    />
  );
}

function Oldest({ of, among }: { of: Lane; among: readonly Lane[] }) {
  if (of.queued === 0) return <span class="faint">–</span>;
  return (
    <span class="slots">
      <span class="meter warm" aria-hidden="true">
        <span style={{ width: `${(heatOf(of, among) * 100).toFixed(0)}%` }} />
      </span>
      <span class="tabular">{duration(of.oldest_queue_age_seconds * 1_000)}</span>
    </span>
  );
}
