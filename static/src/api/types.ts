/** What the REST API answers, as far as pages read it: app/api/shapes has the whole. */

import type { Json } from "../model/json";

export interface RunError {
  message: string;
  code: string;
  retryable?: boolean;
  stack?: string;
  details?: unknown;
}

export interface RunSummary {
  id: string;
  version: number;
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
  forked_from?: { run_id: string; position: number };
  tags: string[];
  progress?: { completed: number; expected?: number; at_least?: boolean };
  patched?: boolean;
  compensating?: boolean;
}

/** Runs counted by what they have in common; `key` is "" for those that have nothing. */
export interface RunGroup {
  key: string;
  title?: string;
  runs: number;
  counts: Record<string, number>;
  newest_run_id: string;
}

export interface RunGroups {
  groups: RunGroup[];
  groups_total: number;
  counted: number;
  exact: boolean;
}

export interface Run extends RunSummary {
  executions: number;
  timeout_at?: string;
  divergence?: { step_id: string; recorded: string; requested: string; location?: string };
  unwinding?: { cause: string; until: string };
  not_undone?: string;
}

export interface PlannedStep {
  step_id: string;
  name: string;
  type: string;
  status: string;
  fate: "kept" | "changed" | "waits" | "reruns";
  repeats: boolean;
}

