-- name: save_config :each
insert into configs (environment, name, revision, bytes, updated_at, position)
values (:environment, :name, :revision, :bytes, :updated_at, :position)
on conflict (environment, name) do update
   set revision = excluded.revision,
       bytes = excluded.bytes,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: remove_config :exec
delete from configs
 where environment = :environment
   and name = :name;

-- name: configs_page :many
-- By name, after the given one.
select environment, name, revision, bytes, updated_at, position
  from configs
 where environment = :environment
   and name > :after
 order by name
 limit :limit;

-- name: all_configs :many
-- In (environment, name) order, after the given one.
select environment, name, revision, bytes, updated_at, position
  from configs
 where environment > :environment or (environment = :environment and name > :name)
 order by environment, name
 limit :limit;

-- name: clear_configs :exec
delete from configs;
