/** Roles: the permissions that each gives, those of the system first. */
import { get } from "../../api/client";
import type { RoleShape } from "../../api/admin";
import { useResource } from "../../live/resource";
import { link } from "../../shell/route";
import { Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Facts, Side } from "../../ui/side";
import { Empty } from "../../ui/states";

/** Those there are; none while they are not known. */
export function useRoles(): readonly RoleShape[] {
  return useResource("roles", (signal) => get<RoleShape[]>("/roles", {}, signal)).data ?? [];
}

export function Roles() {
  const roles = useResource("roles listed", (signal) => get<RoleShape[]>("/roles", {}, signal));
  return (
    <Browse
      label="Roles"
      noun="role"
      param="one"
      resource={roles}
      items={roles.data}
      id={(one) => one.id}
      columns={[
        { name: "Role", width: "minmax(120px, 1fr)", show: (one) => one.name },
        { name: "Whose", width: "120px", show: (one) => (one.is_default ? <span class="muted">the system's</span> : "yours") },
        { name: "Permissions", width: "110px", show: (one) => <span class="tabular">{one.permissions.includes("*") ? "all" : one.permissions.length}</span> },
        { name: "Keys with it", width: "110px", show: (one) => <span class="tabular">{one.api_key_count}</span>, wide: true },
      ]}
      empty={<Empty icon="access" title="There is no role" />}
      side={(one, close) => (
        <Side title={one.name} under={<span class="muted">{one.is_default ? "one of the system's" : "made here"}</span>} onClose={close}>
          <Facts of={[["Keys with it", one.api_key_count], !one.is_default && ["Made", <Time at={one.created_at} />], ["Policies", <a href={link("/policies")}>what is denied all the same</a>]]} />
          <h3 class="pad-x">What it gives</h3>
          <Permitted roles={[one]} />
        </Side>
      )}
    />
  );
}

/** What roles give together, by noun. */
export function Permitted({ roles }: { roles: readonly RoleShape[] }) {
  const nouns = new Map<string, Set<string>>();
  for (const permission of roles.flatMap((role) => role.permissions)) {
    const cut = permission.lastIndexOf(":");
    const noun = cut < 0 ? permission : permission.slice(0, cut);
    nouns.set(noun, (nouns.get(noun) ?? new Set()).add(cut < 0 ? "everything" : permission.slice(cut + 1)));
  }
  if (nouns.size === 0) return <p class="muted pad">Nothing.</p>;
  return <Facts wide of={[...nouns].sort(([a], [b]) => a.localeCompare(b)).map(([noun, verbs]) => [noun === "*" ? "all" : noun, <span class="mono">{[...verbs].join(", ")}</span>] as const)} />;
}

export function RolesField({ roles, chosen, onChosen }: { roles: readonly RoleShape[]; chosen: readonly string[]; onChosen: (ids: readonly string[]) => void }) {
  return (
    <fieldset class="choices">
      <legend>
        Roles <span class="faint">viewer, if none</span>
      </legend>
      {roles.map((role) => (
        <label key={role.id} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(role.id) || chosen.includes(role.name)}
            onChange={(event) => onChosen(event.currentTarget.checked ? [...chosen, role.id] : chosen.filter((one) => one !== role.id && one !== role.name))}
          />{" "}
          {role.name}
        </label>
      ))}
    </fieldset>
  );
}
