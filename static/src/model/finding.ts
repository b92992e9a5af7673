/** Where words stand in a text or a value, in either case of letters. */
import { type Json, print } from "./json";

export type Path = readonly (string | number)[];

/** Beyond so many nobody goes from one to the next. */
export const HITS_MAX = 1_000;

/** Where the words begin, in order, none within another. */
export function offsetsOf(text: string, words: string): number[] {
  const found: number[] = [];
  const [inside, wanted] = [text.toLowerCase(), words.toLowerCase()];
  if (wanted === "" || inside.length !== text.length) return found; // some letters have more of them in lower case: no offset would be right
  for (let at = inside.indexOf(wanted); at >= 0 && found.length < HITS_MAX; at = inside.indexOf(wanted, at + wanted.length)) found.push(at);
  return found;
}

/** The paths of all members whose name or value has the words, as they follow each other on the screen. */
export function placesOf(value: Json, words: string): Path[] {
  const found: Path[] = [];
  const wanted = words.toLowerCase();
  const has = (text: string): boolean => text.toLowerCase().includes(wanted);
  const look = (one: Json, path: Path): void => {
    if (found.length >= HITS_MAX) return;
    const name = path[path.length - 1];
    const leaf = !(one instanceof Map || Array.isArray(one));
    if ((typeof name === "string" && has(JSON.stringify(name))) || (leaf && has(print(one)))) found.push(path);
    if (leaf) return;
    for (const [child, item] of Array.isArray(one) ? one.entries() : one) look(item, [...path, child]);
  };
  if (wanted !== "") look(value, []);
  return found;
}

/** Whether one path leads to another, or is the same. */
export function leadsTo(path: Path, to: Path): boolean {
  return path.length <= to.length && path.every((key, index) => key === to[index]);
}

/** A text as pieces, every second of which is the words. */
export function pieces(text: string, words: string): string[] {
  const cuts: string[] = [];
  let from = 0;
  for (const at of offsetsOf(text, words)) {
    cuts.push(text.slice(from, at), text.slice(at, at + words.length));
    from = at + words.length;
  }
  return [...cuts, text.slice(from)];
}
