/** Who did something to one thing, of what the audit tells. */

interface Told {
  actor: string;
  resource: string;
  created_at: string;
  decision?: string;
  count?: number;
}

export interface Reader {
  who: string;
  times: number;
  last: string;
}

/** Each caller who was allowed to, whoever did last first. */
export function readers(events: readonly Told[], resource: string): Reader[] {
  const found = new Map<string, Reader>();
  for (const one of events) {
    if (one.resource !== resource || (one.decision ?? "allowed") !== "allowed") continue;
    const who = one.actor || "anonymous";
    const known = found.get(who) ?? { who, times: 0, last: "" };
    known.times += one.count ?? 1;
    if (one.created_at > known.last) known.last = one.created_at;
    found.set(who, known);
  }
  return [...found.values()].sort((a, b) => (a.last < b.last ? 1 : a.last > b.last ? -1 : 0));
}
