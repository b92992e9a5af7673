-- What people may ask with SQL: stable views `sql_<noun>`. A query sees <noun>, with the rows of its own environment and
-- without this first column. Instants are RFC 3339 in UTC, so that they sort as text; JSON is as it was recorded.

create view sql_history as
select environment,
       position,
       stream,
       version,
       kind,
       data,
       metadata,
       actor,
       correlation,
       causation,
       strftime('%Y-%m-%dT%H:%M:%S', recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', recorded_at % 1000000) as recorded_at
  from history;

create view sql_events as
select e.environment,
       e.position,
       e.id,
       e.name,
       coalesce(h.data ->> '$.version', 1) as version,
       e.source,
       h.data -> '$.data' as data,
       h.metadata,
       e.idempotency_key,
       e.run_id,
       e.entity_type,
       e.entity_id,
       e.entity_version,
       strftime('%Y-%m-%dT%H:%M:%S', e.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', e.recorded_at % 1000000) as recorded_at
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
       h.data -> '$.output' as output,
       r.error_code,
       r.error_message,
       r.pause_reason,
       r.cancellation_cause,
       strftime('%Y-%m-%dT%H:%M:%S', r.created_at / 1000000, 'unixepoch') || printf('.%06dZ', r.created_at % 1000000) as created_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.started_at / 1000000, 'unixepoch') || printf('.%06dZ', r.started_at % 1000000) as started_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.ended_at / 1000000, 'unixepoch') || printf('.%06dZ', r.ended_at % 1000000) as ended_at,
       strftime('%Y-%m-%dT%H:%M:%S', r.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', r.updated_at % 1000000) as updated_at,
       r.position
  from runs r
  left join history h on h.position = r.position and h.kind = 'run.completed';

create view sql_steps as
select environment,
       position,
       stream,
       substr(stream, 5) as run_id,
       data ->> '$.step_id' as step_id,
       data ->> '$.name' as name,
       coalesce(data ->> '$.type',
                case kind when 'step.sleeping' then 'sleep'
                          when 'step.waiting' then 'wait_for_event'
                          when 'step.invoking' then 'invoke_function'
                          else 'invoke' end) as type,
       substr(kind, 6) as status,
       coalesce(data ->> '$.attempt', 1) as attempt,
       coalesce(data ->> '$.duration_ms', 0) as duration_ms,
       data -> '$.output' as output,
       data -> '$.error' as error,
       strftime('%Y-%m-%dT%H:%M:%S', recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', recorded_at % 1000000) as recorded_at
  from history
 where kind in ('step.completed', 'step.failed', 'step.sleeping', 'step.waiting', 'step.invoking');

create view sql_functions as
select environment,
       id,
       name,
       status,
       version,
       preferred_mode,
       strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) as created_at,
       strftime('%Y-%m-%dT%H:%M:%S', updated_at / 1000000, 'unixepoch') || printf('.%06dZ', updated_at % 1000000) as updated_at,
       position
  from functions;

create view sql_entities as
select environment,
       type,
       id,
       version,
       event_count,
       strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) as created_at,
       strftime('%Y-%m-%dT%H:%M:%S', updated_at / 1000000, 'unixepoch') || printf('.%06dZ', updated_at % 1000000) as updated_at,
       strftime('%Y-%m-%dT%H:%M:%S', deleted_at / 1000000, 'unixepoch') || printf('.%06dZ', deleted_at % 1000000) as deleted_at,
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
       strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) as created_at,
       position
  from buckets;

create view sql_kv as
select k.environment,
       k.bucket,
       k.key,
       k.revision,
       h.data -> '$.value' as value,
       h.data ->> '$.base64' as base64,
       k.bytes,
       strftime('%Y-%m-%dT%H:%M:%S', k.expires_at / 1000000, 'unixepoch') || printf('.%06dZ', k.expires_at % 1000000) as expires_at,
       strftime('%Y-%m-%dT%H:%M:%S', k.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', k.recorded_at % 1000000) as recorded_at,
       k.position
  from kv k
  join buckets b on b.environment = k.environment and b.name = k.bucket and b.generation = k.generation
  join history h on h.position = k.position;

create view sql_configs as
select c.environment,
       c.name,
       c.revision,
       coalesce(h.data -> '$.data', '{}') as data,
       c.bytes,
       strftime('%Y-%m-%dT%H:%M:%S', c.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', c.updated_at % 1000000) as updated_at,
       c.position
  from configs c
  join history h on h.position = c.position;

create view sql_schemas as
select environment,
       event_name,
       version,
       schema,
       description,
       strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06dZ', created_at % 1000000) as created_at,
       strftime('%Y-%m-%dT%H:%M:%S', updated_at / 1000000, 'unixepoch') || printf('.%06dZ', updated_at % 1000000) as updated_at,
       strftime('%Y-%m-%dT%H:%M:%S', deleted_at / 1000000, 'unixepoch') || printf('.%06dZ', deleted_at % 1000000) as deleted_at,
       position
  from schemas;
