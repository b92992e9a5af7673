-- name: save_group :each
insert into groups (environment, name, status, settings, generation, start, anchor, born, created_at, updated_at, position)
values (:environment, :name, :status, :settings, :generation, :start, :anchor, :born, :created_at, :updated_at, :position)
on conflict (environment, name) do update
   set status = excluded.status,
       settings = excluded.settings,
       generation = excluded.generation,
       start = excluded.start,
       anchor = excluded.anchor,
       born = excluded.born,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: all_groups :many
-- In (environment, name) order, after the given one; deleted ones too.
select environment, name, status, settings, generation, start, anchor, born, created_at, updated_at, position
  from groups
 where (environment, name) > (:environment, :name)
 order by environment, name
 limit :limit;

-- name: clear_groups :exec
delete from groups;

-- name: group_position :one
select generation, position
  from group_positions
 where environment = :environment
   and name = :name;

-- name: save_group_position :exec
-- Never goes back within a generation, whichever of several nodes is late.
insert into group_positions (environment, name, generation, position)
values (:environment, :name, :generation, :position)
on conflict (environment, name) do update
   set generation = excluded.generation,
       position = excluded.position
 where (excluded.generation, excluded.position) > (group_positions.generation, group_positions.position);
