-- name: save_node :exec
insert into nodes (id, address, shared_bus, version, started_at, beat)
values (:id, :address, :shared_bus, :version, :started_at, :beat)
on conflict (id) do update
   set address = excluded.address,
       beat = excluded.beat;

-- name: all_nodes :many
-- The oldest first.
select id, address, shared_bus, version, started_at, beat
  from nodes
 order by started_at, id;

-- name: remove_node :exec
delete from nodes
 where id = :id;
