-- name: save_webhook_source :each
insert into webhook_sources (environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position)
values (:environment, :id, :name, :source_type, :event_prefix, :status, :descriptor, :schema_version, :metadata, :token_hash, :token_prefix, :secret_id, :secret_revision, :previous_secret_id, :previous_until, :created_at, :updated_at, :position)
on conflict (environment, id) do update
   set name = excluded.name,
       source_type = excluded.source_type,
       event_prefix = excluded.event_prefix,
       status = excluded.status,
       descriptor = excluded.descriptor,
       schema_version = excluded.schema_version,
       metadata = excluded.metadata,
       token_hash = excluded.token_hash,
       token_prefix = excluded.token_prefix,
       secret_id = excluded.secret_id,
       secret_revision = excluded.secret_revision,
       previous_secret_id = excluded.previous_secret_id,
       previous_until = excluded.previous_until,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: remove_webhook_source :exec
delete from webhook_sources
 where environment = :environment
   and id = :id;

-- name: webhook_source :one
select environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position
  from webhook_sources
 where environment = :environment
   and id = :id;

-- name: webhook_source_of_token :one
-- Of any environment: a token is no other's.
select environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position
  from webhook_sources
 where token_hash = :token_hash;

-- name: webhook_sources_named :many
-- In the order in which they were made.
select environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position
  from webhook_sources
 where environment = :environment
   and name = :name
 order by id
 limit :limit;

-- name: webhook_sources_of :many
-- In the order in which they were made.
select environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position
  from webhook_sources
 where environment = :environment
   and id > :after
 order by id
 limit :limit;

-- name: all_webhook_sources :many
select environment, id, name, source_type, event_prefix, status, descriptor, schema_version, metadata, token_hash, token_prefix, secret_id, secret_revision, previous_secret_id, previous_until, created_at, updated_at, position
  from webhook_sources
 where (environment, id) > (:environment, :id)
 order by environment, id
 limit :limit;

-- name: clear_webhook_sources :exec
delete from webhook_sources;

-- name: save_webhook_delivery :each
insert into webhook_deliveries (environment, id, source_id, external_id, status, signature_key, event_id, event_name, code, error, body_bytes, replays, received_at, updated_at, begun_at, position)
values (:environment, :id, :source_id, :external_id, :status, :signature_key, :event_id, :event_name, :code, :error, :body_bytes, :replays, :received_at, :updated_at, :begun_at, :position)
on conflict (environment, id) do update
   set source_id = excluded.source_id,
       external_id = excluded.external_id,
       status = excluded.status,
       signature_key = excluded.signature_key,
       event_id = excluded.event_id,
       event_name = excluded.event_name,
       code = excluded.code,
       error = excluded.error,
       body_bytes = excluded.body_bytes,
       replays = excluded.replays,
       received_at = excluded.received_at,
       updated_at = excluded.updated_at,
       begun_at = excluded.begun_at,
       position = excluded.position;

-- name: webhook_delivery :one
select environment, id, source_id, external_id, status, signature_key, event_id, event_name, code, error, body_bytes, replays, received_at, updated_at, begun_at, position
  from webhook_deliveries
 where environment = :environment
   and id = :id;

-- name: webhook_deliveries :many
-- Of every source, newest first.
select environment, id, source_id, external_id, status, signature_key, event_id, event_name, code, error, body_bytes, replays, received_at, updated_at, begun_at, position
  from webhook_deliveries
 where environment = :environment
   and begun_at < :before
   and (:status = '' or status = :status)
 order by begun_at desc
 limit :limit
offset :offset;

-- name: webhook_deliveries_of :many
-- Of one source, newest first.
select environment, id, source_id, external_id, status, signature_key, event_id, event_name, code, error, body_bytes, replays, received_at, updated_at, begun_at, position
  from webhook_deliveries
 where environment = :environment
   and source_id = :source_id
   and begun_at < :before
   and (:status = '' or status = :status)
 order by begun_at desc
 limit :limit
offset :offset;

-- name: webhook_delivery_counts :many
-- For each source, of the newest `limit` deliveries begun after a position: how many, and of how many no event came.
select newest.source_id, count(*), sum(case when newest.status in ('failed', 'rejected') then 1 else 0 end)
  from (select source_id, status
          from webhook_deliveries
         where environment = :environment
           and begun_at > :after
         order by begun_at desc
         limit :limit) as newest
 group by newest.source_id;

-- name: count_webhook_deliveries :one
select count(*)
  from webhook_deliveries
 where environment = :environment
   and (:source_id = '' or source_id = :source_id)
   and (:status = '' or status = :status);

-- name: all_webhook_deliveries :many
select environment, id, source_id, external_id, status, signature_key, event_id, event_name, code, error, body_bytes, replays, received_at, updated_at, begun_at, position
  from webhook_deliveries
 where (environment, id) > (:environment, :id)
 order by environment, id
 limit :limit;

-- name: clear_webhook_deliveries :exec
delete from webhook_deliveries;
