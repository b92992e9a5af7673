/** JSON as it was written: numbers keep their digits, objects the order of their keys. JSON.parse keeps neither beyond
 * 2^53 and for keys that look like numbers. */

export class Num {
  constructor(readonly text: string) {}
}

export type Obj = Map<string, Json>;
export type Json = null | boolean | string | Num | Json[] | Obj;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;

/** A text that is no JSON, from that place on. */
export class NotJson extends SyntaxError {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** The value of a text. Throws NotJson where JSON.parse throws. */
export function parse(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(): Json {
    this.skip();
    switch (this.text[this.at]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return JSON.parse(this.take(STRING)) as string;
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return new Num(this.take(NUMBER));
    }
  }

  end(): void {
    this.skip();
    if (this.at < this.text.length) this.fail();
  }

  private object(): Obj {
    const found: Obj = new Map();
    this.at++;
    for (let more = !this.ends("}"); more; more = this.goesOn("}")) {
      this.skip();
      const key = JSON.parse(this.take(STRING)) as string;
      this.skip();
      if (this.text[this.at++] !== ":") this.fail();
      found.set(key, this.value());
    }
    return found;
  }

  private array(): Json[] {
    const found: Json[] = [];
    this.at++;
    for (let more = !this.ends("]"); more; more = this.goesOn("]")) found.push(this.value());
    return found;
  }

  private ends(close: string): boolean {
    this.skip();
    if (this.text[this.at] !== close) return false;
    this.at++;
    return true;
  }

  private goesOn(close: string): boolean {
    if (this.ends(close)) return false;
    if (this.text[this.at++] !== ",") this.fail();
    return true;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) this.fail();
    this.at = pattern.lastIndex;
    return found[0];
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail();
    this.at += word.length;
    return value;
  }

  private skip(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  private fail(): never {
    const near = this.text.slice(this.at, this.at + 20);
    throw new NotJson(near ? `unexpected ${JSON.stringify(near)} at ${this.at}` : "the text ends too early", this.at);
  }
}

/** The value as text; with `indent`, one item a line. */
export function print(value: Json, indent = 0, level = 0): string {
  if (value instanceof Num) return value.text;
  if (Array.isArray(value)) return wrap("[", "]", value.map((item) => print(item, indent, level + 1)), indent, level);
  if (value instanceof Map) {
    const colon = indent ? ": " : ":";
    const items = [...value].map(([key, item]) => JSON.stringify(key) + colon + print(item, indent, level + 1));
    return wrap("{", "}", items, indent, level);
  }
  return JSON.stringify(value);
}

export function equal(a: Json, b: Json): boolean {
  return a === b || print(a) === print(b);
}

function wrap(open: string, close: string, items: string[], indent: number, level: number): string {
  if (items.length === 0) return open + close;
  if (indent === 0) return open + items.join(",") + close;
  const inner = "\n" + " ".repeat(indent * (level + 1));
  return open + inner + items.join("," + inner) + "\n" + " ".repeat(indent * level) + close;
}

/** What is at a path of keys and indices, undefined where there is nothing. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let found = value;
  for (const key of path) {
    if (found instanceof Map) found = found.get(String(key));
    else if (Array.isArray(found)) found = found[Number(key)];
    else return undefined;
  }
  return found;
}

/** A value that our own code made, as Json. */
export function of(value: unknown): Json {
  return parse(JSON.stringify(value) ?? "null");
}

/** The value as JSON.parse has it: numbers beyond 2^53 lose digits. */
export function plain(value: Json): unknown {
  return JSON.parse(print(value));
}

/** A short one-line preview. */
export function preview(value: Json, limit = 80): string {
  const text = print(value);
  return text.length > limit ? text.slice(0, limit - 1) + "…" : text;
}

/** The path as CEL and most tools write it: `data.items[0]["odd key"]`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (!/^[A-Za-z_]\w*$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text ? `${text}.${key}` : key;
  }, "");
}

/** What a person typed, as JSON; or what is wrong with it. Nothing is null. */
export function readable(text: string): { value: Json } | string {
  try {
    return { value: parse(text.trim() === "" ? "null" : text) };
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
}

/** The objects of a list; members that are named stay as they were written, the others are plain. */
export function objects<T>(list: Json | undefined, ...kept: (keyof T & string)[]): T[] {
  if (!Array.isArray(list)) return [];
  return list
    .filter((one) => one instanceof Map)
    .map((one) => Object.fromEntries([...one].map(([key, value]) => [key, (kept as string[]).includes(key) ? value : plain(value)])) as T);
}
