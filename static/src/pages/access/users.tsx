/** People who sign in: their roles, a link that signs one in, and who is kept out. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { RoleShape, UserShape } from "../../api/admin";
import { useResource } from "../../live/resource";
import { Id, Status, Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { Once } from "../../ui/once";
import { Facts, Side } from "../../ui/side";
import { Command, Empty } from "../../ui/states";
import { Permitted, RolesField, useRoles } from "./roles";

const MANAGE = "users:manage";
const EVERY_MS = 10_000;

export function Users() {
  const users = useResource("users", (signal) => get<UserShape[]>("/users", {}, signal), { every: EVERY_MS });
  const roles = useRoles();
  const [making, setMaking] = useState(false);
  const allowed = may(MANAGE);
  return (
    <>
      <p class="buttons">
        <Act allowed={allowed} permission={MANAGE} label="New user…" onClick={() => setMaking(true)} />
      </p>
      <Browse
        label="Users"
        noun="user"
        param="one"
        resource={users}
        items={users.data}
        id={(one) => one.id}
        keys={[{ keys: "n", label: "New user", barred: lacks(MANAGE), run: () => setMaking(true) }]}
        columns={[
          { name: "E-mail", width: "minmax(160px, 1.4fr)", show: (one) => one.email },
          { name: "Name", width: "minmax(100px, 1fr)", show: (one) => one.name, wide: true },
          { name: "Roles", width: "minmax(100px, 1fr)", show: (one) => one.roles.join(", ") },
          { name: "State", width: "96px", show: (one) => (one.is_active === false ? <Status status="disabled" /> : ""), wide: true, alone: true },
          { name: "Signed in", width: "110px", show: (one) => (one.last_login_at ? <Time at={one.last_login_at} /> : <span class="muted">never</span>), wide: true },
          { name: "Made", width: "110px", show: (one) => <Time at={one.created_at} />, wide: true },
        ]}
        empty={
          <Empty icon="access" title="Nobody has an account yet">
            <p class="muted">People sign in with an account, and may what its roles say.</p>
            <Command text="ironflow user create ada@example.com --role developer" />
          </Empty>
        }
        side={(one, close) => <User key={one.id} of={one} roles={roles} onClose={close} onChange={users.reload} />}
      />
      {making && <NewUser roles={roles} onClose={() => setMaking(false)} onDone={users.reload} />}
    </>
  );
}

function User({ of, roles, onClose, onChange }: { of: UserShape; roles: readonly RoleShape[]; onClose: () => void; onChange: () => void }) {
  const path = `/users/${segment(of.id)}`;
  const [asking, setAsking] = useState<"" | "link" | "roles" | "active" | "delete">("");
  const disabled = of.is_active === false;
  const [chosen, setChosen] = useState<readonly string[]>(of.roles);
  const [told, setTold] = useState("");
  const allowed = may(MANAGE);
  return (
    <Side title={of.name || of.email} under={disabled ? <Status status="disabled" /> : <span class="muted">{of.email}</span>} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} />],
          ["Roles", of.roles.join(", ")],
          ["Signed in", of.last_login_at ? <Time at={of.last_login_at} /> : "never"],
          ["Made", <Time at={of.created_at} />],
        ]}
      />
      <p class="buttons pad-x">
        <Act allowed={allowed} permission={MANAGE} label="A link to sign in…" onClick={() => setAsking("link")} />
        <Act allowed={allowed} permission={MANAGE} label="Roles…" onClick={() => setAsking("roles")} />
        <Act allowed={allowed} permission={MANAGE} label={disabled ? "Enable…" : "Disable…"} onClick={() => setAsking("active")} />
        <Act allowed={allowed} permission={MANAGE} label="Delete…" onClick={() => setAsking("delete")} />
      </p>
      <h3 class="pad-x">What they may</h3>
      <Permitted roles={roles.filter((role) => of.roles.includes(role.id) || of.roles.includes(role.name))} />
      {asking === "link" && (
        <Ask known={{ email: of.email }} title={`A link for ${of.email}`} verb="Make it" done="Made" run={async () => setTold((await request<{ url: string }>("POST", `${path}/link`, { body: {} })).url)} onClose={() => setAsking("")}>
          <p>Whoever opens it is signed in as {of.email}: once, within a quarter of an hour.</p>
        </Ask>
      )}
      {told && (
        <Once title={`A link for ${of.email}`} what="The link" text={told} onClose={() => setTold("")}>
          It works once, within a quarter of an hour.
        </Once>
      )}
      {asking === "roles" && (
        <Ask known={{ email: of.email }} title={`Roles of ${of.email}`} verb="Change" done="Changed" run={() => request("PATCH", path, { body: { roles: chosen } })} onClose={() => setAsking("")} onDone={onChange}>
          <RolesField roles={roles} chosen={chosen} onChosen={setChosen} />
        </Ask>
      )}
      {asking === "active" && (
        <Ask
          title={`${disabled ? "Enable" : "Disable"} ${of.email}`}
          verb={disabled ? "Enable" : "Disable"}
          done={disabled ? "Enabled" : "Disabled"}
          known={{ email: of.email }}
          run={() => request("PATCH", path, { body: { is_active: disabled } })}
          onClose={() => setAsking("")}
          onDone={onChange}
        >
          <p>{disabled ? "They can sign in again." : "They are signed out everywhere, and cannot sign in until they are enabled."}</p>
        </Ask>
      )}
      {asking === "delete" && (
        <Ask known={{ email: of.email }} title={`Delete ${of.email}`} verb="Delete" done="Deleted" danger typed={of.email} run={() => request("DELETE", path)} onClose={() => setAsking("")} onDone={onChange}>
          <p>They are signed out everywhere. What they did stays in history.</p>
        </Ask>
      )}
    </Side>
  );
}

function NewUser({ roles, onClose, onDone }: { roles: readonly RoleShape[]; onClose: () => void; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  return (
    <Ask title="New user" verb="Make it" done={`Made ${email}`} run={() => request("POST", "/users", { body: { email, name, password, roles: chosen } })} onClose={onClose} onDone={onDone}>
      <Field label="E-mail" value={email} onValue={setEmail} required placeholder="ada@example.com" />
      <Field label="Name" value={name} onValue={setName} />
      <Field label="Password" note="empty: they sign in by a link" value={password} onValue={setPassword} secret />
      <RolesField roles={roles} chosen={chosen} onChosen={setChosen} />
    </Ask>
  );
}
