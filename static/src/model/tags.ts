/** What a line of tags means, with commas between: those to be added, and those with a minus to be taken away. */
export function tagsOf(text: string): { add: string[]; remove: string[] } {
  const tags = text.split(",").map((one) => one.trim());
  return { add: tags.filter((one) => one && one[0] !== "-"), remove: tags.filter((one) => one[0] === "-").map((one) => one.slice(1).trim()) };
}

/** Of each of the two lists; the server says the rest. */
const TAGS_MAX = 10;
const TAG_CHARS_MAX = 64;

/** Whether the server would take these. */
export function usableTags({ add, remove }: { add: readonly string[]; remove: readonly string[] }): boolean {
  const fits = (tags: readonly string[]): boolean => new Set(tags).size <= TAGS_MAX && tags.every((one) => one !== "" && [...one].length <= TAG_CHARS_MAX);
  return add.length + remove.length > 0 && fits(add) && fits(remove);
}
