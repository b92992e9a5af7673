/** Values that may be any bytes: as they come over JSON, as people read them, and as people write them. */
import { type Json, parse, print, readable } from "./json";

const HEX_SHOWN = 4_096;
const DUMPED = 8;

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const found = atob(text);
  return Uint8Array.from(found, (char) => char.charCodeAt(0));
}

export interface ReadBytes {
  kind: "json" | "text" | "bytes";
  /** The value, for JSON and text; bytes as hexadecimal text. */
  value: Json;
}

/** JSON if it is that, else text if it is UTF-8, else bytes. */
export function read(bytes: Uint8Array): ReadBytes {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { kind: "bytes", value: hex(bytes) };
  }
  try {
    return { kind: "json", value: parse(text) };
  } catch {
    return { kind: "text", value: text };
  }
}

/** How bytes are shown and edited. */
export type Mode = "json" | "text" | "hex";

/** The ways to show them, the fittest first. */
export function modesOf(bytes: Uint8Array): Mode[] {
  const { kind } = read(bytes);
  return kind === "json" ? ["json", "text", "hex"] : kind === "text" ? ["text", "hex"] : ["hex"];
}

/** The bytes as text to edit: JSON on lines of its own, all other ways so that `taken` gives the same bytes again.
 * undefined for bytes that cannot be shown so. */
export function written(bytes: Uint8Array, mode: Mode): string | undefined {
  if (mode === "hex") return lines(bytes).join("\n");
  const { kind, value } = read(bytes);
  if (mode === "json") return kind === "json" ? print(value, 2) : undefined;
  return kind === "bytes" ? undefined : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** The bytes that were written; what is wrong with it otherwise. */
export function taken(text: string, mode: Mode): Uint8Array<ArrayBuffer> | string {
  if (mode === "hex") return unhex(text);
  if (mode === "json") {
    const found = readable(text);
    if (typeof found === "string") return found;
  }
  return new TextEncoder().encode(text);
}

/** The same as `taken`, in another way; undefined where that cannot be. */
export function turned(text: string, from: Mode, to: Mode): string | undefined {
  const bytes = taken(text, from);
  return typeof bytes === "string" ? undefined : written(bytes, to);
}

/** What differs between values is told in this: JSON as it is, the rest as lines. */
export function comparable(bytes: Uint8Array, mode: Mode): Json {
  const { kind, value } = read(bytes);
  if (mode === "json" && kind === "json") return value;
  return (written(bytes, mode) ?? lines(bytes).join("\n")).split("\n");
}

/** Where, the bytes, and what of them is ASCII, eight a line, as a narrow page has room for; of the first ones. */
export function dump(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, HEX_SHOWN);
  const told = lines(shown, DUMPED).map((line, index) => {
    const at = index * DUMPED;
    const ascii = Array.from(shown.subarray(at, at + DUMPED), (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."));
    return `${at.toString(16).padStart(6, "0")}  ${line.padEnd(DUMPED * 3 - 1)}  ${ascii.join("")}`;
  });
  if (bytes.length > HEX_SHOWN) told.push(`… ${bytes.length - HEX_SHOWN} more`);
  return told.join("\n");
}

function unhex(text: string): Uint8Array<ArrayBuffer> | string {
  const other = /[^0-9a-f\s]/i.exec(text);
  if (other) return `Hex has the digits 0–9 and a–f only: ${JSON.stringify(other[0])} is none`;
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2) return "Hex has two digits for each byte: one is missing";
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
}

function lines(bytes: Uint8Array, width = 16): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += width) found.push(Array.from(bytes.subarray(at, at + width), (byte) => byte.toString(16).padStart(2, "0")).join(" "));
  return found;
}

export function hex(bytes: Uint8Array): string {
  const shown = lines(bytes.subarray(0, HEX_SHOWN));
  if (bytes.length > HEX_SHOWN) shown.push(`… ${bytes.length - HEX_SHOWN} more`);
  return shown.join("\n");
}
