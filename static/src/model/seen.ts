/** What somebody decides upon: a thing as it was when they looked at it. */
import { type Json, of as json } from "./json";

export interface Seen {
  version: number;
  /** undefined where it is gone. */
  value: Json | undefined;
}

/** A thing at its revision, by what people change of it: how far it has come goes on by itself. */
export function seenOf<T extends { revision: number }>(of: T, fields: readonly (keyof T & string)[]): Seen {
  return { version: of.revision, value: json(Object.fromEntries(fields.filter((name) => of[name] !== undefined).map((name) => [name, of[name]]))) };
}
