-- name: save_function :each
insert into functions (environment, id, name, status, version, preferred_mode, created_at, updated_at, position)
values (:environment, :id, :name, :status, :version, :preferred_mode, :created_at, :updated_at, :position)
on conflict (environment, id) do update
   set name = excluded.name,
       status = excluded.status,
       version = excluded.version,
       preferred_mode = excluded.preferred_mode,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: all_functions :many
-- In (environment, id) order, after the given one.
select environment, id, name, status, version, preferred_mode, created_at, updated_at, position
  from functions
 where environment > :environment or (environment = :environment and id > :id)
 order by environment, id
 limit :limit;

-- name: clear_functions :exec
delete from functions;
