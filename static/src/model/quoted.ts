/** A text as a shell takes it, whatever it has in it. */
export function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
