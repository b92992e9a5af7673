/** One worker: where it is, what it serves, and the runs that are in its hands. */
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { link } from "../../shell/route";
import { Id, Skeleton, Time, short } from "../../ui/basics";
import { Facts, Side } from "../../ui/side";
import { Failed } from "../../ui/states";

interface Lease {
  run_id: string;
  function_id: string;
  worker_id: string;
  activated_at: string;
  expires_at: string;
}

const EVERY_MS = 2_000;
const LEASES_MAX = 10_000;
const LEASES_SHOWN = 50;

export function WorkerSide({ of, onClose }: { of: WorkerShape; onClose: () => void }) {
  const labels = Object.entries(of.labels);
  return (
    <Side title={of.id} under={<span class="muted">{of.draining ? "takes nothing more, and ends when its runs have" : `${of.active_jobs} of ${of.max_concurrent} slots in use`}</span>} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} whole />],
          of.hostname && ["Host", <span class="mono">{of.hostname}</span>],
          ["SDK", [of.version.sdk, of.version.runtime].filter(Boolean).join(", ") || "not told"],
          ["Connected", <Time at={of.registered_at} />],
          ["By", of.transport],
          ["Heard of", <Time at={of.last_heartbeat} />],
          labels.length > 0 && ["Labels", labels.map(([name, value]) => <div key={name} class="mono">{`${name}=${value}`}</div>)],
        ]}
      />
      {may("capacity:read") && <Leases of={of.id} />}
      <h3 class="pad-x">Serves</h3>
      <ul class="pad-x">
        {of.function_ids.map((id) => (
          <li key={id} class="line">
            <a href={link("/functions", { function: id })}>{id}</a>
          </li>
        ))}
      </ul>
    </Side>
  );
}

function Leases({ of }: { of: string }) {
  const leases = useResource("leases", (signal) => get<Lease[]>("/capacity/leases", { limit: LEASES_MAX }, signal), { every: EVERY_MS });
  const held = leases.data?.filter((one) => one.worker_id === of);
  return (
    <>
      <h3 class="pad-x">In its hands</h3>
      {leases.error && <Failed error={leases.error} onRetry={leases.reload} />}
      {!held && !leases.error && <Skeleton rows={2} />}
      {held?.length === 0 && <p class="muted pad-x">No run at the moment.</p>}
      <ul class="pad-x">
        {held?.slice(0, LEASES_SHOWN).map((one) => (
          <li key={one.run_id} class="line">
            <a class="cut grow" href={link(`/runs/${one.run_id}`)} title={one.run_id}>
              {one.function_id}
            </a>
            <span class="faint mono small">{short(one.run_id)}</span>
            <span class="muted small" title="since it has it">
              <Time at={one.activated_at} />
            </span>
          </li>
        ))}
      </ul>
      {held && held.length > LEASES_SHOWN && <p class="muted small pad-x">and {(held.length - LEASES_SHOWN).toLocaleString("en")} more</p>}
    </>
  );
}
