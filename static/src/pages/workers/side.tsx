/** One worker: where it is, what it serves, the runs that are in its hands, and asking it to drain or ending its session. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { doing, doubtText, isPush, rttText, skewText } from "../../model/workers";
import { useKeys } from "../../shell/keys";
import { link } from "../../shell/route";
import { Act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Id, Skeleton, Time, short } from "../../ui/basics";
import { Icon } from "../../ui/icon";
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

const MANAGE = "workers:manage";

type Verb = "drain" | "disconnect";

interface Props {
  of: WorkerShape;
  onClose: () => void;
  onDone: () => void;
}

export function WorkerSide({ of, onClose, onDone }: Props) {
  const [asked, setAsked] = useState<Verb | null>(null);
  const labels = Object.entries(of.labels);
  const there = !of.left_at && !isPush(of);
  const barred = of.left_at ? "it is gone" : isPush(of) ? "it is an endpoint: pause its function instead" : lacks(MANAGE) || (of.draining ? "it drains already, and takes nothing more" : "");
  useKeys("Worker", [{ keys: "D", label: "Drain…", barred, run: () => setAsked("drain") }]);
  return (
    <Side title={of.id} under={<span class="muted">{doing(of)}</span>} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} whole />],
          of.hostname && ["Host", <span class="mono">{of.hostname}</span>],
          ["SDK", [of.version.sdk, of.version.runtime].filter(Boolean).join(", ") || "not told"],
          ["Connected", <Time at={of.registered_at} />],
          ["By", of.transport],
          ["Heard of", <Time at={of.last_heartbeat} />],
          of.left_at && ["Left", <Time at={of.left_at} />],
          of.left_at && ["Why", of.reason],
          there && ["Round trip", rttText(of) || <span class="muted">not measured yet</span>],
          there && ["Clock", <Clock of={of} />],
          labels.length > 0 && ["Labels", labels.map(([name, value]) => <div key={name} class="mono">{`${name}=${value}`}</div>)],
        ]}
      />
      {there && (
        <p class="buttons pad-x">
          <Act permission={MANAGE} barred={barred} label="Drain…" onClick={() => setAsked("drain")} />
          <Act allowed={may(MANAGE)} permission={MANAGE} label="Disconnect…" onClick={() => setAsked("disconnect")} />
        </p>
      )}
      {isPush(of) && <p class="muted pad-x">An endpoint that runs are pushed to takes no such orders: pause its function instead.</p>}
      {!of.left_at && may("capacity:read") && <Leases of={of.id} />}
      <h3 class="pad-x">{of.left_at ? "Served" : "Serves"}</h3>
      <ul class="pad-x">
        {of.function_ids.map((id) => (
          <li key={id} class="line">
            <a href={link("/functions", { function: id })}>{id}</a>
          </li>
        ))}
      </ul>
      {asked && <Order verb={asked} of={of} onClose={() => setAsked(null)} onDone={onDone} />}
    </Side>
  );
}

function Clock({ of }: { of: WorkerShape }) {
  if (of.skew_ms === undefined) return <span class="muted">it has not told the time yet</span>;
  return (
    <>
      {of.skewed && <Icon name="warning" class="warn" />} {of.skewed ? `${skewText(of)} of the server's` : "in step with the server's"}, <span class="muted">{doubtText(of)}</span>
    </>
  );
}

const WORDS: Record<Verb, { title: string; verb: string; done: string }> = {
  drain: { title: "Drain", verb: "Drain it", done: "It takes no more runs" },
  disconnect: { title: "Disconnect", verb: "Disconnect it", done: "Disconnected: its runs go to others" },
};

function Order({ verb, of, onClose, onDone }: Props & { verb: Verb }) {
  const words = WORDS[verb];
  const runs = of.active_jobs === 1 ? "the run that it has" : `the ${of.active_jobs} runs that it has`;
  return (
    <Ask
      title={`${words.title} ${of.id}`}
      verb={words.verb}
      done={words.done}
      danger={verb === "disconnect"}
      reasoned
      run={(reason) => request("POST", `/workers/${segment(of.id)}/${verb}`, { body: { reason } })}
      onClose={onClose}
      onDone={onDone}
    >
      {verb === "drain" ? (
        <p class="muted">
          It is handed no more runs{of.active_jobs > 0 && `, and finishes ${runs}`}. {of.transport === "rest" ? "It stays connected, and says that it has drained." : "Then it ends; whatever looks after its process may start it again."}
        </p>
      ) : (
        <p class="muted">
          Its session ends at once{of.active_jobs > 0 && `, and ${runs} go to others, from the last step that is recorded`}. If it is well it connects again: to be rid of it, drain it, or end its process.
        </p>
      )}
    </Ask>
  );
}

function Leases({ of }: { of: string }) {
  const leases = useResource("leases", (signal) => get<Lease[]>("/capacity/leases", { limit: LEASES_MAX }, signal), { every: EVERY_MS });
  const held = leases.data?.filter((one) => one.worker_id === of);
  return (
    <>
      <h3 class="pad-x">In its hands</h3>
      {leases.error && <Failed error={leases.error} onRetry={leases.reload} />}
      {!held && !leases.error && <Skeleton rows={2} of={leases} />}
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
