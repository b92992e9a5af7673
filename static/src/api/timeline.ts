/** The past of a run: its light records, and what it was at a position. */
import type { Json } from "../model/json";
import type { Rec } from "../model/records";
import { ms } from "../model/time";
import { exact, get } from "./client";

const PAGE = 1_000;

export interface RecordShape {
  position: number;
  kind: string;
  at: string;
  summary: string;
  actor?: string;
  worker_id?: string;
  attempt?: number;
  step_id?: string;
  name?: string;
  type?: string;
  started_at?: string;
  until?: string;
  event?: string;
  function_id?: string;
  child_run_id?: string;
  compensation_for?: string;
  code?: string;
  message?: string;
}

interface TimelinePage {
  records: RecordShape[];
  after?: number;
}

/** Records after a position, in order. `took` is told each page, so that the first shows at once. */
export async function records(runId: string, after: number, took: (page: Rec[]) => void, signal?: AbortSignal): Promise<void> {
  for (let cursor: number | undefined = after; cursor !== undefined; ) {
    const page: TimelinePage = await get<TimelinePage>(`/runs/${runId}/timeline`, { after: cursor, limit: PAGE }, signal);
    if (page.records.length > 0) took(page.records.map(recordOf));
    cursor = page.after;
  }
}

/** The whole of a run as of a position, payloads and all. */
export function stateAt(runId: string, position: number, signal?: AbortSignal): Promise<Json> {
  return exact(`/runs/${runId}/state`, { at: Number.isFinite(position) ? position : undefined }, signal);
}

export function recordOf(shape: RecordShape): Rec {
  return {
    position: shape.position,
    kind: shape.kind,
    at: ms(shape.at),
    summary: shape.summary,
    stepId: shape.step_id ?? "",
    name: shape.name ?? "",
    type: shape.type ?? "",
    attempt: shape.attempt ?? 1,
    startedAt: ms(shape.started_at),
    until: ms(shape.until),
    error: shape.message === undefined ? null : { message: shape.message, code: shape.code ?? "" },
    about: shape.event ?? shape.function_id ?? "",
    childRunId: shape.child_run_id ?? "",
    compensationFor: shape.compensation_for ?? "",
    actor: shape.actor ?? (shape.worker_id ? `worker ${shape.worker_id}` : ""),
  };
}
