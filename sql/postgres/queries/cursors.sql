-- name: cursor :one
select position
  from cursors
 where name = :name;

-- name: save_cursor :exec
insert into cursors (name, position)
values (:name, :position)
on conflict (name) do update
   set position = excluded.position;
