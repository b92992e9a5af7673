/** A form that makes one call: it shows beforehand what will come of it, what the server says against it, and the same
 * as a command. The call expects the version that its plan was made of: what was shown is what is done. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, request } from "../../api/client";
import { may } from "../../api/session";
import type { Plan, Run } from "../../api/types";
import { lacked } from "../../model/rights";
import { look } from "../../model/status";
import { environment } from "../../shell/route";
import { Field, Problem, said } from "../../ui/acting";
import { useAttempt } from "../../ui/attempt";
import { CopyCurl } from "../../ui/copy_curl";
import { Dialog, sendByKey } from "../../ui/dialog";
import { Icon, type IconName } from "../../ui/icon";
import { copy, toast } from "../../ui/toast";

const PLAN_AFTER_MS = 250;
const STEPS_SHOWN = 40;

export interface Doing {
  label: string;
  path: string;
  /** The body without reason and version, as JSON texts by their names: payloads keep their digits. */
  body: Record<string, string>;
  cli: string;
  done: string;
  danger?: boolean;
  /** The rights that the server asks for it, beside the one that the dialog was opened with. */
  needs?: readonly string[];
}

interface Props {
  title: string;
  run: Run;
  /** The first is what Enter does. */
  doings: readonly Doing[];
  /** What is planned, as JSON texts by their names; null where there is nothing to plan. */
  plan: Record<string, string> | null;
  /** Whether a reason has to be given. */
  reasoned: boolean;
  /** What is wrong with what was put in; "" for nothing. */
  wrong?: string;
  onClose: () => void;
  onDone?: (answer: Run) => void;
  wide?: boolean;
  children?: ComponentChildren;
}

export function ActionDialog({ title, run, doings, plan, reasoned, wrong = "", onClose, onDone, wide, children }: Props) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const attempt = useAttempt();
  const planned = usePlan(run, wrong ? null : plan);
  const barred = busy || wrong !== "" || !planned.seen;

  const lacks = (doing: Doing): string => lacked(doing.needs ?? [], may);

  const bodyOf = (doing: Doing, version = {}): string => objectText({ ...doing.body, ...(reason ? { reason: JSON.stringify(reason) } : {}), ...version });

  async function make(doing: Doing): Promise<void> {
    if (barred || lacks(doing)) return;
    setBusy(true);
    setProblem("");
    const version: Record<string, string> = planned.plan ? { expected_version: String(planned.plan.version) } : {};
    try {
      const json = bodyOf(doing, version);
      const answer = await attempt(() => request<Run>("POST", doing.path, { json }));
      toast(doing.done);
      onClose();
      onDone?.(answer);
    } catch (error) {
      setProblem(said(error));
      setBusy(false);
      if (error instanceof ApiError && error.status === 412) planned.again();
    }
  }

  const first = doings.find((doing) => !lacks(doing)) ?? doings[0];
  const closed = doings.filter(lacks);
  const tail = `${reason ? ` --reason ${JSON.stringify(reason)}` : ""}${environment.value === "default" ? "" : ` --env ${environment.value}`}`;
  return (
    <Dialog title={title} onClose={onClose} class={wide ? "wide" : ""}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make(first);
        }}
        onKeyDown={sendByKey}
      >
        {children}
        {plan && <PlanShown planned={planned} wrong={wrong} />}
        <Field label="Reason" note={reasoned ? "is recorded with it, for those who come after you" : "is recorded with it, if you give one"} value={reason} onValue={setReason} required={reasoned} />
        <Problem text={problem} />
        {closed.length > 0 && <p class="muted small">{closed.map((doing) => `${doing.label} needs the permission ${lacks(doing)}.`).join(" ")}</p>}
        <div class="buttons end">
          <button type="button" class="quiet small" onClick={() => copy(first.cli + tail, "Command")}>
            Copy as CLI
          </button>
          <CopyCurl of={() => [{ method: "POST", path: first.path, body: bodyOf(first) }]} />
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          {doings.filter((doing) => doing !== first).map((doing) => (
            <button key={doing.label} type="button" disabled={barred || lacks(doing) !== "" || (reasoned && reason === "")} onClick={() => void make(doing)}>
              {doing.label}
            </button>
          ))}
          <button type="submit" class={first.danger ? "danger" : "primary"} disabled={barred || lacks(first) !== ""}>
            {busy ? "Sending…" : first.label}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function objectText(members: Record<string, string>): string {
  return `{${Object.entries(members)
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(",")}}`;
}

