-- What people may ask with SQL: stable views `sql_<noun>`. A query sees <noun>, with the rows of its own environment and
-- without this first column. Instants are RFC 3339 in UTC, so that they sort as text; JSON is as it was recorded.

create view sql_history as
select environment,
       position,
       stream,
       version,
       kind,
       data::json as data,
       metadata::json as metadata,
       actor,
       correlation,
       causation,
       to_char(to_timestamp(recorded_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((recorded_at % 1000000)::text, 6, '0') || 'Z' as recorded_at
  from history;

create view sql_events as
select e.environment,
       e.position,
       e.id,
       e.name,
       coalesce((h.data::json ->> 'version')::bigint, 1) as version,
       e.source,
       h.data::json -> 'data' as data,
       h.metadata::json as metadata,
       e.idempotency_key,
       e.run_id,
       e.entity_type,
       e.entity_id,
       e.entity_version,
       to_char(to_timestamp(e.recorded_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((e.recorded_at % 1000000)::text, 6, '0') || 'Z' as recorded_at
  from events e
  join history h on h.position = e.position;

create view sql_runs as
select r.environment,
       r.id,
       r.function_id,
       r.function_version,
       r.event_id,
       r.event_name,
       r.status,
       r.attempt,
       r.max_attempts,
       r.parent_run_id,
       r.worker_id,
       h.data::json -> 'output' as output,
       r.error_code,
       r.error_message,
       r.pause_reason,
       r.cancellation_cause,
       to_char(to_timestamp(r.created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((r.created_at % 1000000)::text, 6, '0') || 'Z' as created_at,
       to_char(to_timestamp(r.started_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((r.started_at % 1000000)::text, 6, '0') || 'Z' as started_at,
       to_char(to_timestamp(r.ended_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((r.ended_at % 1000000)::text, 6, '0') || 'Z' as ended_at,
       to_char(to_timestamp(r.updated_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((r.updated_at % 1000000)::text, 6, '0') || 'Z' as updated_at,
       r.position
  from runs r
  left join history h on h.position = r.position and h.kind = 'run.completed';

create view sql_steps as
select environment,
       position,
       stream,
       substr(stream, 5) as run_id,
       data::json ->> 'step_id' as step_id,
       data::json ->> 'name' as name,
       coalesce(data::json ->> 'type',
                case kind when 'step.sleeping' then 'sleep'
                          when 'step.waiting' then 'wait_for_event'
                          when 'step.invoking' then 'invoke_function'
                          else 'invoke' end) as type,
       substr(kind, 6) as status,
       coalesce((data::json ->> 'attempt')::bigint, 1) as attempt,
       coalesce((data::json ->> 'duration_ms')::bigint, 0) as duration_ms,
       data::json -> 'output' as output,
       data::json -> 'error' as error,
       to_char(to_timestamp(recorded_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((recorded_at % 1000000)::text, 6, '0') || 'Z' as recorded_at
  from history
 where kind in ('step.completed', 'step.failed', 'step.sleeping', 'step.waiting', 'step.invoking');

create view sql_functions as
select environment,
       id,
       name,
       status,
       version,
       preferred_mode,
       to_char(to_timestamp(created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((created_at % 1000000)::text, 6, '0') || 'Z' as created_at,
       to_char(to_timestamp(updated_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((updated_at % 1000000)::text, 6, '0') || 'Z' as updated_at,
       position
  from functions;

create view sql_entities as
select environment,
       type,
       id,
       version,
       event_count,
       to_char(to_timestamp(created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((created_at % 1000000)::text, 6, '0') || 'Z' as created_at,
       to_char(to_timestamp(updated_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((updated_at % 1000000)::text, 6, '0') || 'Z' as updated_at,
       to_char(to_timestamp(deleted_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((deleted_at % 1000000)::text, 6, '0') || 'Z' as deleted_at,
       position
  from entities;

create view sql_buckets as
select environment,
       name,
       description,
       ttl_s,
       history,
       value_bytes_max,
       bytes_max,
       to_char(to_timestamp(created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((created_at % 1000000)::text, 6, '0') || 'Z' as created_at,
       position
  from buckets;

create view sql_kv as
select k.environment,
       k.bucket,
       k.key,
       k.revision,
       h.data::json -> 'value' as value,
       h.data::json ->> 'base64' as base64,
       k.bytes,
       to_char(to_timestamp(k.expires_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((k.expires_at % 1000000)::text, 6, '0') || 'Z' as expires_at,
       to_char(to_timestamp(k.recorded_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((k.recorded_at % 1000000)::text, 6, '0') || 'Z' as recorded_at,
       k.position
  from kv k
  join buckets b on b.environment = k.environment and b.name = k.bucket and b.generation = k.generation
  join history h on h.position = k.position;

create view sql_configs as
select c.environment,
       c.name,
       c.revision,
       coalesce(h.data::json -> 'data', '{}'::json) as data,
       c.bytes,
       to_char(to_timestamp(c.updated_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((c.updated_at % 1000000)::text, 6, '0') || 'Z' as updated_at,
       c.position
  from configs c
  join history h on h.position = c.position;

create view sql_schemas as
select environment,
       event_name,
       version,
       schema::json as schema,
       description,
       to_char(to_timestamp(created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((created_at % 1000000)::text, 6, '0') || 'Z' as created_at,
       to_char(to_timestamp(updated_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((updated_at % 1000000)::text, 6, '0') || 'Z' as updated_at,
       to_char(to_timestamp(deleted_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((deleted_at % 1000000)::text, 6, '0') || 'Z' as deleted_at,
       position
  from schemas;
