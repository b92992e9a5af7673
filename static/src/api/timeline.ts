/** The past of a run: its light records, and what it was at a position. */
import { AROUND, firstOf } from "../model/gaps";
import type { Json } from "../model/json";
import type { Rec } from "../model/records";
import { ms } from "../model/time";
import { exact, get } from "./client";

const PAGE = 1_000;

export interface RecordShape {
  position: number;
  version: number;
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
  /** The run's last record: its version tells how many there are. */
  newest: { version: number };
  after?: number;
  before?: number;
}

/** Which records: between two positions, none past a moment, those that fit; backward the last of them. */
export interface Part {
  after?: number;
  before?: number;
  at?: string;
  direction?: "backward";
  kind?: string;
  search?: string;
  limit?: number;
}

/** A page of them, in order. Of chosen ones it may be short and have where to go on. */
export async function part(runId: string, wanted: Part, signal?: AbortSignal): Promise<Omit<TimelinePage, "records"> & { records: Rec[] }> {
  const { records: told, ...on } = await get<TimelinePage>(`/runs/${runId}/timeline`, { limit: PAGE, ...wanted }, signal);
  return { ...on, records: told.map(recordOf) };
}

/** Records after a position, in order, and before another one. `took` is told each page, so that the first shows at once. */
export async function records(runId: string, after: number, took: (page: Rec[]) => void, signal?: AbortSignal, before?: number): Promise<void> {
  for (let cursor: number | undefined = after; cursor !== undefined; ) {
    const page: Awaited<ReturnType<typeof part>> = await part(runId, { after: cursor, before }, signal);
    if (page.records.length > 0) took(page.records);
    cursor = page.records.length < PAGE ? undefined : page.after;
  }
}

/** The records on both sides of a position. */
export async function around(runId: string, position: number, signal?: AbortSignal): Promise<Rec[]> {
  const sides = await Promise.all([part(runId, { before: position + 1, direction: "backward", limit: AROUND }, signal), part(runId, { after: position, limit: AROUND }, signal)]);
  return sides.flatMap((side) => side.records);
}

/** The nearest record of some kinds between two positions: the last of them backward. Null where there is none. */
export async function nearest(runId: string, { after, before }: { after: number; before: number }, kind: string, direction: 1 | -1): Promise<Rec | null> {
  const backward = direction < 0;
  return firstOf(
    async (edge) => {
      const page = await part(runId, backward ? { after, before: edge, direction: "backward", kind, limit: 1 } : { after: edge, before, kind, limit: 1 });
      return { records: page.records, next: backward ? page.before : page.after };
    },
    backward ? before : after,
  );
}

/** The whole of a run as of a position, payloads and all. */
export function stateAt(runId: string, position: number, signal?: AbortSignal): Promise<Json> {
  return exact(`/runs/${runId}/state`, { at: Number.isFinite(position) ? position : undefined }, signal);
}

export function recordOf(shape: RecordShape): Rec {
  return {
    position: shape.position,
    version: shape.version,
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
