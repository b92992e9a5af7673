/** `1 run`, `1,204 runs`, `2 entries`: a number with what is counted. `nouns` where `plural` does not make them many. */
export function counted(number: number, noun: string, nouns = plural(noun)): string {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
}

/** Several of them: `entries`, `groups of failures`. */
export function plural(noun: string): string {
  const [, head, rest] = /^(.+?)( of .*)?$/.exec(noun) as RegExpExecArray;
  return `${/[^aeiou]y$/.test(head) ? `${head.slice(0, -1)}ie` : head}s${rest ?? ""}`;
}
