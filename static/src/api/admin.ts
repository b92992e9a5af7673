/** What the REST API answers about messaging and administration. */
import type { Json } from "../model/json";

export interface GroupShape {
  id: string;
  name: string;
  revision: number;
  status: string;
  pattern: string;
  filter: string;
  ack_mode: string;
  backpressure: string;
  max_inflight: number;
  max_redeliveries: number;
  redeliver_delay_ms: number;
  ack_wait_ms: number;
  generation: number;
  start: number;
  member_count: number;
  updated_at: string;
  /** Not there while NATS is away. */
  progress?: { lag: number; pending: number; inflight: number; redelivered: number; dead_letters: number };
}

/** A message that a group has before it. */
export interface PeekedMessage {
  position: number;
  event_id: string;
  topic: string;
  name: string;
  recorded_at: string;
  delivered: boolean;
}

/** What becomes of dead letters that are settled together. */
export interface Settled {
  matched: number;
  positions: number[];
  gone: number[];
  sample: DeadLetter[];
  exact: boolean;
}

export interface GroupLag {
  position: number;
  head: number;
  fed_to: number;
  lag: number;
  pending: number;
  inflight: number;
  redelivered: number;
  dead_letters: number;
  member_count: number;
}

/** Somebody who follows, or takes from a group. */
export interface SubscriptionShape {
  id: string;
  actor: string;
  address: string;
  transport: string;
  patterns: string[];
  policy: string;
  status: string;
  buffered: number;
  dropped: number;
  since: string;
  filter?: string;
  group?: string;
  inflight?: number;
  position?: number;
  lag?: number;
}

export interface SubscriptionsPage {
  node: string;
  subscriptions: SubscriptionShape[];
  total: number;
  next_cursor?: string;
}

export interface DeadLetter {
  position: number;
  event_id: string;
  topic: string;
  deliveries: number;
  cause: string;
  reason: string;
  dead_at: string;
}

export interface UndeliveredItem {
  id: string;
  event_id: string;
  kind: string;
  topic: string;
  attempts: number;
  last_error: string;
  dead_at: string;
}

export interface WebhookSource {
  id: string;
  name: string;
  source_type: string;
  event_prefix: string;
  status: string;
  verify_config: Record<string, unknown>;
  verify_secret_set: boolean;
  verify_secret_prev_set: boolean;
  verify_secret_prev_expires_at?: string;
  ingest_token_prefix: string;
  created_at: string;
  updated_at: string;
  ingest_path?: string;
  /** Of the last 24 hours; in lists. */
  activity?: { deliveries: number; failed: number; exact: boolean; last_at?: string; last_status?: string };
}

/** What became of a delivery that the server made up. */
export interface Tried {
  verified: boolean;
  signature_key: string;
  checks: { name: string; passed: boolean; detail: string }[];
  event_name: string;
  external_id: string;
  request_headers: Record<string, string>;
  request_body: string;
  error?: string;
  status?: string;
  delivery_id?: string;
  event_id?: string;
}

export interface Delivery {
  id: string;
  source_id: string;
  external_id: string;
  status: string;
  signature_key: string;
  event_id: string;
  event_name: string;
  body_bytes: number;
  replays: number;
  created_at: string;
  code?: string;
  error?: string;
}

export interface CapturedDelivery extends Delivery {
  checks: { name: string; passed: boolean; detail: string }[];
  request_headers: Record<string, string>;
  request_body: string;
  request_body_base64?: string;
  body_cut?: boolean;
}

export interface AuditEvent {
  id: string;
  event_type: string;
  created_at: string;
  run_id: string;
  function_id: string;
  payload: Json;
  kind: string;
  actor: string;
  resource: string;
  action?: string;
  decision?: string;
  policy?: string;
  policy_version?: number;
  reason?: string;
  via?: string;
  method?: string;
  address?: string;
  outcome?: string;
  count?: number;
}

export interface ApiKeyShape {
  id: string;
  name: string;
  revision: number;
  key_prefix: string;
  role_ids: string[];
  environment_id: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  last_used_from: string;
  last_used_by: string;
  created_by: string;
  created_by_name: string;
  /** Until when the secret before counts. */
  previous_expires_at: string | null;
}

/** What a key may, and what decides of a request of its. */
export interface KeyAccess {
  roles: { id: string; name: string; permissions: string[] }[];
  permissions: string[];
  /** What a role gives, and a key of one environment never has. */
  withheld: string[];
  policies: { id: string; name: string; mode: string; enforced: boolean; actions: string[]; resources: string[]; condition: string }[];
  decision?: {
    action: string;
    resource: string;
    environment: string;
    allowed: boolean;
    by: "key" | "role" | "policy";
    reason: string;
    roles: string[];
    policy?: string;
    policy_version?: number;
    would_deny: string[];
  };
}

export interface RoleShape {
  id: string;
  name: string;
  org_id: string;
  permissions: string[];
  is_default: boolean;
  api_key_count: number;
  created_at: string;
}

export interface UserShape {
  id: string;
  email: string;
  name: string;
  roles: string[];
  created_at: string;
  last_login_at?: string | null;
  /** Whether they can sign in. */
  is_active?: boolean;
}

export interface PolicyFields {
  name: string;
  effect: string;
  actions: string[];
  resources: string[];
  condition: string;
  mode: string;
  /** Of how many of 100 callers, in mode enforce; of the rest it only tells. */
  enforce_percent: number;
  roles: string[];
  org_id: string;
  environments: string[];
  description: string;
  valid_from?: string;
  valid_until?: string;
}

export interface PolicyShape extends PolicyFields {
  id: string;
  status: string;
  version: number;
  would_deny_count: number;
  updated_at: string;
  updated_by: string;
  position: number;
}

export interface WouldDeny {
  policies: { policy: string; count: number; actors: number; last_at: string }[];
  /** Of any kind, too many to be told one by one: counts are at least so many, then. */
  suppressed: number;
  whole: boolean;
}

export interface PolicyVersion {
  version: number;
  operation: string;
  reason: string;
  actor: string;
  created_at: string;
  position: number;
  policy?: PolicyFields;
}

export interface NodeShape {
  id: string;
  url: string;
  version: string;
  started_at: string;
  leads: boolean;
  answers: boolean;
}

export interface OutboxShape {
  connected: boolean;
  position: number;
  head: number;
  waiting: number;
  trouble: string;
  restarts: number;
  omitted_total: number;
  omitted: { position: number; kind: string; size_bytes: number; size_bytes_max: number }[];
  ingested_total: number;
  refused_total: number;
}

export interface RouteFigures {
  route: string;
  count: number;
  mean_ms: number;
  /** At most; missing beyond what is measured. */
  p50_ms?: number;
  p95_ms?: number;
  p99_ms?: number;
}

export interface SystemShape {
  version: string;
  python: string;
  node: string;
  now: string;
  started_at: string;
  uptime_seconds: number;
  problems: Record<string, string>;
  switches: Record<string, boolean>;
  withheld?: string;
}

/** What counts the doings of all organizations: there unless it is withheld. */
export interface SystemFigures extends SystemShape {
  store: {
    kind: string;
    position: number;
    database_bytes: number;
    free_bytes?: number;
    log_bytes?: number;
    history_bytes?: number;
    snapshots_bytes?: number;
    snapshots: { entities: number; projections: number; whole: boolean };
  };
  requests: { total: number; failed: number; routes: RouteFigures[] };
  refusals: { code: string; count: number }[];
}
