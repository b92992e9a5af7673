/** Which role gives which permission, and who has it by that. Pure. */

interface Giving {
  id: string;
  name: string;
  permissions: readonly string[];
}

const ALL = "*";

export interface MatrixRow {
  permission: string;
  /** Of each role, in the order of the roles, whether it gives it. */
  given: readonly boolean[];
}

export interface MatrixPart {
  noun: string;
  rows: readonly MatrixRow[];
}

/** Every permission that a role gives, by noun: those of the system give all there are between them. */
export function matrix(roles: readonly Giving[]): MatrixPart[] {
  const known = new Set(roles.flatMap((role) => role.permissions));
  known.delete(ALL);
  const parts = new Map<string, MatrixRow[]>();
  for (const permission of [...known].sort()) {
    const noun = permission.slice(0, permission.indexOf(":"));
    parts.set(noun, [...(parts.get(noun) ?? []), { permission, given: roles.map((role) => gives(role, permission)) }]);
  }
  return [...parts].map(([noun, rows]) => ({ noun, rows }));
}

export function gives(role: Giving, permission: string): boolean {
  return role.permissions.includes(ALL) || role.permissions.includes(permission);
}

/** The rows whose permission has all of the words. */
export function searched(parts: readonly MatrixPart[], text: string): MatrixPart[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row: MatrixRow): boolean => words.every((word) => row.permission.includes(word));
  return parts.map((part) => ({ ...part, rows: part.rows.filter(fits) })).filter((part) => part.rows.length > 0);
}

export interface Principal {
  id: string;
  name: string;
  kind: "key" | "user";
  /** By name, or by id where no role of that is known any more. */
  roles: readonly string[];
  permissions: number;
  /** Those that count for them, by role. */
  policies: readonly string[];
}

interface Bearer {
  id: string;
  name: string;
  kind: "key" | "user";
  roles: readonly string[];
}

interface Binding {
  name: string;
  status: string;
  roles: readonly string[];
}

/** Who may call, with what their roles give them together and which policies are asked about them. */
export function principals(bearers: readonly Bearer[], roles: readonly Giving[], policies: readonly Binding[]): Principal[] {
  return bearers.map((one) => {
    const held = one.roles.map((named) => roles.find((role) => role.id === named || role.name === named) ?? { id: named, name: named, permissions: [] });
    const given = new Set(held.flatMap((role) => role.permissions));
    const known = new Set(held.flatMap((role) => [role.id, role.name]));
    const bound = policies.filter((policy) => policy.status === "active" && (policy.roles.length === 0 || policy.roles.some((role) => known.has(role))));
    return { ...one, roles: held.map((role) => role.name), permissions: given.size, policies: bound.map((policy) => policy.name) };
  });
}
