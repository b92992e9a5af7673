/** What a line of tags means, with commas between: those to be added, and those with a minus to be taken away. */
export function tagsOf(text: string): { add: string[]; remove: string[] } {
  const tags = text.split(",").map((one) => one.trim());
  return { add: tags.filter((one) => one && one[0] !== "-"), remove: tags.filter((one) => one[0] === "-").map((one) => one.slice(1)) };
}
