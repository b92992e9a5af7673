/** A call of the API as a person would repeat it in a terminal. */
import type { Call } from "./call";
import { type Json, parse, print } from "./json";
import { quoted } from "./quoted";

/** Members that are nobody's to read: a command asks for them, and of a call's body they are left out. */
const HIDDEN = new Set(["value", "password", "verify_secret"]);
const KEPT_BACK = /^\/(secrets|users|webhook-sources)\b/;

/** As curl; `url` is where it goes, with all of its query. */
export function curlOf(call: Call, url: string, environment: string): string {
  const parts = ["curl", "-X", call.method, quoted(url)];
  const head = (name: string, value: string): void => void parts.push("-H", quoted(`${name}: ${value}`));
  if (environment !== "default") head("X-Ironflow-Environment-ID", environment);
  if (call.version === null) head("If-None-Match", "*");
  else if (call.version !== undefined) head("If-Match", `"${call.version}"`);
  if (call.bytes) head("Content-Type", "application/octet-stream");
  else if (call.body !== undefined) head("Content-Type", "application/json");
  if (call.body !== undefined) parts.push("--data-binary", quoted(KEPT_BACK.test(call.path) ? withoutSecrets(call.body) : call.body));
  else if (call.bytes) parts.push("--data-binary", "@FILE");
  return parts.join(" ");
}

function withoutSecrets(text: string): string {
  const body = parse(text);
  if (!(body instanceof Map)) return text;
  return print(new Map([...(body as Map<string, Json>)].map(([name, value]) => [name, HIDDEN.has(name) && value !== "" ? "…" : value])) as Json);
}
