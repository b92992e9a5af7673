/** What the REST API answers about data: projections, entities, key-values, documents, secrets. */
import type { Json } from "../model/json";

export interface ProjectionSummary {
  name: string;
  version: number;
  revision: number;
  mode: string;
  status: string;
  last_event_seq: number;
  lag: number;
  lag_seconds: number;
  events_per_second?: number;
  runner: "never" | "gone" | "here" | "unknown";
  last_event_id?: string;
  partitions?: number;
  created_at: string;
  updated_at: string;
  generation: number;
  events: string[];
  partition_key?: string;
  on_error: string;
  description?: string;
  skipped: number;
  parked: number;
  error_message?: string;
  error_event_id?: string;
  error_generation?: number;
  building?: number;
  rebuild_begun_at?: string;
}

export interface PaceSample {
  at: string;
  lag: number;
  lag_seconds: number;
  events_per_second?: number;
}

export interface PartitionItem {
  partition_key: string;
  last_event_seq: number;
  last_event_time?: string;
  version: number;
  size_bytes: number;
}

export interface ParkedEvent {
  event_id: string;
  position: number;
  error: string;
  reason: string;
  actor?: string;
  parked_at: string;
}

export interface RebuildJob {
  jobId: string;
  status: string;
  eventsProcessed: number;
  totalEvents: number;
  progress: number;
  startedAt: string;
  estimatedRemainingMs?: number;
  error?: string;
  dryRun: boolean;
}

export interface StreamInfo {
  entityId: string;
  entityType: string;
  version: number;
  eventCount: number;
  createdAt: string;
  lastEventAt: string;
  position: number;
  deleted: boolean;
  deletedAt?: string;
}

export interface StreamEvent {
  id: string;
  name: string;
  data: Json;
  metadata: Json;
  version: number;
  schemaVersion: number;
  source: string;
  timestamp: string;
  position: number;
  runs?: { runId: string; functionId: string; status: string }[];
  runId?: string;
  emittedBy?: string;
}

export interface BucketShape {
  name: string;
  values: number;
  bytes: number;
  history: number;
  created_at: string;
  description?: string;
  ttl_seconds?: number;
  max_value_size?: number;
  max_bytes?: number;
}

/** A key, or all keys that begin with `name`. */
export interface LevelItem {
  kind: "key" | "branch";
  name: string;
  keys: number;
  bytes: number;
  /** Whether there are no more keys than that. */
  exact: boolean;
  revision?: number;
  updated_at?: string;
  expires_at?: string;
}

export interface KeyRevision {
  revision: number;
  operation: string;
  value: string;
  created_at: string;
  position: number;
  actor?: string;
  caused_by?: string;
  expires_at?: string;
}

export interface ConfigSummary {
  name: string;
  revision: number;
  updatedAt: string;
}

export interface ConfigRevision {
  revision: number;
  operation: string;
  data: Json;
  updatedAt: string;
  position: number;
  restored_from?: number;
  actor?: string;
}

export interface SecretShape {
  name: string;
  revision: number;
  created_at: string;
  updated_at: string;
  /** Functions that declare it. */
  used_by: string[];
  description?: string;
}
