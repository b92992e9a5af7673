/** A decision that was recorded, as a request to be tried anew. Pure. */
import { type Json, at } from "./json";

export interface Tried {
  id: string;
  action: string;
  resource: string;
  kind: string;
  /** With commas. */
  roles: string;
  address: string;
  at: string;
}

interface Recorded {
  actor: string;
  action?: string;
  resource: string;
  address?: string;
  created_at: string;
  payload: Json;
}

export function triedOf(one: Recorded): Tried {
  const [roles, kind] = [at(one.payload, "asked", "roles"), at(one.payload, "asked", "actor_kind")];
  return {
    id: one.actor,
    action: one.action ?? "",
    resource: one.resource,
    kind: typeof kind === "string" ? kind : "",
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string").join(", ") : "",
    address: one.address ?? "",
    at: one.created_at,
  };
}

const SHOWN_MAX = 30;

/** The newest of several pages, each newest first, one of each request. */
export function distinct<T extends Recorded & { id: string }>(pages: readonly (readonly T[])[]): T[] {
  const found = new Map<string, T>();
  for (const one of pages.flat().sort((a, b) => Number(b.id) - Number(a.id))) {
    const { at: _, ...asked } = triedOf(one);
    const key = JSON.stringify(asked);
    if (!found.has(key)) found.set(key, one);
  }
  return [...found.values()].slice(0, SHOWN_MAX);
}
