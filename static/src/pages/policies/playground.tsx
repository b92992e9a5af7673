/** A request as somebody might make it, and what the policies say to it: those there are, or one that is not saved. The
 * server evaluates; every clause shows what it came to. The URL may say which request to begin with. */
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import { useKeys } from "../../shell/keys";
import { chosen } from "../../shell/route";
import { Field, Problem, said } from "../../ui/acting";
import { Icon } from "../../ui/icon";
import { type Draft, DraftFields, Turned, bodyOf, draftOf, useChecked } from "./editor";

interface Denial {
  reason: string;
  policy: string;
  version: number;
}

interface DryRun {
  decision: string;
  denial?: Denial;
  would_deny: Denial[];
  explain?: {
    policy: string;
    id: string;
    version: number;
    mode: string;
    applies: boolean;
    why_not?: string;
    denies: boolean;
    reason?: string;
    clauses: { clause: string; holds: boolean | null; error?: string }[];
  }[];
}

const KINDS = ["key", "user", "session", "bootstrap", "anonymous"];

export function Playground() {
  const [action, setAction] = useState(chosen("action") || "secrets:read");
  const [resource, setResource] = useState(chosen("resource") || "secret/stripe-key");
  const [roles, setRoles] = useState(chosen("roles") || "developer");
  const [kind, setKind] = useState(KINDS.find((one) => one === chosen("kind")) ?? KINDS[0]);
  const [address, setAddress] = useState(chosen("address"));
  const [now, setNow] = useState(chosen("when"));
  const [tried, setTried] = useState(false);
  const [draft, setDraft] = useState<Draft>(() => ({ ...draftOf(), name: "trial", actions: "secrets:read", condition: '!("oncall" in subject.roles)', mode: "enforce" }));
  const [told, setTold] = useState<DryRun | null>(null);
  const [problem, setProblem] = useState("");
  const checked = useChecked(draft);
  async function decide(): Promise<void> {
    const subject = { kind, roles: roles.split(",").map((one) => one.trim()).filter(Boolean) };
    try {
      setTold(await request<DryRun>("POST", "/policies/dry-run", { body: { input: { subject, action, resource, address, now }, explain: true, ...(tried ? { policy: bodyOf(draft) } : {}) } }));
      setProblem("");
    } catch (error) {
      setTold(null);
      setProblem(said(error));
    }
  }
  useKeys("Playground", [{ keys: "Mod+Enter", label: "Decide", run: () => void decide() }]);
  return (
    <div class="two-up">
      <form
        class="card section stacked"
        onSubmit={(event) => {
          event.preventDefault();
          void decide();
        }}
      >
        <h2>The request</h2>
        <Field label="Action" value={action} onValue={setAction} required />
        <Field label="Resource" value={resource} onValue={setResource} required />
        <Field label="Roles of the caller" note="with commas" value={roles} onValue={setRoles} />
        <div class="two-up">
          <Field label="Who calls" value={kind} onValue={setKind} list={KINDS} />
          <Field label="From the address" value={address} onValue={setAddress} placeholder="203.0.113.7" />
        </div>
        <Field label="When" note="a time; empty: now" value={now} onValue={setNow} placeholder="2026-03-01T12:00:00Z" />
        <label class="check">
          <input type="checkbox" checked={tried} onChange={(event) => setTried(event.currentTarget.checked)} /> Try a policy that is not saved
        </label>
        {tried && (
          <>
            <DraftFields draft={draft} named onDraft={setDraft} />
            <Problem text={checked?.problem ?? ""} />
            <Turned replayed={checked?.replayed ?? null} />
          </>
        )}
        <div class="buttons end">
          <button type="submit" class="primary" title="Ctrl-Enter">
            Decide
          </button>
        </div>
      </form>
      <div class="card section stacked in-sight" aria-live="polite">
        <h2>The decision</h2>
        <Problem text={problem} />
        {!told && !problem && <p class="muted">Say who wants what, and press Decide. Nothing is done, and nothing recorded.</p>}
        {told && <Decided of={told} />}
      </div>
    </div>
  );
}

function Decided({ of }: { of: DryRun }) {
  const allowed = of.decision === "allow";
  return (
    <>
      <p class="status">
        <Icon name={allowed ? "check" : "cross"} class={allowed ? "ok" : "fail"} />
        <b>{allowed ? "No policy denies it" : "Denied"}</b>
        {of.denial && <span class="muted"> · {of.denial.reason}</span>}
      </p>
      {of.would_deny.map((one) => (
        <p key={one.policy} class="status">
          <Icon name="diamond" class="warn" /> {one.reason} <span class="muted">once it is enforced</span>
        </p>
      ))}
      {of.explain?.length === 0 && <p class="muted">There is no policy that could.</p>}
      {of.explain?.map((one) => (
        <section key={one.id || one.policy}>
          <h3>
            {one.version > 0 ? `${one.policy}, version ${one.version}` : one.policy}, {one.mode}: {!one.applies ? `does not apply${one.why_not ? ` (${one.why_not})` : ""}` : one.denies ? "denies" : "says nothing"}
          </h3>
          <ul>
            {one.clauses.map((clause) => (
              <li key={clause.clause} class="line">
                <Icon name={clause.holds === null ? "circle" : clause.holds ? "check" : "cross"} class={clause.holds === null ? "idle" : clause.holds ? "ok" : "fail"} />
                <span class="visually-hidden">{clause.holds === null ? "not known" : clause.holds ? "holds" : "does not hold"}: </span>
                <code>{clause.clause}</code> {clause.error && <span class="muted">{clause.error}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
