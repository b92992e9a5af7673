/** The policies there are, and one of them: what it says, its versions, and what it would have denied. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { PolicyShape, PolicyVersion, WouldDeny } from "../../api/admin";
import { useLast } from "../../live/last";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { of as json } from "../../model/json";
import { numbered } from "../../model/listed";
import { useKeys } from "../../shell/keys";
import { choose, chosen, link } from "../../shell/route";
import { Skeleton, Status, TabPanel, Tabs, Time } from "../../ui/basics";
import { Act, act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { Browse } from "../../ui/browse";
import { Revisions } from "../../ui/revisions";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { Editor, shownOf } from "./editor";

const EVERY_MS = 4_000;
const COUNTED_EVERY_MS = 30_000;
const VERSIONS = 100;
const WRITE = "policies:write";
const READ = "policies:read";

export function PolicyList() {
  const policies = useResource("policies", (signal) => get<PolicyShape[]>("/policies", {}, signal), { every: EVERY_MS });
  const denying = useResource("would deny", async (signal) => (may(READ) ? get<WouldDeny>("/audit/would-deny", { since: "24h" }, signal) : undefined), { every: COUNTED_EVERY_MS });
  const [making, setMaking] = useState(false);
  const allowed = may(WRITE);
  return (
    <>
      <p class="buttons">
        <Act allowed={allowed} permission={WRITE} label="New policy…" onClick={() => setMaking(true)} />
      </p>
      <Browse
        label="Policies"
        noun="policy"
        sideKeys={{ e: "Edit the policy" }}
        param="policy"
        resource={policies}
        items={policies.data}
        id={(one) => one.id}
        keys={[{ keys: "n", label: "New policy", barred: lacks(WRITE), run: () => setMaking(true) }]}
        columns={[
          { name: "Policy", width: "minmax(130px, 1.2fr)", show: (one) => one.name },
          { name: "Does", width: "116px", show: (one) => <Mode of={one} /> },
          { name: "Actions", width: "minmax(110px, 1fr)", show: (one) => <span class="mono">{one.actions.join(", ")}</span>, wide: true },
          { name: "Where", width: "minmax(130px, 1.6fr)", show: (one) => <span class="mono">{one.condition || "always"}</span>, wide: true, alone: true },
          { name: "Would deny", width: "110px", show: (one) => <Denying of={one} told={denying.data} /> },
          { name: "Changed", width: "100px", show: (one) => <Time at={one.updated_at} />, wide: true, alone: true },
        ]}
        empty={
          <Empty icon="policies" title="No policy is here">
            <p class="muted">Roles say what somebody may do; a policy takes away. Begin one in monitor mode: it only tells what it would deny.</p>
            <Command text="ironflow policy apply no-secrets.json" />
          </Empty>
        }
        side={(one, close) => <Policy key={one.id} of={one} denying={denying.data} onClose={close} onChange={policies.reload} />}
      />
      {making && <Editor onClose={() => setMaking(false)} onDone={policies.reload} />}
    </>
  );
}

function Mode({ of }: { of: PolicyShape }) {
  if (of.status !== "active") return <Status status="disabled" />;
  return <Status status={of.mode} note={staged(of) ? `${of.enforce_percent} %` : ""} />;
}

/** Whether there are callers whom it denies and others of whom it only tells. */
function staged(of: PolicyShape): boolean {
  return of.mode === "enforce" && of.enforce_percent < 100;
}

function wouldDeny(of: PolicyShape, told: WouldDeny | undefined): { text: string; actors: number } | null {
  if (!told || of.status !== "active" || (of.mode === "enforce" && !staged(of))) return null;
  const found = told.policies.find((one) => one.policy === of.id);
  const least = !told.whole || told.suppressed > 0 ? "at least " : "";
  return { text: `${least}${(found?.count ?? 0).toLocaleString("en")} in 24 h`, actors: found?.actors ?? 0 };
}

function Denying({ of, told }: { of: PolicyShape; told: WouldDeny | undefined }) {
  return <span class="tabular">{wouldDeny(of, told)?.text ?? ""}</span>;
}

const TABS = [
  { id: "says", label: "What it says" },
  { id: "versions", label: "Versions" },
];

function Policy({ of, denying, onClose, onChange }: { of: PolicyShape; denying: WouldDeny | undefined; onClose: () => void; onChange: () => void }) {
  const path = `/policies/${segment(of.id)}`;
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? TABS[0].id;
  const [asking, setAsking] = useState<"" | "edit" | "rollout" | "delete">("");
  const allowed = may(WRITE);
  const active = of.status === "active";
  const turn = (on: boolean, version: number): Promise<PolicyShape> => request("POST", `${path}/${on ? "enable" : "disable"}`, { ifMatch: version });
  const doneOf = (on: boolean): string => (on ? "It is asked again" : "It is no longer asked");
  const steer = (): void => void act(turn(!active, of.version), doneOf(!active), { run: (told) => turn(active, told.version), done: doneOf(active), then: onChange }).then(onChange);
  useKeys("Policy", [{ keys: "e", label: "Edit the policy", barred: lacks(WRITE), run: () => setAsking("edit") }]);
  return (
    <Side title={of.name} under={<Mode of={of} />} onClose={onClose}>
      {of.description && <p class="pad-x">{of.description}</p>}
      <p class="buttons pad-x">
        <Act allowed={allowed} permission={WRITE} label="Edit…" onClick={() => setAsking("edit")} />
        <Act allowed={allowed} permission={WRITE} label="Enforce for…" onClick={() => setAsking("rollout")} />
        <Act allowed={allowed} permission={WRITE} label={active ? "Disable" : "Enable"} onClick={steer} />
        <Act allowed={allowed} permission={WRITE} label="Delete…" onClick={() => setAsking("delete")} />
      </p>
      <Tabs label="policy" items={TABS} open={open} onOpen={(id) => choose({ show: id === TABS[0].id ? null : id })} />
      <TabPanel label="policy" open={open}>
        {open === "says" ? <Says of={of} denying={denying} /> : <Versions of={of} path={path} allowed={allowed} onChange={onChange} />}
      </TabPanel>
      {asking === "edit" && <Editor of={of} onClose={() => setAsking("")} onDone={onChange} />}
      {asking === "rollout" && <Rollout of={of} path={path} denying={denying} onClose={() => setAsking("")} onDone={onChange} />}
      {asking === "delete" && (
        <Ask
          title={`Delete ${of.name}`}
          verb="Delete"
          done="Deleted"
          danger
          typed={of.name}
          reasoned
          seen={{ version: of.version, value: shownOf(of) }}
          look={onChange}
          run={(reason, version) => request("DELETE", path, { query: { reason }, ifMatch: version })}
          onClose={() => setAsking("")}
          onDone={onChange}
        >
          <p>What it denies is allowed from then on, if a role gives it. Its versions stay.</p>
        </Ask>
      )}
    </Side>
  );
}

