/** What mended one run of a group of failures, and what would come of it in the others. */
import type { AppliedRun, Plan, Repair } from "../api/types";

const GIVEN = ["patched", "injected", "forked"];

/** The run that went well after a person gave a step another output, the newest that is told; none if nobody did. */
export function patchOf(repairs: readonly Repair[]): { run: string; how: string } | null {
  for (const how of GIVEN) {
    const example = repairs.find((one) => one.how === how)?.examples[0];
    if (example) return { run: how === "forked" ? example.repaired_by : example.run_id, how };
  }
  return null;
}

/** Those that would take it, and those that refuse. */
export function parted(runs: readonly AppliedRun[]): { fit: AppliedRun[]; refused: AppliedRun[] } {
  return { fit: runs.filter((one) => !one.error), refused: runs.filter((one) => one.error) };
}

/** `keeps fetch order, runs book again`: what becomes of the steps. */
export function planText(plan: Plan): string {
  const named = (...fates: string[]): string[] => plan.steps.filter((step) => fates.includes(step.fate)).map((step) => step.name);
  const [kept, again, waits] = [named("kept"), named("reruns"), named("waits")];
  return [kept.length > 0 && `keeps ${kept.join(", ")}`, again.length > 0 && `runs ${again.join(", ")} again`, waits.length > 0 && `waits on in ${waits.join(", ")}`].filter(Boolean).join("; ") || "goes on after it";
}

/** Steps whose effects outside may happen again. */
export function repeats(plan: Plan): string[] {
  return plan.steps.filter((step) => step.repeats).map((step) => step.name);
}

/** The versions that the plans were made of: what was shown is what is done. */
export function versionsOf(runs: readonly AppliedRun[]): Record<string, number> {
  return Object.fromEntries(runs.flatMap((one) => (one.plan ? [[one.run_id, one.plan.version]] : [])));
}
