/** Values that may be any bytes: as they come over JSON, and as people read them. */
import { type Json, parse } from "./json";

const HEX_SHOWN = 4_096;

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

export function hex(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, HEX_SHOWN), (byte) => byte.toString(16).padStart(2, "0"));
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += 16) lines.push(shown.slice(at, at + 16).join(" "));
  if (bytes.length > HEX_SHOWN) lines.push(`… ${bytes.length - HEX_SHOWN} more`);
  return lines.join("\n");
}
