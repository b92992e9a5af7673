/** How the steps of a function's newest runs went: which takes long, which fails, which has to be tried again. */
import { get } from "../../api/client";
import type { FunctionShape, StepFigures, StepProfile } from "../../api/types";
import { useResource } from "../../live/resource";
import { sharesOf } from "../../model/figures";
import { duration } from "../../model/time";
import { Skeleton } from "../../ui/basics";
import { Empty, Failed } from "../../ui/states";

const PACE_MS = 10_000;
const SINCE = "24h";

export function Profile({ of }: { of: FunctionShape }) {
  const told = useResource(`profile ${of.id}`, (signal) => get<StepProfile>(`/stats/functions/${encodeURIComponent(of.id)}/steps`, { since: SINCE }, signal), {
    pattern: "system.run.*.*",
    pace: PACE_MS,
  });
  if (told.error && !told.data) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={5} of={told} />;
  const { steps, steps_total: total, sampled, whole } = told.data;
  if (steps.length === 0) {
    return (
      <Empty icon="runs" title={sampled === 0 ? "No run began within a day" : "No step has ended"}>
        <p class="muted">{sampled === 0 ? "Steps are told of runs that began in the last 24 hours." : `Of the ${sampled} newest runs, none has a step that ended.`}</p>
      </Empty>
    );
  }
  return (
    <>
      <p class="pad-x muted small profile-of">
        {whole ? `${sampled === 1 ? "The one run" : `All ${sampled.toLocaleString("en")} runs`} that began within 24 hours.` : `The newest ${sampled.toLocaleString("en")} runs of 24 hours, the first 300 entries of each.`}
        {total > steps.length && ` The first ${steps.length} of ${total.toLocaleString("en")} steps.`}
      </p>
      <div class="profile-scroll" role="region" aria-label="Steps" tabIndex={0}>
        <table class="plain profile">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Runs</th>
              <th scope="col" title="Half took no longer">
                p50
              </th>
              <th scope="col" title="95% took no longer">
                p95
              </th>
              <th scope="col">Failed</th>
              <th scope="col">Retried</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => (
              <Step key={`${step.type} ${step.name}`} of={step} among={steps} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Step({ of, among }: { of: StepFigures; among: readonly StepFigures[] }) {
  const { failed, retried, weight } = sharesOf(of, among);
  return (
    <tr>
      <th scope="row" title={of.type === "invoke" ? "" : of.type.replace(/_/g, " ")}>
        <span class="cut">{of.name}</span>
        <span class="heat" aria-hidden="true">
          <span style={{ width: `${(weight * 100).toFixed(1)}%` }} />
        </span>
      </th>
      <td>{of.runs.toLocaleString("en")}</td>
      <td>{of.took ? duration(of.took.p50_ms) : "–"}</td>
      <td>{of.took ? duration(of.took.p95_ms) : "–"}</td>
      <td class={of.failed > 0 ? "fail" : "faint"} title={failed.said}>
        {failed.text}
      </td>
      <td class={of.retried > 0 ? "warn" : "faint"} title={retried.said}>
        {retried.text}
      </td>
    </tr>
  );
}