const STEPS = ["0", "1", "10", "25", "50", "100"] as const;

/** Monitor, a share of the callers, all of them: each step is a version, which *Versions* takes back. */
function Rollout({ of, path, denying, onClose, onDone }: { of: PolicyShape; path: string; denying: WouldDeny | undefined; onClose: () => void; onDone: () => void }) {
  const [began] = useState(of);
  const now = began.mode === "monitor" ? "0" : String(began.enforce_percent);
  const [share, setShare] = useState(now);
  const body = share === "0" ? { mode: "monitor" } : { mode: "enforce", enforce_percent: Number(share) };
  const told = wouldDeny(began, denying);
  return (
    <Ask
      title={`Whom ${began.name} denies`}
      verb="Save"
      done="Saved, as a new version"
      reasoned
      waiting={share === now}
      seen={{ version: of.version, value: shownOf(of) }}
      look={onDone}
      run={(reason, version) => request("PATCH", path, { body: { ...body, ...(reason ? { reason } : {}) }, ifMatch: version })}
      onClose={onClose}
      onDone={onDone}
    >
      {told && (
        <p>
          Requests that it would have denied: <b class="tabular">{told.text}</b>
          {told.actors > 0 && `, of ${counted(told.actors, "caller")}`}.
        </p>
      )}
      <fieldset class="choices one-by-one">
        <legend>It denies</legend>
        {[...new Set([...STEPS, now])]
          .sort((a, b) => Number(a) - Number(b))
          .map((step) => (
            <label key={step} class="check">
              <input type="radio" name="share" checked={share === step} onChange={() => setShare(step)} />{" "}
              {step === "0" ? "nobody: it only tells" : step === "100" ? "everybody whom it is about" : `${step} % of the callers, and tells of the rest`}
            </label>
          ))}
      </fieldset>
      <p class="muted small">Who is among them does not change: whoever is denied now is denied as the share grows.</p>
    </Ask>
  );
}

function Says({ of, denying }: { of: PolicyShape; denying: WouldDeny | undefined }) {
  const told = wouldDeny(of, denying);
  return (
    <>
      <Facts
        of={[
          ["Actions", <span class="mono">{of.actions.join(", ")}</span>],
          ["Resources", <span class="mono">{of.resources.join(", ")}</span>],
          ["Where", of.condition ? <code>{of.condition}</code> : "always"],
          ["Mode", of.mode !== "enforce" ? "it only tells what it would deny" : staged(of) ? `it denies ${of.enforce_percent} % of the callers, and tells of the rest` : "it denies"],
          ["For roles", of.roles.join(", ") || "all"],
          of.org_id && ["Organization", of.org_id],
          of.environments.length > 0 && ["Only in", of.environments.join(", ")],
          of.valid_from && ["From", <Time at={of.valid_from} />],
          of.valid_until && ["Until", <Time at={of.valid_until} />],
          told && ["Would have denied", told.actors > 0 ? `${told.text}, to ${counted(told.actors, "caller")}` : told.text],
          ["Version", of.version],
          ["Changed", <Time at={of.updated_at} />],
          of.updated_by && ["By", <Actor id={of.updated_by} />],
          ["Position", <EntryLink position={of.position} />],
        ]}
      />
      <p class="pad-x">
        <a href={link("/audit", { type: "authz.would_deny" })}>What policies would have denied</a>
      </p>
    </>
  );
}

function Versions({ of, path, allowed, onChange }: { of: PolicyShape; path: string; allowed: boolean; onChange: () => void }) {
  const told = usePaged(`versions ${of.id} ${of.version}`, async (before, signal) => {
    const page = await get<{ versions: PolicyVersion[] }>(`${path}/versions`, { limit: VERSIONS, before }, signal);
    return numbered(page.versions, VERSIONS, (one) => one.version);
  });
  const items = useLast(told.items);
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!items) return <Skeleton rows={4} of={told} />;
  return (
    <Revisions
      label={of.name}
      more={told}
      of={items.map((one) => ({
        number: one.version,
        what: one.reason ? `${one.operation}: ${one.reason}` : one.operation,
        at: one.created_at,
        actor: one.actor,
        value: one.policy && json(one.policy),
      }))}
      allowed={allowed}
      permission={WRITE}
      restore={(version, now) => request("POST", `${path}/versions/${version.number}/rollback`, { ifMatch: now })}
      look={onChange}
      onDone={onChange}
    />
  );
}
