/** One group of failures: the newest error, what sets its inputs apart, what helped before, and runs to look at. */
import type { ComponentChildren } from "preact";
import { get } from "../../api/client";
import type { FailureDetail, Repair } from "../../api/types";
import { useResource } from "../../live/resource";
import { calmText } from "../../model/affected";
import { stateOf } from "../../model/attention";
import { counted } from "../../model/counted";
import { ms } from "../../model/time";
import { environment, link } from "../../shell/route";
import { now } from "../../shell/settings";
import { Skeleton, Status, Time, short } from "../../ui/basics";
import { Edge } from "../../ui/edge";
import { Icon } from "../../ui/icon";
import { LineChart } from "../../ui/line_chart";
import { Failed } from "../../ui/states";
import { Apply } from "./applying";
import { Decisions } from "./decisions";
import { Merged } from "./merging";

/** So many of the newest failures are told by worker. */
const WORKERS_SAMPLED = 100;

export function FailureInspector({ fingerprint, onClose, onChange }: { fingerprint: string; onClose: () => void; onChange: () => void }) {
  const group = useResource(`failure ${fingerprint}`, (signal) => get<FailureDetail>(`/failures/${encodeURIComponent(fingerprint)}`, {}, signal));
  const one = group.data;
  const unknown = group.error?.status === 404;
  const changed = (): void => {
    group.reload();
    onChange();
  };
  return (
    <aside class="card inspector asked" aria-label="Group of failures">
      <Edge />
      <header class="inspector-head">
        <div>
          <h2 class="cut" title={one?.title}>
            {one ? one.error_type || one.message : "Failure"}
          </h2>
          {one && <Status status={stateOf(one, now.value)} note={one.status === "muted" && !one.decided?.muted_until ? "for good" : ""} />} <span class="faint mono small">{one?.fingerprint ?? fingerprint}</span>
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      <div class="panel">
        {unknown && (
          <p class="pad-x muted" role="status">
            There is no such group of failures in {environment.value}. A link to one that was merged leads to what it was merged into.
          </p>
        )}
        {group.error && !unknown && <Failed error={group.error} onRetry={group.reload} />}
        {!one && !group.error && <Skeleton rows={8} of={group} />}
        {one && one.fingerprint !== fingerprint && <p class="pad-x muted">{fingerprint} was merged into this group.</p>}
        {one && <Decisions of={one} onDone={changed} />}
        {one && <Detail of={one} onChange={changed} />}
      </div>
    </aside>
  );
}

function Detail({ of, onChange }: { of: FailureDetail; onChange: () => void }) {
  return (
    <div class="pad-x">
      <p class="error-message">{of.error?.message ?? of.message}</p>
      {of.top_frame && (
        <p class="small">
          <span class="muted">in</span> <code>{of.top_frame}</code>
        </p>
      )}
      <p class="small muted">
        {counted(of.failures, "time")} in {counted(of.runs, "run")}, {of.open.toLocaleString("en")} still open; first <Time at={of.first_seen} />,{" "}
        {calmText(of, now.value) ? "calm since: the last failure " : "last "}
        <Time at={of.last_seen} />
      </p>
      {of.error?.stack && (
        <pre class="stack" tabIndex={0} aria-label="Stack">
          {of.error.stack}
        </pre>
      )}
      <Part title="What sets the failed inputs apart">
        {of.differences.length === 0 && (
          <p class="muted">
            Nothing that shows: {counted(of.compared.failed, "failed input")} compared with {of.compared.succeeded} that went well.
          </p>
        )}
        <ul>
          {of.differences.map((one) => (
            <li key={`${one.path} ${one.fact}`} class="line several">
              <code>{one.path}</code> <b>{one.fact}</b>
              <span class="tabular small">
                {percent(one.failed)} <span class="muted">of failed, {percent(one.succeeded)} of those that went well</span>
              </span>
            </li>
          ))}
        </ul>
      </Part>
      <Part title="Over time">
        <LineChart points={overTime(of.series)} label="Failures" told={(value) => counted(value, "time")} />
      </Part>
      <Part title="Versions of the function">
        <ul>
          {of.versions.map((one) => (
            <li key={one.version} class="line">
              <span class="mono">v{one.version}</span>
              <span class="grow tabular">
                {counted(one.failures, "time")} in {counted(one.runs, "run")}
              </span>
              <span class="muted small">
                <Time at={one.first_seen} /> – <Time at={one.last_seen} />
              </span>
            </li>
          ))}
        </ul>
      </Part>
      {of.workers.length > 0 && (
        <Part title="Workers that had it in hand">
          <ul>
            {of.workers.map((one) => (
              <li key={one.worker_id} class="line">
                <a class="mono" title={one.worker_id} href={link("/workers", { worker: one.worker_id })}>
                  {short(one.worker_id)}
                </a>
                <span class="grow tabular">
                  {counted(one.failures, "time")} in {counted(one.runs, "run")}
                </span>
                <span class="muted small">
                  last <Time at={one.last_seen} />
                </span>
              </li>
            ))}
          </ul>
          {of.failures > WORKERS_SAMPLED && <p class="muted small">of the newest {WORKERS_SAMPLED} failures</p>}
        </Part>
      )}
      {of.entities.length > 0 && (
        <Part title={`Entities${of.affected.entities > of.entities.length ? `: ${of.entities.length} of ${of.affected.entities.toLocaleString("en")}` : ""}`}>
          <ul>
            {of.entities.map((one) => (
              <li key={`${one.entity_type}/${one.entity_id}`} class="line">
                <a class="cut" href={link(`/streams/${encodeURIComponent(one.entity_type)}/${encodeURIComponent(one.entity_id)}`)}>
                  {one.entity_type} {one.entity_id}
                </a>
                <span class="grow tabular">{counted(one.failures, "time")}</span>
                <span class="muted small">
                  last <Time at={one.last_seen} />
                </span>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Part title="What helped before">
        <Repairs of={of.repairs} />
        <Apply of={of} onDone={onChange} />
      </Part>
      {of.merged.length > 0 && (
        <Part title="Merged into it">
          <Merged of={of} onDone={onChange} />
        </Part>
      )}
      <Part title="Runs">
        <ul>
          {of.samples.map((one) => (
            <li key={`${one.run_id} ${one.position}`} class="line">
              <Status status={one.run_status} />
              <a class="grow" href={link(`/runs/${one.run_id}`, { at: one.position })}>
                {short(one.run_id)}
              </a>
              <span class="muted small">
                <Time at={one.at} />
              </span>
            </li>
          ))}
        </ul>
      </Part>
    </div>
  );
}

export function Repairs({ of }: { of: readonly Repair[] }) {
  if (of.length === 0) return <p class="muted">No run that failed so has come to completion yet.</p>;
  return (
    <ul>
      {of.map((repair) => {
        const [example] = repair.examples;
        return (
          <li key={repair.how} class="line">
            <Icon name={repair.how === "patched" || repair.how === "injected" ? "diamond" : "refresh"} class={repair.how === "patched" || repair.how === "injected" ? "edit" : "run"} />
            <span class="cut grow">
              {repair.how} <b class="tabular">{repair.runs}</b>
              {example?.reason && <span class="muted"> “{example.reason}”</span>}
            </span>
            {example && <a href={link(`/runs/${example.repaired_by}`)}>see one</a>}
          </li>
        );
      })}
    </ul>
  );
}

/** Failures in each span, at its end. */
function overTime({ since, bucket_seconds: seconds, counts }: FailureDetail["series"]): { at: number; value: number }[] {
  return counts.map((value, index) => ({ at: ms(since) + (index + 1) * seconds * 1_000, value }));
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}
