/** Who may call: keys and people, with what their roles give them and which policies are asked about them. */
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { ApiKeyShape, PolicyShape, RoleShape, UserShape } from "../../api/admin";
import { useResource } from "../../live/resource";
import { type Principal, principals } from "../../model/matrix";
import { link, navigate } from "../../shell/route";
import { Browse } from "../../ui/browse";
import { Empty } from "../../ui/states";

const EVERY_MS = 10_000;

export function Principals() {
  const [keys, users] = [may("apikeys:read"), may("users:read")];
  const told = useResource("principals", (signal) => read(keys, users, signal), { every: EVERY_MS });
  const place = (one: Principal): string => link("/access", { tab: one.kind === "user" ? "users" : undefined, one: one.id });
  return (
    <>
      {!(keys && users) && <p class="muted">You may not see {keys ? "people" : users ? "keys" : "keys and people"}: they are not listed.</p>}
      <Browse
        label="Principals"
        noun="principal"
        param="principal"
        resource={told}
        items={told.data}
        id={(one) => one.id}
        onOpen={(one) => navigate(place(one))}
        columns={[
          { name: "Who", width: "minmax(130px, 1.2fr)", show: (one) => one.name },
          { name: "Kind", width: "70px", show: (one) => one.kind },
          { name: "Roles", width: "minmax(110px, 1fr)", show: (one) => one.roles.join(", ") || <span class="muted">none</span> },
          { name: "May", width: "130px", show: (one) => <span class="tabular">{one.permissions} permissions</span>, wide: true },
          { name: "Policies", width: "minmax(110px, 1.4fr)", show: (one) => one.policies.join(", ") || <span class="muted">none</span>, wide: true },
        ]}
        empty={<Empty icon="access" title="Nobody has a key or an account yet" />}
      />
    </>
  );
}

async function read(keys: boolean, users: boolean, signal: AbortSignal): Promise<Principal[]> {
  const [roles, policies, held, people] = await Promise.all([
    get<RoleShape[]>("/roles", {}, signal),
    may("policies:read") ? get<PolicyShape[]>("/policies", {}, signal) : [],
    keys ? get<ApiKeyShape[]>("/apikeys", {}, signal) : [],
    users ? get<UserShape[]>("/users", {}, signal) : [],
  ]);
  const bearers = [
    ...held.map((one) => ({ id: one.id, name: one.name, kind: "key" as const, roles: one.role_ids })),
    ...people.map((one) => ({ id: one.id, name: one.email, kind: "user" as const, roles: one.roles })),
  ];
  return principals(bearers, roles, policies);
}
