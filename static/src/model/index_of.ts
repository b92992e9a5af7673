/** Which of a great many has a name. What is a key of a `Map` or a `Set`, or only looked for in it, the browser puts into a table of
 * all its words, which its collector goes through at one go: 200,000 step ids are 40 ms of a frame. This keeps numbers only. */
import { hashOf } from "./hash";

export class IndexOf {
  /** By hash; of two names with one hash the later has the next that is free. */
  readonly #places = new Map<number, number>();
  readonly #nameAt: (place: number) => string;

  constructor(nameAt: (place: number) => string) {
    this.#nameAt = nameAt;
  }

  /** The place of a name; -1 if it has none. */
  find(name: string): number {
    for (let hash = placeFor(name); ; hash++) {
      const place = this.#places.get(hash) ?? -1;
      if (place < 0 || this.#nameAt(place) === name) return place;
    }
  }

  /** Give the next place to a name that has none. */
  add(name: string): void {
    let hash = placeFor(name);
    while (this.#places.has(hash)) hash++;
    this.#places.set(hash, this.#places.size);
  }
}

/** In the bits that make a small integer. */
function placeFor(name: string): number {
  return hashOf(name) & 0x3fffffff;
}
