/** What a run's code logged, a page at a time. Fields are kept as they were written. */
import { type Json, at, objects } from "../model/json";
import type { Level, LogLine } from "../model/loglines";
import { ms } from "../model/time";
import { exact } from "./client";

const PAGE = 1_000;

interface Shape {
  position: number;
  index?: number;
  time: string;
  level: Level;
  message: string;
  fields: Json;
  step?: string;
  path?: string;
  attempt: number;
  logger?: string;
  source?: { path: string; line: number };
  cut_bytes?: number;
  dropped?: number;
  redacted?: boolean;
}

export interface LogsPage {
  lines: LogLine[];
  /** Where the next page begins; "" at the end. */
  next: string;
}

/** Lines after a place, of one step and of a level or graver ones. */
export async function logLines(runId: string, chosen: { step: string; level: string }, after: string, signal: AbortSignal): Promise<LogsPage> {
  const page = await exact(`/runs/${runId}/logs`, { ...chosen, after, limit: PAGE }, signal);
  const next = at(page, "after");
  return { lines: objects<Shape>(at(page, "items"), "fields").map(lineOf), next: typeof next === "string" ? next : "" };
}

function lineOf(shape: Shape): LogLine {
  return {
    position: shape.position,
    index: shape.index ?? 0,
    at: ms(shape.time),
    level: shape.level,
    message: shape.message,
    fields: shape.fields,
    step: shape.step ?? "",
    path: shape.path ?? "",
    attempt: shape.attempt,
    logger: shape.logger ?? "",
    source: shape.source ?? null,
    cut: shape.cut_bytes ?? 0,
    dropped: shape.dropped ?? 0,
    redacted: shape.redacted ?? false,
  };
}
