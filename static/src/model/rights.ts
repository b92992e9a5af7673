/** Which right the server asks for each way of giving a step another output: see app/api/rewind.py. */

export type May = (permission: string) => boolean;

export const RESUME = "runs:resume";
export const FORK = "runs:fork";

/** How an output is changed in place; null for a run that does not stand still. A paused one takes both: an injection,
 * which stands at its place, or a patch from whom that alone is allowed. */
export function editVerb(status: string, may: May): "inject" | "patch" | null {
  if (status === "failed") return "patch";
  if (status !== "paused") return null;
  return may("runs:inject") || !may("runs:patch") ? "inject" : "patch";
}

/** The first of the rights that somebody lacks; "" if they have all. */
export function lacked(needs: readonly string[], may: May): string {
  return needs.find((permission) => !may(permission)) ?? "";
}

/** Why somebody has no way at all to edit an output; "" if there is one. */
export function editLacks(status: string, may: May): string {
  if (may(FORK)) return "";
  const verb = editVerb(status, may);
  if (verb === null) return `you need the permission ${FORK}: it is tried on a fork`;
  return may(`runs:${verb}`) ? "" : `you need the permission runs:${verb}, or ${FORK} to try it on a fork`;
}
