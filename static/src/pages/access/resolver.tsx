/** What a key may, asked of the server: which policies are about it, and whether it may do one thing, and why. */
import { useState } from "preact/hooks";
import { get, segment } from "../../api/client";
import type { ApiKeyShape, KeyAccess } from "../../api/admin";
import { may } from "../../api/session";
import { useResource } from "../../live/resource";
import { link } from "../../shell/route";
import { Field, Problem, said } from "../../ui/acting";
import { Icon } from "../../ui/icon";
import { Facts } from "../../ui/side";
import { Failed } from "../../ui/states";

export function Resolver({ of }: { of: ApiKeyShape }) {
  const path = `/apikeys/${segment(of.id)}/access`;
  const told = useResource(`access ${of.id} ${of.role_ids.join()}`, (signal) => get<KeyAccess>(path, {}, signal));
  const [action, setAction] = useState("");
  const [resource, setResource] = useState("");
  const [decision, setDecision] = useState<KeyAccess["decision"]>(undefined);
  const [problem, setProblem] = useState("");
  async function decide(event: Event): Promise<void> {
    event.preventDefault();
    try {
      setDecision((await get<KeyAccess>(path, { action, resource: resource || "*" })).decision);
      setProblem("");
    } catch (error) {
      setDecision(undefined);
      setProblem(said(error));
    }
  }
  const { policies = [], withheld = [] } = told.data ?? {};
  return (
    <>
      <div class="pad-x">
        {told.error && <Failed error={told.error} onRetry={told.reload} />}
        <form class="stacked" aria-label="May it do this?" onSubmit={(event) => void decide(event)}>
          <div class="two-up">
            <Field label="May it" value={action} onValue={setAction} required placeholder="secrets:read" />
            <Field label="of" note="empty: any" value={resource} onValue={setResource} placeholder="secret/stripe" />
          </div>
          <p class="buttons end">
            <button type="submit" class="small">
              Ask
            </button>
          </p>
        </form>
        <Problem text={problem} />
        <div role="status">{decision && <Answer of={decision} />}</div>
      </div>
      {told.data && (
        <Facts
          of={[
            ["Policies", !may("policies:read") ? "you may not see which are asked" : policies.length === 0 ? "none is asked about it" : <Policies of={policies} />],
            withheld.length > 0 && ["Not in one environment", <span class="mono">{withheld.join(", ")}</span>],
          ]}
        />
      )}
    </>
  );
}

function Answer({ of }: { of: NonNullable<KeyAccess["decision"]> }) {
  return (
    <>
      <p class="status">
        <Icon name={of.allowed ? "check" : "cross"} class={of.allowed ? "ok" : "fail"} />
        <b>{of.allowed ? "Yes" : "No"}</b>
        <span class="muted">
          {" "}
          · {of.reason}
          {of.policy && (
            <>
              {" "}
              (<a class="entry-link" href={link("/policies", { policy: of.policy })}>version {of.policy_version}</a>)
            </>
          )}
        </span>
      </p>
      {of.would_deny.map((reason) => (
        <p key={reason} class="status">
          <Icon name="diamond" class="warn" /> {reason} <span class="muted">once it is enforced for it</span>
        </p>
      ))}
      <p class="muted small">
        <code>
          {of.action} {of.resource}
        </code>{" "}
        in {of.environment}, decided as of now; nothing is recorded.
      </p>
    </>
  );
}

function Policies({ of }: { of: KeyAccess["policies"] }) {
  return (
    <ul>
      {of.map((one) => (
        <li key={one.id}>
          <a class="entry-link" href={link("/policies", { policy: one.id })}>{one.name}</a> <span class="muted">{one.enforced ? "denies" : "only tells"}</span> <span class="mono">{one.actions.join(", ")}</span>
        </li>
      ))}
    </ul>
  );
}
