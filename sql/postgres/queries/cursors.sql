-- name: cursor :one
select position
  from cursors
 where name = :name;

-- name: save_cursor :exec
insert into cursors (name, position)
values (:name, :position)
on conflict (name) do update
   set position = excluded.position;

-- name: hold_cursor :exec
-- Nobody else moves it until this transaction ends.
insert into cursors (name, position)
values (:name, 0)
on conflict (name) do update
   set position = cursors.position;
