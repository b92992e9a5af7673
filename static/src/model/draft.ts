/** An event that is being written: what is sent of it, and the command that would send the same. */
import { print, readable } from "./json";
import { quoted } from "./quoted";

export interface Draft {
  name: string;
  /** JSON, as it is typed. */
  data: string;
  /** JSON, as it is typed; "" for none. */
  metadata: string;
  version: string;
  key: string;
  /** The event that this one repeats, changed or not; "" for none. */
  again: string;
}

export interface Problems {
  data: string;
  metadata: string;
  version: string;
}

/** What is wrong with each part; "" for nothing. */
export function problemsOf(draft: Draft): Problems {
  const data = readable(draft.data);
  const metadata = draft.metadata.trim() ? readable(draft.metadata) : { value: new Map() };
  return {
    data: typeof data === "string" ? data : "",
    metadata: typeof metadata === "string" ? metadata : metadata.value instanceof Map ? "" : 'it is an object, such as {"tenant": "a"}',
    version: /^[1-9]\d{0,9}$/.test(draft.version.trim()) ? "" : "a version is a whole number from 1 on",
  };
}

/** What is sent, with every digit as it was written; "" while it cannot be. */
export function bodyOf(draft: Draft): string {
  const parts = partsOf(draft);
  if (!parts) return "";
  const told = [`"name":${JSON.stringify(parts.name)}`, `"data":${parts.data}`];
  if (parts.metadata) told.push(`"metadata":${parts.metadata}`);
  if (parts.version !== "1") told.push(`"version":${parts.version}`);
  if (draft.key) told.push(`"idempotency_key":${JSON.stringify(draft.key)}`);
  if (draft.again) told.push(`"reemitted_from":${JSON.stringify(draft.again)}`);
  return `{${told.join(",")},"source":"dashboard"}`;
}

/** The command that emits the same; what cannot be read yet stands in it as it was typed. */
export function commandOf(draft: Draft, environment: string): string {
  const data = readable(draft.data);
  const words = ["ironflow emit", draft.name.trim() || "NAME", "-d", quoted(typeof data === "string" ? draft.data : print(data.value))];
  const metadata = draft.metadata.trim() ? readable(draft.metadata) : "";
  if (typeof metadata !== "string") words.push("--metadata", quoted(print(metadata.value)));
  if (draft.version.trim() !== "1") words.push("--event-version", draft.version.trim());
  if (draft.key) words.push("--idempotency-key", quoted(draft.key));
  if (draft.again) words.push("--reemitted-from", draft.again);
  if (environment !== "default") words.push("--env", environment);
  return words.join(" ");
}

function partsOf(draft: Draft): { name: string; data: string; metadata: string; version: string } | null {
  const wrong = problemsOf(draft);
  const name = draft.name.trim();
  const data = readable(draft.data);
  if (!name || wrong.data || wrong.metadata || wrong.version || typeof data === "string") return null;
  const metadata = draft.metadata.trim() ? readable(draft.metadata) : "";
  return { name, data: print(data.value), metadata: typeof metadata === "string" ? "" : print(metadata.value), version: draft.version.trim() };
}
