/** What people changed by hand: outputs of steps, and policies; as history tells it. */
import type { Entry } from "../api/types";

export interface Edit {
  position: number;
  icon: "diamond" | "undo" | "policies";
  title: string;
  /** Why; "" for no reason. */
  note: string;
  /** By whom. */
  actor: string;
  at: string;
  /** Where it is looked at: a page, and what is chosen there. */
  path: string;
  query: Record<string, string | number>;
}

/** Kinds of entries, as the list of history takes them. */
export const EDIT_KINDS = "step.patched,step.injected,step.restored,policy.*";

const OF_STEPS: Record<string, string> = { "step.patched": "was patched", "step.injected": "was given an output", "step.restored": "has its own output again" };
const OF_POLICIES: Record<string, string> = { "policy.created": "was made", "policy.changed": "was changed", "policy.disabled": "was disabled", "policy.deleted": "was deleted" };

/** Null for an entry that is none. */
export function editOf(entry: Entry): Edit | null {
  const [noun, id] = [entry.stream.slice(0, entry.stream.indexOf("/")), entry.stream.slice(entry.stream.indexOf("/") + 1)];
  const { reason, name, step_id: stepId, definition } = entry.data as { reason?: string; name?: string; step_id?: string; definition?: { name?: string } };
  const common = { position: entry.position, at: entry.recorded_at, note: reason ?? "", actor: entry.actor };
  if (noun === "run" && entry.kind in OF_STEPS) {
    const step = stepId?.startsWith(`${id}:`) ? stepId.slice(id.length + 1) : (stepId ?? "");
    return { ...common, icon: entry.kind === "step.restored" ? "undo" : "diamond", title: `${name || step} ${OF_STEPS[entry.kind]}`, path: `/runs/${id}`, query: { step, at: entry.position } };
  }
  if (noun === "policy" && entry.kind in OF_POLICIES) {
    const gone = entry.kind === "policy.deleted";
    return { ...common, icon: "policies", title: `policy ${definition?.name ?? id} ${OF_POLICIES[entry.kind]}`, path: gone ? "/audit" : "/policies", query: gone ? { tab: "history", stream: entry.stream } : { policy: id } };
  }
  return null;
}

/** Those that came later first, and no more than `max`. */
export function newest(later: readonly Edit[], before: readonly Edit[], max: number): Edit[] {
  const known = new Set(later.map((one) => one.position));
  return [...later, ...before.filter((one) => !known.has(one.position))].sort((a, b) => b.position - a.position).slice(0, max);
}
