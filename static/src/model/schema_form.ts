/** A form out of a JSON Schema: a field for each member of the object that it describes, as far as a line can hold it. */
import { type Json, Num, type Obj, at, print, readable } from "./json";

export type FieldKind = "text" | "number" | "integer" | "boolean" | "choice" | "json";

export interface SchemaField {
  name: string;
  kind: FieldKind;
  required: boolean;
  /** What the schema says it is for. */
  about: string;
  /** Of a choice: each value as JSON. */
  choices: string[];
}

const KINDS: Record<string, FieldKind> = { string: "text", number: "number", integer: "integer", boolean: "boolean" };
const FIELDS_MAX = 30;

/** Null for a schema that is no plain object of a few members: that is written as JSON. */
export function fieldsOf(schema: Json | undefined): SchemaField[] | null {
  const members = at(schema, "properties");
  if (!(members instanceof Map) || members.size === 0 || members.size > FIELDS_MAX) return null;
  const type = at(schema, "type");
  if (type !== undefined && type !== "object") return null;
  const required = at(schema, "required");
  const needed = new Set(Array.isArray(required) ? required : []);
  return [...members].map(([name, member]) => ({ name, required: needed.has(name), about: aboutOf(member), ...kindOf(member) }));
}

function aboutOf(member: Json): string {
  const said = at(member, "description") ?? at(member, "title");
  return typeof said === "string" ? said : "";
}

function kindOf(member: Json): { kind: FieldKind; choices: string[] } {
  const choices = at(member, "enum");
  if (Array.isArray(choices) && choices.length > 0) return { kind: "choice", choices: choices.map((one) => print(one)) };
  const type = at(member, "type");
  return { kind: (typeof type === "string" && KINDS[type]) || "json", choices: [] };
}

/** What a field shows of a value; null for one that a field of its kind cannot show. */
export function shownIn(field: SchemaField, value: Json | undefined): string | null {
  if (value === undefined) return "";
  switch (field.kind) {
    case "text":
      return typeof value === "string" ? value : null;
    case "number":
    case "integer":
      return value instanceof Num ? value.text : null;
    case "boolean":
      return typeof value === "boolean" ? String(value) : null;
    case "choice":
      return field.choices.includes(print(value)) ? print(value) : null;
    case "json":
      return print(value);
  }
}

/** The value that a text in the field stands for, undefined for none; or what is wrong with it. */
export function readIn(field: SchemaField, text: string): { value: Json | undefined } | string {
  if (text === "" && (field.kind !== "text" || !field.required)) {
    return field.required ? `${field.name} is needed` : { value: undefined };
  }
  if (field.kind === "text") return { value: text };
  const read = readable(text);
  if (typeof read === "string") return field.kind === "json" ? `${field.name}: ${read}` : `${field.name} is not a number`;
  if (field.kind === "number" || field.kind === "integer") {
    if (!(read.value instanceof Num)) return `${field.name} is not a number`;
    if (field.kind === "integer" && !/^-?\d+$/.test(read.value.text)) return `${field.name} is a whole number`;
  }
  return read;
}

/** The object with the member set, or without it; the others stay where they are. */
export function withMember(data: Obj, name: string, value: Json | undefined): Obj {
  const changed = new Map(data);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return changed;
}

/** Whether each field can show what the data have: else they are written as JSON. */
export function fits(fields: readonly SchemaField[], data: Json | undefined): data is Obj {
  return data instanceof Map && fields.every((field) => shownIn(field, data.get(field.name)) !== null);
}

/** The names of members that are needed and missing. */
export function missing(fields: readonly SchemaField[], data: Obj): string[] {
  return fields.filter((field) => field.required && !data.has(field.name)).map((field) => field.name);
}
