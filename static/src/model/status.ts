/** What statuses look like: one role each, which is a colour, an icon and a pattern together. */

export type Role = "ok" | "run" | "wait" | "warn" | "fail" | "idle" | "edit";
export type StatusIcon = "check" | "dot" | "hourglass" | "pause" | "cross" | "circle" | "slash" | "diamond" | "undo";

export interface Look {
  role: Role;
  icon: StatusIcon;
  label: string;
}

const LOOKS: Record<string, Look> = {
  completed: { role: "ok", icon: "check", label: "Completed" },
  active: { role: "ok", icon: "check", label: "Active" },
  running: { role: "run", icon: "dot", label: "Running" },
  waiting: { role: "wait", icon: "hourglass", label: "Waiting" },
  sleeping: { role: "wait", icon: "hourglass", label: "Sleeping" },
  live: { role: "ok", icon: "check", label: "Live" },
  catching_up: { role: "run", icon: "dot", label: "Catching up" },
  paused: { role: "warn", icon: "pause", label: "Paused" },
  stopped: { role: "warn", icon: "pause", label: "Stopped" },
  draining: { role: "warn", icon: "pause", label: "Draining" },
  drained: { role: "idle", icon: "pause", label: "Drained" },
  left: { role: "idle", icon: "slash", label: "Gone" },
  unwinding: { role: "warn", icon: "undo", label: "Compensating" },
  never_ran: { role: "idle", icon: "circle", label: "Never ran" },
  unattended: { role: "warn", icon: "pause", label: "No worker" },
  rebuilding: { role: "run", icon: "dot", label: "Rebuilding" },
  error: { role: "fail", icon: "cross", label: "Stopped" },
  disabled: { role: "idle", icon: "slash", label: "Disabled" },
  accepted: { role: "ok", icon: "check", label: "Accepted" },
  held: { role: "warn", icon: "pause", label: "Held" },
  rejected: { role: "fail", icon: "cross", label: "Rejected" },
  allowed: { role: "ok", icon: "check", label: "Allowed" },
  denied: { role: "fail", icon: "cross", label: "Denied" },
  refused: { role: "fail", icon: "cross", label: "Refused" },
  enforce: { role: "fail", icon: "cross", label: "Denies" },
  monitor: { role: "warn", icon: "diamond", label: "Only tells" },
  would_deny: { role: "warn", icon: "diamond", label: "Would deny" },
  failed: { role: "fail", icon: "cross", label: "Failed" },
  timed_out: { role: "fail", icon: "cross", label: "Timed out" },
  waiting_for_capacity: { role: "idle", icon: "circle", label: "Queued" },
  cancelled: { role: "idle", icon: "slash", label: "Cancelled" },
  dead: { role: "idle", icon: "slash", label: "Given up" },
  open: { role: "fail", icon: "cross", label: "Open" },
  new: { role: "fail", icon: "cross", label: "New" },
  ongoing: { role: "fail", icon: "dot", label: "Ongoing" },
  regressed: { role: "fail", icon: "undo", label: "Regressed" },
  resolved: { role: "ok", icon: "check", label: "Resolved" },
  muted: { role: "idle", icon: "slash", label: "Muted" },
  archived: { role: "idle", icon: "slash", label: "Archived" },
  unloaded: { role: "idle", icon: "circle", label: "Not loaded" },
  ghost: { role: "idle", icon: "circle", label: "Not reached" },
};

export function look(status: string): Look {
  return LOOKS[status] ?? { role: "idle", icon: "circle", label: status };
}

/** Statuses of runs, in the order in which charts stack and menus list them. */
export const RUN_STATUSES = [
  "completed",
  "failed",
  "running",
  "waiting",
  "paused",
  "waiting_for_capacity",
  "cancelled",
] as const;

export function isEnded(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
