/** How well a text has the letters of a query in order: higher is better, -1 for not at all. */
export function score(query: string, text: string): number {
  const wanted = query.toLowerCase();
  const within = text.toLowerCase();
  if (wanted === "") return 0;
  const whole = within.indexOf(wanted);
  if (whole >= 0) return 1_000 - whole - within.length / 100;
  let found = 0;
  let at = -1;
  for (const letter of wanted) {
    if (letter === " ") continue;
    const next = within.indexOf(letter, at + 1);
    if (next < 0) return -1;
    const starts = next === 0 || /[\s\-_./:]/.test(within[next - 1]);
    found += next === at + 1 ? 8 : starts ? 6 : 1;
    at = next;
  }
  return found - within.length / 100;
}
