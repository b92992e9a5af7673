/** `1 run`, `1,204 runs`, `2 entries`: a number with what is counted. `nouns` where an s does not make them many. */
export function counted(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
}
