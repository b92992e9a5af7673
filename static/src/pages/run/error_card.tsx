/** Why a run stopped, above everything else: nobody should have to look for it. */
import { useState } from "preact/hooks";
import { exact, get, request } from "../../api/client";
import { may } from "../../api/session";
import type { Run, Similar } from "../../api/types";
import { useResource } from "../../live/resource";
import { at } from "../../model/json";
import { RESUME } from "../../model/rights";
import { ownFrame } from "../../model/stack";
import type { Row } from "../../model/waterfall";
import { choose, link } from "../../shell/route";
import { Act, act } from "../../ui/acting";
import { Again } from "../../ui/basics";
import { Icon } from "../../ui/icon";

const WHY = "tried again at once";

interface Props {
  run: Run;
  /** The last that failed, and was not tried again. */
  step: Row | undefined;
  /** Whether it waits for what its code asked for, and not for another attempt. */
  suspended: boolean;
  past: boolean;
  onStep: (row: Row) => void;
}

export function ErrorCard({ run, step, suspended, past, onStep }: Props) {
  if (past) return null;
  if (run.divergence) return <Diverged run={run} />;
  if (!run.error || run.status === "completed" || run.status === "cancelled") return null;
  const retrying = run.status === "waiting" || run.status === "waiting_for_capacity" || run.status === "running";
  return (
    <section class={`error-card ${retrying ? "retrying" : ""}`} aria-label="Error">
      <Icon name={retrying ? "warning" : "cross"} size={20} class={retrying ? "warn" : "fail"} />
      <div class="error-told">
        <p class="error-message">{run.error.message}</p>
        <p class="muted small">
          {step && (
            <>
              in{" "}
              <button type="button" class="link" onClick={() => onStep(step)}>
                {step.label}
              </button>{" "}
              ·{" "}
            </>
          )}
          attempt {run.attempt} of {run.max_attempts}
          {run.error.code && (
            <>
              {" "}
              · <code>{run.error.code}</code>
            </>
          )}
          {retrying && run.due_at && !suspended && (
            <>
              {" "}
              · <Again at={run.due_at} />
            </>
          )}
          {run.not_undone && <> · not undone: {run.not_undone}</>}
        </p>
        {run.status === "waiting" && run.due_at && !suspended && <RetryNow run={run} />}
        {!retrying && <Resembles run={run} />}
        <p class="small">
          <button type="button" class="link" onClick={() => choose({ tab: "diff", with: "good" })}>
            What differs from the last run that went well
          </button>
        </p>
        <Stack run={run} />
      </div>
    </section>
  );
}

/** A run that waits for its next attempt makes it at once, with a fresh budget of attempts. If it has gone on meanwhile it
 * is left alone, since it is expected as it is shown. */
function RetryNow({ run }: { run: Run }) {
  const [busy, setBusy] = useState(false);
  const lacks = may(RESUME) ? "" : RESUME;
  const retry = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    await act(
      request("POST", `/runs/${run.id}/retry`, { body: { reason: WHY, expected_version: run.version } }),
      "Tried again now, with a fresh budget of attempts",
    );
    setBusy(false);
  };
  return (
    <p class="buttons small">
      <Act allowed={lacks === ""} permission={lacks} label={busy ? "Trying…" : "Try again now"} onClick={() => void retry()} />
    </p>
  );
}

/** How often it failed so before, and what helped. */
function Resembles({ run }: { run: Run }) {
  const similar = useResource(`similar ${run.id} ${run.updated_at}`, (signal) => get<Similar>(`/runs/${run.id}/similar`, { limit: 1 }, signal));
  if (!similar.data) return null; // not worth an error of its own
  const { group, repairs, repairs_of: of = group.fingerprint } = similar.data;
  const mended = repairs.map((repair) => `${repair.runs.toLocaleString("en")} ${repair.how}`).join(", ");
  return (
    <p class="small">
      <a href={link("/failures", { failure: group.fingerprint })}>
        {group.runs === 1 ? "the first run that failed so" : `${group.runs.toLocaleString("en")} runs failed so`}
      </a>
      {mended && of === group.fingerprint && `; of these, ${mended}`}
      {mended && of !== group.fingerprint && (
        <>
          ; of <a href={link("/failures", { failure: of })}>the failures most like it</a>, {mended}
        </>
      )}
    </p>
  );
}

function Stack({ run }: { run: Run }) {
  const whole = useResource(`stack ${run.id} ${run.updated_at}`, (signal) => exact(`/runs/${run.id}`, {}, signal));
  const stack = at(whole.data, "error", "stack");
  if (typeof stack !== "string" || stack === "") return null;
  const own = ownFrame(stack);
  return (
    <details>
      <summary class="small">
        Stack {own && <code>{own}</code>}
      </summary>
      <pre class="stack" tabIndex={0} aria-label="Stack">
        {stack}
      </pre>
    </details>
  );
}

function Diverged({ run }: { run: Run }) {
  const { recorded, requested, location: where, step_id: step } = run.divergence as NonNullable<Run["divergence"]>;
  return (
    <section class="error-card" aria-label="Error">
      <Icon name="cross" size={20} class="fail" />
      <div class="error-told">
        <p class="error-message">The code and history disagree</p>
        <p>
          History has <code>{recorded}</code> at <code>{step.split(":").slice(1).join(":")}</code> – the code asked for <code>{requested}</code>
          {where && (
            <>
              {" "}
              in <code>{where}</code>
            </>
          )}
          .
        </p>
        <p class="muted small">Put the old code back and resume, or resume from an earlier step.</p>
      </div>
    </section>
  );
}
