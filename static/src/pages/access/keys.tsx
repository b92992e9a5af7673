/** API keys: what each may, since when, and giving it a new secret without an outage. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { ApiKeyShape, RoleShape } from "../../api/admin";
import { useResource } from "../../live/resource";
import { seenOf } from "../../model/seen";
import { Id, Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { Browse } from "../../ui/browse";
import { Left } from "../../ui/left";
import { Once } from "../../ui/once";
import { Facts, Side } from "../../ui/side";
import { Command, Empty } from "../../ui/states";
import { Resolver } from "./resolver";
import { Permitted, RolesField, useRoles } from "./roles";

const MANAGE = "apikeys:manage";
const EVERY_MS = 5_000;
const OVERLAP_S = 86_400;
const SEEN = ["name", "key_prefix", "role_ids", "environment_id", "expires_at", "previous_expires_at"] as const;

type Made = ApiKeyShape & { key: string };

export function ApiKeys() {
  const keys = useResource("apikeys", (signal) => get<ApiKeyShape[]>("/apikeys", {}, signal), { every: EVERY_MS });
  const roles = useRoles();
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const allowed = may(MANAGE);
  return (
    <>
      <p class="buttons">
        <Act allowed={allowed} permission={MANAGE} label="New key…" onClick={() => setMaking(true)} />
      </p>
      <Browse
        label="API keys"
        noun="key"
        param="one"
        resource={keys}
        items={keys.data}
        id={(one) => one.id}
        keys={[{ keys: "n", label: "New key", barred: lacks(MANAGE), run: () => setMaking(true) }]}
        columns={[
          { name: "Key", width: "minmax(120px, 1.2fr)", show: (one) => one.name },
          { name: "Begins with", width: "130px", show: (one) => <span class="mono">{one.key_prefix}…</span>, wide: true },
          { name: "Roles", width: "minmax(110px, 1fr)", show: (one) => named(one.role_ids, roles) },
          { name: "Only in", width: "110px", show: (one) => one.environment_id || <span class="muted">anywhere</span>, wide: true, alone: true },
          { name: "Owner", width: "minmax(90px, 1fr)", show: (one) => <Actor id={one.created_by} none="the server" />, wide: true, alone: true },
          { name: "Used", width: "100px", show: (one) => (one.last_used_at ? <Time at={one.last_used_at} /> : <span class="muted">not yet</span>), wide: true },
          { name: "Ends", width: "100px", show: (one) => (one.expires_at ? <Time at={one.expires_at} /> : <span class="muted">never</span>), wide: true },
          { name: "Made", width: "100px", show: (one) => <Time at={one.created_at} />, wide: true, alone: true },
        ]}
        empty={
          <Empty icon="access" title="There is no key yet">
            <p class="muted">A program says by its key who it is. Give each its own, with no more than it needs.</p>
            <Command text="ironflow apikey create deploy --role developer" />
          </Empty>
        }
        side={(one, close) => <Key key={one.id} of={one} roles={roles} onClose={close} onChange={keys.reload} onMade={setMade} />}
      />
      {making && <NewKey roles={roles} onClose={() => setMaking(false)} onMade={setMade} onDone={keys.reload} />}
      {made && (
        <Once title={`The secret of ${made.name}`} what="The secret" text={made.key} env={{ IRONFLOW_SERVER_URL: location.origin, IRONFLOW_API_KEY: made.key }} onClose={() => setMade(null)}>
          It is shown this once; only its beginning is kept. A worker takes it from <code>IRONFLOW_API_KEY</code>.
        </Once>
      )}
    </>
  );
}

function named(ids: readonly string[], roles: readonly RoleShape[]): string {
  return ids.map((id) => roles.find((role) => role.id === id)?.name ?? id).join(", ");
}

interface KeyProps {
  of: ApiKeyShape;
  roles: readonly RoleShape[];
  onClose: () => void;
  onChange: () => void;
  onMade: (key: Made) => void;
}

function Key({ of, roles, onClose, onChange, onMade }: KeyProps) {
  const path = `/apikeys/${segment(of.id)}`;
  const [asking, setAsking] = useState<"" | "rotate" | "roles" | "revoke">("");
  const [overlap, setOverlap] = useState(String(OVERLAP_S));
  const [chosen, setChosen] = useState<readonly string[]>(of.role_ids);
  const allowed = may(MANAGE);
  return (
    <Side title={of.name} under={<span class="mono muted">{of.key_prefix}…</span>} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} />],
          ["Roles", named(of.role_ids, roles)],
          ["Only in", of.environment_id || "every environment"],
          ["Used", of.last_used_at ? <Time at={of.last_used_at} /> : "not yet"],
          of.last_used_from && ["From", <span class="mono">{of.last_used_from}</span>],
          of.last_used_by && ["By", of.last_used_by],
          of.previous_expires_at && ["The secret before", <>counts on for <Left until={of.previous_expires_at} over="a moment" /></>],
          ["Owner", <Actor id={of.created_by} none="the server" />],
          ["Ends", of.expires_at ? <Time at={of.expires_at} /> : "never"],
          ["Made", <Time at={of.created_at} />],
        ]}
      />
      <p class="buttons pad-x">
        <Act allowed={allowed} permission={MANAGE} label="New secret…" onClick={() => setAsking("rotate")} />
        <Act allowed={allowed} permission={MANAGE} label="Roles…" onClick={() => setAsking("roles")} />
        <Act allowed={allowed} permission={MANAGE} label="Revoke…" onClick={() => setAsking("revoke")} />
      </p>
      <h3 class="pad-x">What it may</h3>
      <Resolver of={of} />
      <Permitted roles={roles.filter((role) => of.role_ids.includes(role.id))} />
      {asking === "rotate" && (
        <Ask
          title={`A new secret for ${of.name}`}
          typed={of.name}
          verb="Make it"
          done="Made"
          wrong={/^\d{1,8}$/.test(overlap) ? "" : "How long the old one counts is a number of seconds"}
          seen={seenOf(of, SEEN)}
          look={onChange}
          run={async (_reason, ifMatch) => onMade(await request<Made>("POST", `${path}/rotate`, { body: { overlap_seconds: Number(overlap) }, ifMatch }))}
          onClose={() => setAsking("")}
          onDone={onChange}
        >
          <Field label="The old one counts on for" note="seconds; 0 ends it now" value={overlap} onValue={setOverlap} />
        </Ask>
      )}
      {asking === "roles" && (
        <Ask title={`Roles of ${of.name}`} verb="Change" done="Changed" seen={seenOf(of, SEEN)} look={onChange} run={(_reason, ifMatch) => request("PUT", `${path}/roles`, { body: { role_ids: chosen }, ifMatch })} onClose={() => setAsking("")} onDone={onChange}>
          <RolesField roles={roles} chosen={chosen} onChosen={setChosen} />
        </Ask>
      )}
      {asking === "revoke" && (
        <Ask title={`Revoke ${of.name}`} verb="Revoke" done="Revoked" danger typed={of.name} reasoned seen={seenOf(of, SEEN)} look={onChange} run={(reason, ifMatch) => request("DELETE", path, { query: { reason }, ifMatch })} onClose={() => setAsking("")} onDone={onChange}>
          <p>Whoever has it is refused from then on, at once.</p>
        </Ask>
      )}
    </Side>
  );
}

function NewKey({ roles, onClose, onMade, onDone }: { roles: readonly RoleShape[]; onClose: () => void; onMade: (key: Made) => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [environment, setEnvironment] = useState("");
  const [ends, setEnds] = useState("");
  const body = { name, role_ids: chosen, env_id: environment, expires_in: ends };
  return (
    <Ask title="New key" verb="Make it" done={`Made ${name}`} run={async () => onMade(await request<Made>("POST", "/apikeys", { body }))} onClose={onClose} onDone={onDone}>
      <Field label="Name" value={name} onValue={setName} required placeholder="deploy" />
      <RolesField roles={roles} chosen={chosen} onChosen={setChosen} />
      <Field label="Only in the environment" note="empty: in any" value={environment} onValue={setEnvironment} />
      <Field label="Ends after" note="such as 90d; empty: never" value={ends} onValue={setEnds} />
    </Ask>
  );
}
