/** The list of workers: those that are there, those that left of late, and word of those that were turned away. */
import type { TurnedAway, WorkerShape } from "../../api/types";
import type { Resource } from "../../live/resource";
import { doubtText, rejectedText, rttText, skewSigned, skewText, standingOf } from "../../model/workers";
import { link } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Icon } from "../../ui/icon";
import { Command, Empty } from "../../ui/states";
import { WorkerSide } from "./side";

const FUNCTIONS_SHOWN = 3;

interface Props {
  resource: Resource<unknown>;
  items: readonly WorkerShape[] | undefined;
  rejected: readonly TurnedAway[];
}

export function Connected({ resource, items, rejected }: Props) {
  return (
    <>
      <Rejected of={rejected} />
      <Browse
        label="Workers"
        noun="worker"
        sideKeys={{ D: "Drain…" }}
        param="worker"
        resource={resource}
        items={items}
        id={(one) => one.id}
        columns={[
          { name: "Worker", width: "minmax(160px, 1.4fr)", show: (one) => <Name of={one} /> },
          { name: "Status", width: "132px", show: (one) => <Status {...standingOf(one)} /> },
          { name: "Slots", width: "minmax(110px, 1fr)", show: (one) => (one.left_at ? <span class="faint">–</span> : <Slots of={one} />) },
          { name: "Where", width: "minmax(120px, 1fr)", show: (one) => <span class={one.left_at ? "faint" : ""}>{`${one.hostname || "?"} · ${one.version.sdk || one.transport}`}</span>, wide: true, alone: true },
          { name: "Serves", width: "minmax(140px, 1.5fr)", show: (one) => <Serves of={one} />, wide: true, alone: true },
          { name: "Round trip", width: "92px", show: (one) => <span class="tabular">{(!one.left_at && rttText(one)) || <span class="faint">–</span>}</span>, wide: true, alone: true },
          { name: "Clock", width: "112px", show: (one) => <Skew of={one} />, wide: true, alone: true },
          { name: "Heard of", width: "100px", show: (one) => <Time at={one.last_heartbeat} />, wide: true },
        ]}
        empty={
          <Empty icon="workers" title="No worker is connected">
            <p class="muted">Runs wait until one comes that serves their function. The demo's is one:</p>
            <Command text="ironflow demo" />
          </Empty>
        }
        side={(one, close) => <WorkerSide key={one.id} of={one} onClose={close} onDone={resource.reload} />}
      />
    </>
  );
}

/** Its id; where there is no place for what its clock tells, that it differs. */
function Name({ of }: { of: WorkerShape }) {
  return (
    <>
      <span class={`mono ${of.left_at ? "faint" : ""}`}>{of.id}</span>{" "}
      {of.skewed && !of.left_at && (
        <span class="only-narrow">
          <Icon name="warning" class="warn" size={14} />
          <span class="visually-hidden">its clock differs from the server's</span>
        </span>
      )}
    </>
  );
}

/** How its clock differs, if it does. */
function Skew({ of }: { of: WorkerShape }) {
  const text = of.left_at ? "" : skewSigned(of);
  if (!of.skewed || !text) return <span class={text ? "muted" : "faint"}>{text || "–"}</span>;
  return (
    <span class="status tabular" title={`Its clock is ${skewText(of)} of the server's, ${doubtText(of)}`}>
      <Icon name="warning" class="warn" /> {text}
    </span>
  );
}

/** Workers that knock in vain. */
function Rejected({ of }: { of: readonly TurnedAway[] }) {
  const said = rejectedText(of);
  if (!said) return null;
  return (
    <details class="problem rejected">
      <summary>
        <Icon name="warning" class="fail" /> {said}, the last <Time at={of[0].last_at} />
      </summary>
      <ul>
        {of.map((one) => (
          <li key={`${one.key} ${one.code}`}>
            {one.times.toLocaleString("en")}× {one.key ? <span class="mono">{one.key}</span> : "without a key"}
            {one.address && (
              <>
                {" "}
                from <span class="mono">{one.address}</span>
              </>
            )}
            : {one.message} <span class="muted mono small">{one.code}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Serves({ of }: { of: WorkerShape }) {
  return (
    <span title={of.function_ids.join(", ")}>
      {of.function_ids.slice(0, FUNCTIONS_SHOWN).map((id, index) => (
        <span key={id}>
          {index > 0 && ", "}
          <a href={link("/functions", { function: id })}>{id}</a>
        </span>
      ))}
      {of.function_ids.length > FUNCTIONS_SHOWN && <span class="muted"> and {of.function_ids.length - FUNCTIONS_SHOWN} more</span>}
    </span>
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
