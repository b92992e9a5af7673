/** What an event would lead to if it were published now, as the server says by the rules that decide it. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, request } from "../../api/client";
import { link } from "../../shell/route";
import { said } from "../../ui/acting";
import { short } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icon";
import type { SchemaTold } from "./schema";

export interface DryRun {
  duplicate: boolean;
  functions: { function_id: string; outcome: string; run_id?: string; due_at?: string }[];
  cancels: string[];
  ends_waits: { run_id: string; step_id: string }[];
  projections: string[];
  groups: string[];
  more: boolean;
  schema: SchemaTold;
}

export interface Told {
  dry: DryRun | null;
  problem: string;
}

const ASK_AFTER_MS = 300;

/** Asked of an environment a moment after the last change of `body`; "" is not asked about. */
export function useDryRun(body: string, environment: string): Told {
  const [told, setTold] = useState<Told>({ dry: null, problem: "" });
  useEffect(() => {
    if (!body) {
      setTold({ dry: null, problem: "" });
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      request<DryRun>("POST", "/events/dry-run", { json: body, signal: abort.signal, environment }).then(
        (dry) => setTold({ dry, problem: "" }),
        (error: unknown) => {
          if (error instanceof ApiError) setTold({ dry: null, problem: said(error) });
        },
      );
    }, ASK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [body, environment]);
  return told;
}

const OUTCOMES: Record<string, { text: string; icon: IconName; role: string }> = {
  starts: { text: "starts", icon: "play", role: "run" },
  replaced: { text: "starts, in place of the run that is there", icon: "play", role: "run" },
  debounced: { text: "waits for quiet", icon: "hourglass", role: "wait" },
  batched: { text: "waits for its batch", icon: "hourglass", role: "wait" },
  rate_limited: { text: "does not start: its rate limit is reached", icon: "slash", role: "idle" },
  skipped: { text: "does not start: one runs already", icon: "slash", role: "idle" },
  duplicate: { text: "does not start: it ran for this before", icon: "slash", role: "idle" },
};

export function DryRunShown({ told }: { told: Told }) {
  const { dry, problem } = told;
  if (problem) {
    return (
      <p class="problem" role="alert">
        <Icon name="warning" class="fail" /> {problem}
      </p>
    );
  }
  if (!dry) return null;
  const nobody = dry.functions.length + dry.cancels.length + dry.ends_waits.length + dry.projections.length + dry.groups.length === 0;
  return (
    <section class="plan" aria-label="What it would do">
      <h3>What it would do now</h3>
      {dry.duplicate && <p class="muted">Nothing: it is recorded already under this key.</p>}
      {!dry.duplicate && nobody && <p class="muted">It is recorded, and nobody waits for it.</p>}
      <ul>
        {dry.functions.map((one) => {
          const { text, icon, role } = OUTCOMES[one.outcome] ?? { text: one.outcome, icon: "circle", role: "idle" };
          return (
            <li key={one.function_id}>
              <Icon name={icon} class={role} />
              <a class="cut" href={link("/functions", { function: one.function_id })}>
                {one.function_id}
              </a>
              <span class="grow" />
              <span class="small muted">{text}</span>
              {one.run_id && <Run id={one.run_id} />}
            </li>
          );
        })}
        {dry.ends_waits.map((one) => (
          <li key={one.step_id}>
            <Icon name="check" class="ok" />
            <span class="cut">{one.step_id.split(":").slice(1, -1).join(" ")}</span>
            <span class="grow" />
            <span class="small muted">has waited for it in</span>
            <Run id={one.run_id} />
          </li>
        ))}
        {dry.cancels.map((id) => (
          <li key={id}>
            <Icon name="slash" class="warn" />
            <Run id={id} />
            <span class="grow" />
            <span class="small muted">is cancelled</span>
          </li>
        ))}
        <Names icon="projections" names={dry.projections} text="folds it in" path="/projections" />
        <Names icon="groups" names={dry.groups} text="gets it" path="/groups" />
      </ul>
      {dry.more && <p class="muted small">There is more than is listed.</p>}
    </section>
  );
}

function Names({ icon, names, text, path }: { icon: IconName; names: readonly string[]; text: string; path: string }) {
  return names.map((name) => (
    <li key={name}>
      <Icon name={icon} class="idle" />
      <a class="cut" href={path === "/groups" ? link(path, { group: name }) : link(`${path}/${encodeURIComponent(name)}`)}>
        {name}
      </a>
      <span class="grow" />
      <span class="small muted">{text}</span>
    </li>
  ));
}

function Run({ id }: { id: string }) {
  return (
    <a class="mono small" href={link(`/runs/${id}`)}>
      {short(id)}
    </a>
  );
}
