-- name: save_schema :each
insert into schemas (environment, event_name, version, schema, description, created_at, updated_at, deleted_at, position)
values (:environment, :event_name, :version, :schema, :description, :created_at, :updated_at, :deleted_at, :position)
on conflict (environment, event_name, version) do update
   set schema = excluded.schema,
       description = excluded.description,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       deleted_at = excluded.deleted_at,
       position = excluded.position;

-- name: all_schemas :many
select environment, event_name, version, schema, description, created_at, updated_at, deleted_at, position
  from schemas
 where (environment, event_name, version) > (:environment, :event_name, :version)
 order by environment, event_name, version
 limit :limit;

-- name: clear_schemas :exec
delete from schemas;

-- name: save_enforcement :each
insert into enforcement (environment, mode, updated_at, position)
values (:environment, :mode, :updated_at, :position)
on conflict (environment) do update
   set mode = excluded.mode,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: all_enforcement :many
select environment, mode, updated_at, position
  from enforcement
 where environment > :environment
 order by environment
 limit :limit;

-- name: clear_enforcement :exec
delete from enforcement;
