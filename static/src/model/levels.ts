/** Keys as a tree, by the same rule as the server's: a level ends behind a `.`, a `/` or a `:`. */

export interface Step {
  label: string;
  prefix: string;
}

/** The level in which a key is listed: all of it up to its last separator. */
export function levelOf(key: string): string {
  return /^.*[./:]/s.exec(key)?.[0] ?? "";
}

/** The levels on the way to a prefix, the outermost first. */
export function stepsTo(prefix: string): Step[] {
  const steps: Step[] = [];
  let so = "";
  for (const label of prefix.match(/[^./:]*[./:]|[^./:]+$/g) ?? []) steps.push({ label, prefix: (so += label) });
  return steps;
}

/** Whether somebody looks for a pattern, not for what begins so. */
export function isPattern(text: string): boolean {
  return /[*>]/.test(text);
}
