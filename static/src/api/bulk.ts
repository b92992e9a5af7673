/** Bulk jobs: one thing that the server does to many runs, by itself. */
import { get, request, segment } from "./client";
import type { BulkJob, BulkResult } from "./types";

export const BULK = "/bulk";

export function startJob(body: unknown): Promise<BulkJob> {
  return request<BulkJob>("POST", BULK, { body });
}

export function stopJob(id: string, reason: string): Promise<BulkJob> {
  return request<BulkJob>("POST", `${BULK}/${segment(id)}/stop`, { body: { reason } });
}

export function job(id: string, signal: AbortSignal): Promise<BulkJob> {
  return get<BulkJob>(`${BULK}/${segment(id)}`, {}, signal);
}

/** The newest first. */
export async function jobs(query: { status?: string; limit: number }, signal: AbortSignal): Promise<BulkJob[]> {
  return (await get<{ jobs: BulkJob[] }>(BULK, query, signal)).jobs;
}

export interface BulkResults {
  results: BulkResult[];
  next_cursor?: string;
}

export function results(id: string, query: { outcome?: string; limit: number; cursor?: string }, signal?: AbortSignal): Promise<BulkResults> {
  return get<BulkResults>(`${BULK}/${segment(id)}/results`, query, signal);
}
