/** What mended one run of a group, given to the others: planned for each by the server first, and done as it was planned.
 * Those that refuse are listed, and keep none of the others from it. */
import { useState } from "preact/hooks";
import { request, text } from "../../api/client";
import { may } from "../../api/session";
import type { AppliedPatch, AppliedRun, FailureDetail } from "../../api/types";
import { useResource } from "../../live/resource";
import { parted, patchOf, planText, repeats, versionsOf } from "../../model/applying";
import { at, parse } from "../../model/json";
import { link } from "../../shell/route";
import { Act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Skeleton, short } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";

const NEEDS = ["runs:patch", "runs:resume"];

export function Apply({ of, onDone }: { of: FailureDetail; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [outcome, setOutcome] = useState<AppliedPatch | null>(null);
  const patch = patchOf(of.repairs);
  const lacks = NEEDS.find((permission) => !may(permission)) ?? "";
  if (of.open === 0) return null;
  if (!patch)
    return (
      <p class="muted small">Patch one of its runs, in place or on a fork: once that has gone well, all the others can be given the same.</p>
    );
  return (
    <>
      <p class="buttons">
        <Act allowed={lacks === ""} permission={lacks} label="Apply to all…" onClick={() => setAsking(true)} />
        <span class="muted small">
          what{" "}
          <a class="entry-link" href={link(`/runs/${patch.run}`)}>
            {short(patch.run)}
          </a>{" "}
          was given, to {of.open.toLocaleString("en")} that {of.open === 1 ? "rests" : "rest"}
        </span>
      </p>
      {asking && (
        <Form
          of={of}
          from={patch.run}
          onClose={() => setAsking(false)}
          onDone={(told) => {
            if (told.refused > 0) setOutcome(told);
            onDone();
          }}
        />
      )}
      {outcome && (
        <Dialog title={`${outcome.refused} of ${outcome.runs.length} runs refused it`} onClose={() => setOutcome(null)}>
          <p class="muted">{outcome.changed === 0 ? "Nothing was changed." : `${outcome.changed.toLocaleString("en")} took it, and ${outcome.changed === 1 ? "goes" : "go"} on.`}</p>
          <Refused runs={parted(outcome.runs).refused} />
          <div class="buttons end">
            <button type="button" class="primary" onClick={() => setOutcome(null)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Form({ of, from, onClose, onDone }: { of: FailureDetail; from: string; onClose: () => void; onDone: (told: AppliedPatch) => void }) {
  const path = `/failures/${encodeURIComponent(of.fingerprint)}/apply`;
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  // Read in two ways: the output keeps its digits only as the server wrote it.
  const planned = useResource(`${path} ${from}`, async (signal) => {
    const answer = await text("POST", path, { body: { from_run: from, dry_run: true }, signal });
    return { plan: JSON.parse(answer) as AppliedPatch, output: at(parse(answer), "output") ?? null };
  });
  const { fit, refused } = parted(planned.data?.plan.runs ?? []);
  const chosen = fit.filter((one) => !left.has(one.run_id));
  const toggle = (run: string): void => {
    const next = new Set(left);
    if (!next.delete(run)) next.add(run);
    setLeft(next);
  };
  return (
    <Ask
      title={planned.data ? `Give ${chosen.length === 1 ? "one run" : `${chosen.length.toLocaleString("en")} runs`} what mended another` : "Give the others what mended one"}
      verb="Patch and resume"
      done={({ changed }) => `${changed.toLocaleString("en")} patched, and resumed`}
      wrong={planned.data && chosen.length === 0 ? "No run is chosen that would take it." : ""}
      waiting={!planned.data}
      wide
      reasoned
      run={(reason) => {
        const body = { from_run: from, run_ids: chosen.map((one) => one.run_id), expected_versions: versionsOf(chosen), reason };
        return request<AppliedPatch>("POST", path, { body });
      }}
      onClose={onClose}
      onDone={onDone}
    >
      {planned.error && <Failed error={planned.error} onRetry={planned.reload} />}
      {!planned.data && !planned.error && <Skeleton rows={5} slow="The server plans what would come of each run." />}
      {planned.data && (
        <>
          <p>
            The step <b>{planned.data.plan.step}</b> gets what it was given in{" "}
            <a class="entry-link" href={link(`/runs/${from}`)}>
              {short(from)}
            </a>
            , which went well:
          </p>
          <JsonView value={planned.data.output} label="the output" />
          <section class="plan" aria-label="What will happen">
            <h3>What comes of each</h3>
            <ul class="letters" tabIndex={0} aria-label="Runs that take it">
              {fit.map((one) => (
                <Planned key={one.run_id} of={one} chosen={!left.has(one.run_id)} onToggle={() => toggle(one.run_id)} />
              ))}
            </ul>
            {planned.data.plan.more && <p class="muted small">These are the newest; apply it again for those before.</p>}
            {refused.length > 0 && <h3>{refused.length === 1 ? "One does not take it" : `${refused.length} do not take it`}</h3>}
            <Refused runs={refused} />
          </section>
        </>
      )}
    </Ask>
  );
}

function Planned({ of, chosen, onToggle }: { of: AppliedRun; chosen: boolean; onToggle: () => void }) {
  if (!of.plan) return null;
  const again = repeats(of.plan);
  return (
    <li class="applied">
      <label class="check">
        <input type="checkbox" checked={chosen} onChange={onToggle} />
        <span class="mono">{short(of.run_id)}</span>
      </label>
      <span class="small grow">{planText(of.plan)}</span>
      {again.length > 0 && (
        <span class="small repeats">
          <Icon name="warning" size={12} class="warn" /> {again.join(", ")} may repeat {again.length === 1 ? "its" : "their"} effects
        </span>
      )}
      {of.plan.compensations.length > 0 && <span class="small muted">undoes {of.plan.compensations.join(", ")} if it fails</span>}
      {of.plan.warnings.map((warning) => (
        <span key={warning} class="small">
          <Icon name="warning" size={12} class="warn" /> {warning}
        </span>
      ))}
      <a class="small" href={link(`/runs/${of.run_id}`)} aria-label={`Open ${of.run_id}`}>
        open
      </a>
    </li>
  );
}

function Refused({ runs }: { runs: readonly AppliedRun[] }) {
  return (
    <ul class="letters">
      {runs.map((one) => (
        <li key={one.run_id} class="applied">
          <Icon name="slash" class="idle" />
          <a class="mono small" href={link(`/runs/${one.run_id}`)}>
            {short(one.run_id)}
          </a>
          <span class="small grow">
            {one.error?.error}
            {one.error?.hint && <span class="muted">: {one.error.hint}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
