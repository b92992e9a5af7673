/** A call of the API that changes something, as it is told to somebody who would make it in a terminal. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface Call {
  method: Method;
  path: string;
  query?: Record<string, string | number | undefined>;
  /** As it is sent; undefined for none, and for bytes that are no text. */
  body?: string;
  /** Whether what is sent is of no kind that is known. */
  bytes?: boolean;
  /** The version that has to be there; null where nothing may be. */
  version?: number | null;
}

/** What bytes say; undefined where they are no text, or none that a shell takes. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined; // it is no text, and a command takes none but that
  }
}
