-- name: save_policy :each
insert into policies (environment, id, name, status, definition, version, created_at, updated_at, updated_by, position)
values (:environment, :id, :name, :status, :definition, :version, :created_at, :updated_at, :updated_by, :position)
on conflict (environment, id) do update
   set name = excluded.name,
       status = excluded.status,
       definition = excluded.definition,
       version = excluded.version,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       updated_by = excluded.updated_by,
       position = excluded.position;

-- name: all_policies :many
-- Deleted ones too, in the order of the key.
select environment, id, name, status, definition, version, created_at, updated_at, updated_by, position
  from policies
 where (environment, id) > (:environment, :id)
 order by environment, id
 limit :limit;

-- name: clear_policies :exec
delete from policies;
