/** Bulk jobs beside the list of runs: the one that is looked at, and those that run. They go on whether or not anybody
 * looks. */
import { useState } from "preact/hooks";
import { type BulkResults, job, jobs, results, stopJob } from "../../api/bulk";
import { may } from "../../api/session";
import type { BulkJob } from "../../api/types";
import { useResource } from "../../live/resource";
import { doneBy, farOf, outlook, shareOf, whichOf } from "../../model/bulk";
import { look } from "../../model/status";
import { choose, environment, link } from "../../shell/route";
import { Act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { Skeleton, Time, short } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

const PACE_MS = 500;
const RUNNING_SHOWN = 5;
const JOBS_SHOWN = 50;
const REFUSED_SHOWN = 100;
const MADE_SHOWN = 5;
/** A job that has ended, and could not do all. */
const REFUSED = { icon: "warning", role: "warn" } as const;

/** The job of the address, and others that run. */
export function Jobs({ open }: { open: string }) {
  const running = useResource(`bulk jobs ${environment.value}`, (signal) => jobs({ status: "running", limit: RUNNING_SHOWN }, signal), { pattern: "system.bulk.*.*", pace: PACE_MS });
  const others = running.data?.filter((one) => one.id !== open) ?? [];
  return (
    <>
      {open && <JobCard key={open} id={open} />}
      {others.map((one) => (
        <section key={one.id} class="card job slim" aria-label={`Bulk job ${short(one.id)}`}>
          <Bar of={one} />
          <span class="tabular">{farOf(one)}</span>
          <span class="grow" />
          <button type="button" class="small" onClick={() => choose({ job: one.id })}>
            Look at it
          </button>
        </section>
      ))}
    </>
  );
}

function JobCard({ id }: { id: string }) {
  const told = useResource(`bulk job ${id}`, (signal) => job(id, signal), { pattern: `system.bulk.${id}.*`, pace: PACE_MS });
  const of = told.data;
  const permission = `runs:${of?.verb}`;
  const [stopping, setStopping] = useState(false);
  return (
    <section class="card job" aria-label={`Bulk job ${short(id)}`}>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!of && !told.error && <Skeleton rows={2} of={told} />}
      {of && (
        <>
          <div class="job-line">
            <State of={of} />
            <b class="tabular" role="status">
              {farOf(of)}
            </b>
            <span class="muted">{outlook(of, Date.now())}</span>
            <span class="grow" />
            {of.status === "running" && (
              <Act allowed={may(permission)} permission={permission} label="Stop…" onClick={() => setStopping(true)} />
            )}
            <button type="button" class="quiet icon-only" aria-label="Close the job" onClick={() => choose({ job: null })}>
              <Icon name="cross" size={14} />
            </button>
          </div>
          <Bar of={of} />
          <p class="muted small">
            {whichOf(of) ? <code>{whichOf(of)}</code> : `${of.named ?? 0} chosen`} · “{of.reason}” · began <Time at={of.started_at} />
            {of.started_by && <> by <Actor id={of.started_by} /></>}
            {of.per_second ? ` · at most ${of.per_second} a second` : ""}
          </p>
          <Outcome of={of} />
          {stopping && (
            <Ask title={`Stop it at ${farOf(of)}`} verb="Stop it" done="Stopped" reasoned run={(reason) => stopJob(id, reason)} onClose={() => setStopping(false)} onDone={told.reload}>
              <p>What it has done stays done; the rest stay as they are.</p>
            </Ask>
          )}
        </>
      )}
    </section>
  );
}

function Bar({ of }: { of: BulkJob }) {
  return <progress class="job-bar" value={shareOf(of)} max={1} aria-label={farOf(of)} />;
}

function State({ of }: { of: BulkJob }) {
  const looks = look(of.status);
  const { icon, role } = of.status === "completed" && of.refused > 0 ? REFUSED : looks;
  return (
    <span class="status">
      <Icon name={icon} class={role} /> {looks.label.toLowerCase()}
    </span>
  );
}

/** What it made, and what it could not do. */
function Outcome({ of }: { of: BulkJob }) {
  const makes = of.verb === "replay" || of.verb === "fork";
  const made = useResource(
    `made by ${of.id}`,
    (signal) => (makes ? results(of.id, { outcome: "changed", limit: MADE_SHOWN }, signal) : Promise.resolve<BulkResults>({ results: [] })),
    { version: Math.min(of.changed, MADE_SHOWN) },
  );
  const [open, setOpen] = useState(false);
  return (
    <>
      {made.data && made.data.results.length > 0 && (
        <p class="small">
          New runs:{" "}
          {made.data.results.map((one) => (
            <a key={one.run_id} class="listed mono" href={link(`/runs/${one.made ?? one.run_id}`)}>
              {short(one.made ?? one.run_id)}
            </a>
          ))}
          {of.changed > made.data.results.length && <span class="muted"> and {(of.changed - made.data.results.length).toLocaleString("en")} more</span>}
        </p>
      )}
      {of.refused > 0 && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>
            {of.refused.toLocaleString("en")} could not be {doneBy(of.verb)}
          </summary>
          {open && <Refused of={of} />}
        </details>
      )}
    </>
  );
}

function Refused({ of }: { of: BulkJob }) {
  const told = useResource(`refused by ${of.id}`, (signal) => results(of.id, { outcome: "refused", limit: REFUSED_SHOWN }, signal), { version: Math.min(of.refused, REFUSED_SHOWN) });
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={2} of={told} />;
  const hidden = of.refused - told.data.results.length;
  return (
    <ul class="bulk-refused">
      {told.data.results.map((one) => (
        <li key={one.run_id} class="small">
          <a class="mono" href={link(`/runs/${one.run_id}`)}>
            {short(one.run_id)}
          </a>{" "}
          <span class="muted">{one.error}</span>
        </li>
      ))}
      {hidden > 0 && <li class="small muted">… and {hidden.toLocaleString("en")} more: ironflow bulk results {of.id} --refused</li>}
    </ul>
  );
}

/** All that there were lately. */
export function JobsDialog({ onClose }: { onClose: () => void }) {
  const told = useResource(`all bulk jobs ${environment.value}`, (signal) => jobs({ limit: JOBS_SHOWN }, signal), { pattern: "system.bulk.*.*", pace: PACE_MS });
  return (
    <Dialog title="Bulk jobs" onClose={onClose} class="wide">
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!told.data && !told.error && <Skeleton rows={4} of={told} />}
      {told.data?.length === 0 && <p class="muted">None yet. Choose runs (x), or all that fit a filter, and say what is to be done to them.</p>}
      {told.data && told.data.length > 0 && (
        <ul class="kept-views">
          {told.data.map((one) => (
            <li key={one.id}>
              <State of={one} />
              <button
                type="button"
                class="link cut"
                onClick={() => {
                  choose({ job: one.id });
                  onClose();
                }}
              >
                {farOf(one)}
              </button>
              <span class="muted small cut grow">“{one.reason}”</span>
              <span class="faint small">
                <Time at={one.started_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
