/** What somebody decides upon who changes a projection. */
import type { ProjectionSummary } from "../../api/data";
import { type Seen, seenOf } from "../../model/seen";

const FIELDS = ["version", "status", "events", "partition_key", "on_error", "generation", "building", "skipped", "parked", "error_event_id", "error_message"] as const;

/** Nothing where it skips what it cannot take: each event that it skips is a change of its own, and would keep everybody
 * from changing it for as long as they come. */
export function decidedOn(of: ProjectionSummary): Seen | undefined {
  return of.on_error === "skip" ? undefined : seenOf(of, FIELDS);
}
