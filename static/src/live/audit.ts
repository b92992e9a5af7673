/** What was done and decided, newest first. */
import type { AuditEvent } from "../api/admin";
import { exact } from "../api/client";
import { at, objects } from "../model/json";
import { type Paged, usePaged } from "./paged";

const EVERY_MS = 4_000;
const LIMIT = 100;

/** The audit of everything, or of one run, as it is at `path`. */
export function useAudit(path: string, query: Record<string, string>): Paged<AuditEvent> {
  return usePaged(
    `${path} ${JSON.stringify(query)}`,
    async (cursor, signal) => {
      const page = await exact(path, { ...query, limit: LIMIT, cursor }, signal);
      const next = at(page, "next_cursor");
      return { items: objects<AuditEvent>(at(page, "events"), "payload"), next: typeof next === "string" ? next : "" };
    },
    { every: EVERY_MS },
  );
}
