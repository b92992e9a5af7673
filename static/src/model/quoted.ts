/** A text as a shell takes it, whatever it has in it. */
export function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

/** A value as it stands in a token of a filter: quoted where it has to be. */
export function worded(value: string): string {
  return /[\s"]/.test(value) ? JSON.stringify(value) : value;
}
