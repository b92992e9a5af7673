/** A request as somebody might make it, and what the policies say to it: those there are, or one that is not saved. The
 * server evaluates; every clause shows what it came to. The URL may say which request to begin with. */
import { useState } from "preact/hooks";
import type { AuditEvent } from "../../api/admin";
import { exact, request } from "../../api/client";
import { may } from "../../api/session";
import { nobody, who } from "../../live/names";
import { useResource } from "../../live/resource";
import { at, objects } from "../../model/json";
import { type Tried, distinct, triedOf } from "../../model/trial";
import { useKeys } from "../../shell/keys";
import { chosen } from "../../shell/route";
import { Field, Problem, lacking, needs, said } from "../../ui/acting";
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
    enforced: boolean;
    why_not?: string;
    denies: boolean;
    reason?: string;
    clauses: { clause: string; holds: boolean | null; error?: string }[];
  }[];
}

const READ = "policies:read";
const AUDIT = "audit:read";
const KINDS = ["key", "user", "session", "bootstrap", "anonymous"];

export function Playground() {
  const [action, setAction] = useState(chosen("action") || "secrets:read");
  const [id, setId] = useState(chosen("subject"));
  const [resource, setResource] = useState(chosen("resource") || "secret/stripe-key");
  const [roles, setRoles] = useState(chosen("roles") || "developer");
  const [kind, setKind] = useState(KINDS.find((one) => one === chosen("kind")) ?? KINDS[0]);
  const [address, setAddress] = useState(chosen("address"));
  const [now, setNow] = useState(chosen("when"));
  const [tried, setTried] = useState(false);
  const [draft, setDraft] = useState<Draft>(() => ({ ...draftOf(), name: "trial", actions: "secrets:read", condition: '!("oncall" in subject.roles)', mode: "enforce" }));
  const [told, setTold] = useState<DryRun | null>(null);
  const [problem, setProblem] = useState("");
  const allowed = may(READ);
  const checked = useChecked(draft, { wanted: tried && allowed });
  async function decide(): Promise<void> {
    if (!allowed) return needs(READ);
    const subject = { id, kind, roles: roles.split(",").map((one) => one.trim()).filter(Boolean) };
    try {
      setTold(await request<DryRun>("POST", "/policies/dry-run", { body: { input: { subject, action, resource, address, now }, explain: true, ...(tried ? { policy: bodyOf(draft) } : {}) } }));
      setProblem("");
    } catch (error) {
      setTold(null);
      setProblem(said(error));
    }
  }
  const take = (one: Tried): void => {
    for (const [set, text] of [
      [setId, one.id],
      [setAction, one.action],
      [setResource, one.resource],
      [setRoles, one.roles],
      [setKind, KINDS.find((kind) => kind === one.kind) ?? KINDS[0]],
      [setAddress, one.address],
      [setNow, one.at],
    ] as const)
      set(text);
    setTold(null);
  };
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
        <Recorded onChosen={take} />
        <Field label="Action" value={action} onValue={setAction} required />
        <Field label="Resource" value={resource} onValue={setResource} required />
        <Field label="Roles of the caller" note="with commas" value={roles} onValue={setRoles} />
        <div class="two-up">
          <Field label="Who calls" value={kind} onValue={setKind} list={KINDS} />
          <Field label="By the id" note="for shares of callers" value={id} onValue={setId} placeholder="ak_…" />
        </div>
        <div class="two-up">
          <Field label="From the address" value={address} onValue={setAddress} placeholder="203.0.113.7" />
          <Field label="When" note="a time; empty: now" value={now} onValue={setNow} placeholder="2026-03-01T12:00:00Z" />
        </div>
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
          <button type="submit" class={allowed ? "primary" : "barred"} aria-disabled={!allowed} title={allowed ? "Ctrl-Enter" : `It needs the permission ${READ}`}>
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
        {of.denial && (
          <span class="muted">
            {" "}
            · {of.denial.reason}
            {of.denial.version > 0 && `, version ${of.denial.version}`}
          </span>
        )}
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
            {one.version > 0 ? `${one.policy}, version ${one.version}` : one.policy}, {one.mode}: {!one.applies ? `does not apply${one.why_not ? ` (${one.why_not})` : ""}` : one.denies ? (one.enforced ? "denies" : one.mode === "enforce" ? "denies others, and tells of this caller" : "would deny") : "says nothing"}
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

const TYPES = ["authz.denied", "authz.would_deny", "authz.allowed"];
const LOADED = 30;

/** Requests of the past that were decided here: what may be tried is not guessed. */
function Recorded({ onChosen }: { onChosen: (one: Tried) => void }) {
  const allowed = may(AUDIT);
  const told = useResource("recorded decisions", async (signal) => {
    if (!allowed) return [];
    const pages = await Promise.all(TYPES.map((event_type) => exact("/audit", { event_type, limit: LOADED }, signal)));
    return distinct(pages.map((page) => objects<AuditEvent>(at(page, "events"), "payload")));
  });
  const list = told.data ?? [];
  return (
    <label class="field">
      <span>
        A recorded decision <span class="faint">{!allowed ? lacking(AUDIT) : told.data && list.length === 0 ? "none is recorded yet" : "fills in what was asked then"}</span>
      </span>
      <select
        value=""
        disabled={list.length === 0}
        onChange={(event) => {
          const one = list.find((found) => found.id === event.currentTarget.value);
          if (one) onChosen(triedOf(one));
        }}
      >
        <option value="">Choose one…</option>
        {list.map((one) => (
          <option key={one.id} value={one.id}>
            {one.decision === "would_deny" ? "would deny" : one.decision}: {one.action} {one.resource} by {who(one.actor) || nobody()}, {one.created_at.slice(0, 19).replace("T", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