interface Planned {
  plan: Plan | null;
  problem: string;
  /** Whether what is in sight was made of what would be sent now; also where nothing is to be planned. */
  seen: boolean;
  again: () => void;
}

const UNPLANNED = { of: "", plan: null, problem: "" };

/** What the server says would come of it, a moment after the last change. */
function usePlan(run: Run, wanted: Record<string, string> | null): Planned {
  const [state, setState] = useState<{ of: string; plan: Plan | null; problem: string }>(UNPLANNED);
  const [count, setCount] = useState(0);
  const body = wanted && objectText(wanted);
  useEffect(() => {
    if (!body) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      request<Plan>("POST", `/runs/${run.id}/plan`, { json: body, signal: abort.signal }).then(
        (plan) => setState({ of: body, plan, problem: "" }),
        (error: unknown) => {
          if (error instanceof ApiError) setState({ of: body, plan: null, problem: said(error) });
        },
      );
    }, PLAN_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [body, run.id, run.updated_at, count]);
  const { of, plan, problem } = state;
  return { plan, problem, seen: !body || (of === body && plan !== null), again: () => setCount(count + 1) };
}

const FATES: Record<string, { text: string; icon: IconName; role: string }> = {
  kept: { text: "kept as recorded", icon: "check", role: "ok" },
  changed: { text: "has your output", icon: "diamond", role: "edit" },
  waits: { text: "waits on", icon: "hourglass", role: "wait" },
  reruns: { text: "runs again", icon: "refresh", role: "run" },
};

const ASKING = "Asking the server what will happen…";

function PlanShown({ planned, wrong }: { planned: Planned; wrong: string }) {
  const { plan, problem, seen } = planned;
  if (wrong) return <p class="muted small">Not yet: {wrong}.</p>;
  if (problem) {
    return (
      <p class="problem" role="alert">
        <Icon name="warning" class="fail" /> {problem}{" "}
        <button type="button" class="link" onClick={planned.again}>
          Ask again
        </button>
      </p>
    );
  }
  if (!plan) return <p class="muted small">{ASKING}</p>;
  return (
    <section class="plan" aria-label="What will happen">
      <h3>{seen ? "What will happen" : ASKING}</h3>
      {plan.steps.length === 0 && <p class="muted">It begins at its first step.</p>}
      <ul>
        {plan.steps.slice(0, STEPS_SHOWN).map((step) => {
          const fate = FATES[step.fate];
          return (
            <li key={step.step_id}>
              <Icon name={fate.icon} class={fate.role} />
              <span class="cut">{step.name}</span>
              <span class="muted small">{step.status ? `was ${look(step.status).label.toLowerCase()}` : "not reached yet"}</span>
              <span class="grow" />
              {step.repeats && (
                <span class="small repeats">
                  <Icon name="warning" size={12} class="warn" /> may repeat its effects
                </span>
              )}
              <span class="small">{fate.text}</span>
            </li>
          );
        })}
      </ul>
      {plan.steps.length > STEPS_SHOWN && <p class="muted small">and {plan.steps.length - STEPS_SHOWN} more</p>}
      {plan.compensations.length > 0 && <p class="small">If it fails for good, it undoes: {plan.compensations.join(", ")}.</p>}
      {plan.warnings.map((warning) => (
        <p key={warning} class="small">
          <Icon name="warning" size={12} class="warn" /> {warning}
        </p>
      ))}
    </section>
  );
}
