/** What the REST API answers, as far as pages read it: app/api/shapes has the whole. */

export interface RunError {
  message: string;
  code: string;
  retryable?: boolean;
  stack?: string;
  details?: unknown;
}

export interface RunSummary {
  id: string;
  function_id: string;
  function_version: number;
  event_id: string;
  event_name: string;
  status: string;
  attempt: number;
  max_attempts: number;
  worker_id: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  updated_at: string;
  error: RunError | null;
  due_at?: string;
  pause_reason?: string;
  pause_requested?: boolean;
  cancellation_cause?: string;
  parent_run_id?: string;
  parent_step_id?: string;
}

export interface Run extends RunSummary {
  executions: number;
  timeout_at?: string;
  divergence?: { step_id: string; recorded: string; requested: string; location?: string };
  unwinding?: { cause: string; until: string };
  not_undone?: string;
}

export interface RunsPage {
  runs: RunSummary[];
  total: number;
  total_exact: boolean;
  next_cursor?: string;
}

export interface RunStats {
  since: string;
  until: string;
  bucket_ms: number;
  buckets: { at: string; counts: Record<string, number> }[];
  totals: Record<string, number>;
}

export interface Entry {
  position: number;
  stream: string;
  version: number;
  kind: string;
  data: Record<string, unknown>;
  actor: string;
  correlation: string;
  causation: string;
  recorded_at: string;
}

export interface EntriesPage {
  entries: Entry[];
  head: number;
  next_cursor?: string;
  next_after?: number;
}

export interface EventSummary {
  id: string;
  name: string;
  data: unknown;
  source: string;
  version: number;
  timestamp: string;
  run_ids: string[];
  position: number;
  run_id?: string;
  entity_type?: string;
  entity_id?: string;
  entity_version?: number;
  emitted_by?: string;
}

export interface EventsPage {
  events: EventSummary[];
  count: number;
  has_next: boolean;
  has_prev: boolean;
  next_cursor?: string;
  prev_cursor?: string;
}

export interface Capabilities {
  version: string;
  features: string[];
  auth_required: boolean;
  grpc_address: string;
}