/** What an action would lead to, by the rules that decide what a worker is handed. */
export interface Plan {
  version: number;
  steps: PlannedStep[];
  compensations: string[];
  warnings: string[];
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

/** What happened to runs in one stretch of time. */
export interface Outcome {
  at: string;
  began: number;
  completed: number;
  failed: number;
  cancelled: number;
}

export interface RunOutcomes {
  since: string;
  until: string;
  bucket_ms: number;
  buckets: Outcome[];
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
  data: Json;
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
  reemitted_from?: string;
}

export interface Capabilities {
  version: string;
  features: string[];
  auth_required: boolean;
  grpc_address: string;
}

export interface FunctionShape {
  id: string;
  name: string;
  description: string;
  status: string;
  preferred_mode: string;
  triggers: { event?: string; expression?: string; cron?: string; timezone?: string }[];
  retry: { max_attempts: number; on_exhausted: string };
  timeout_ms: number;
  /** Of its content. */
  version: number;
  /** Of whatever was done to it. */
  revision: number;
  /** What workers register changes nothing. */
  pinned: boolean;
  created_at: string;
  updated_at: string;
  next_run?: string;
  endpoint_url?: string;
  concurrency?: { limit: number; key?: string };
}

export interface FunctionVersion {
  version: number;
  change: string;
  status: string;
  recorded_at: string;
  position: number;
  reason?: string;
  actor?: string;
}

/** Of how many durations half, and nineteen of twenty, are no longer. */
export interface Spread {
  count: number;
  p50_ms: number;
  p95_ms: number;
}

/** How a function's newest runs went; `counts` and `took` are of the `sampled` ones. */
export interface FunctionFigures {
  function_id: string;
  begun: number;
  begun_exact: boolean;
  sampled: number;
  counts: Record<string, number>;
  took: Spread | null;
}

export interface StepFigures {
  name: string;
  type: string;
  runs: number;
  count: number;
  completed: number;
  failed: number;
  retried: number;
  took: Spread | null;
}

export interface StepProfile {
  sampled: number;
  whole: boolean;
  steps: StepFigures[];
  steps_total: number;
}

export interface CapacityStat {
  function_id: string;
  queued: number;
  active_leases: number;
  lane_limit: number;
  oldest_queue_age_seconds: number;
}

export interface WorkerShape {
  id: string;
  hostname: string;
  function_ids: string[];
  active_jobs: number;
  max_concurrent: number;
  labels: Record<string, string>;
  version: { sdk: string; runtime: string };
  transport: string;
  draining: boolean;
  registered_at: string;
  last_heartbeat: string;
  /** To the worker and back, the last time. */
  rtt_ms?: number;
  /** How far its clock is ahead of the server's, give or take half of the round trip. */
  skew_ms?: number;
  /** Whether that is more than the way there explains. */
  skewed: boolean;
  /** Of one that is no longer connected: until when, and why. */
  left_at?: string;
  reason?: string;
}

/** Attempts of workers to connect, refused for the same reason. */
export interface TurnedAway {
  key: string;
  code: string;
  message: string;
  address: string;
  times: number;
  first_at: string;
  last_at: string;
}

/** A function's runs of one concurrency key: what executes, and what waits. */
export interface Lane {
  function_id: string;
  lane_id: string;
  active_reserved: number;
  limit: number;
  queued: number;
  oldest_queue_age_seconds: number;
  blocking_reason: string;
}

export interface FailureGroup {
  fingerprint: string;
  title: string;
  function_id: string;
  step: string;
  error_type: string;
  message: string;
  top_frame: string;
  first_seen: string;
  last_seen: string;
  failures: number;
  runs: number;
  completed: number;
  open: number;
  affected: { versions: number; first_version: number; last_version: number; entities: number };
  series: { since: string; bucket_seconds: number; counts: number[] };
  status: string;
  decided?: FailureMark;
  assigned?: { assignee: string; actor: string; at: string };
}

/** What was decided last of a group of failures. */
export interface FailureMark {
  at: string;
  actor: string;
  reason: string;
  version?: number;
  muted_until?: string;
  reopened_position?: number;
}

export interface Repair {
  how: string;
  runs: number;
  examples: { run_id: string; repaired_by: string; at?: string; actor?: string; reason?: string; step?: string }[];
}

export interface FailureDetail extends FailureGroup {
  error: RunError | null;
  versions: { version: number; failures: number; runs: number; first_seen: string; last_seen: string }[];
  samples: { run_id: string; message: string; at: string; position: number; run_status: string }[];
  differences: { path: string; fact: string; failed: number; succeeded: number }[];
  compared: { failed: number; succeeded: number };
  repairs: Repair[];
  merged: MergedFailures[];
  workers: { worker_id: string; failures: number; runs: number; last_seen: string }[];
  entities: { entity_type: string; entity_id: string; failures: number; last_seen: string }[];
}

/** A run of a group, and what comes of what mended another: its plan, or why it does not take it. */
export interface AppliedRun {
  run_id: string;
  step_id?: string;
  plan?: Plan;
  error?: { error: string; code: string; hint?: string };
}

export interface AppliedPatch {
  step: string;
  runs: AppliedRun[];
  changed: number;
  refused: number;
  more: boolean;
}

/** What a group that was merged into another has brought. */
export interface MergedFailures {
  fingerprint: string;
  title: string;
  step: string;
  failures: number;
  first_seen: string;
  last_seen: string;
}

/** What a run's last failure resembles. */
export interface Similar {
  group: FailureGroup;
  repairs: Repair[];
  repairs_of?: string;
}

export interface Found {
  kind: string;
  id: string;
  title: string;
  status?: string;
}

export interface BulkJob {
  id: string;
  verb: string;
  status: "running" | "completed" | "stopped";
  filter?: Record<string, string>;
  /** How many runs were named, in place of a filter. */
  named?: number;
  reason: string;
  per_second?: number;
  total: number;
  changed: number;
  refused: number;
  started_by: string;
  started_at: string;
  changed_at: string;
  ended_at?: string;
  ended_by?: string;
  stop_reason?: string;
}

export interface BulkResult {
  run_id: string;
  outcome: "changed" | "refused";
  made?: string;
  code?: string;
  error?: string;
}

export interface FlowEdge {
  kind: "event" | "function";
  name: string;
  count: number;
}

/** What started a function's newest runs, and what these emitted and invoked. */
export interface FunctionFlow {
  function_id: string;
  sampled: number;
  whole: boolean;
  started_by: FlowEdge[];
  leads_to: FlowEdge[];
}
