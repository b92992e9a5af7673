-- name: save_gate :each
insert into gates (environment, stream, function_id, option, key, event_id, waiting, armed_at, fires_at, function_version, position)
values (:environment, :stream, :function_id, :option, :key, :event_id, :waiting, :armed_at, :fires_at, :function_version, :position)
on conflict (environment, stream) do update
   set event_id = excluded.event_id,
       waiting = excluded.waiting,
       armed_at = excluded.armed_at,
       fires_at = excluded.fires_at,
       function_version = excluded.function_version,
       position = excluded.position;

-- name: delete_gate :exec
delete from gates
 where environment = :environment
   and stream = :stream;

-- name: all_gates :many
-- In (environment, stream) order, after the given one.
select environment, stream, function_id, option, key, event_id, waiting, armed_at, fires_at, function_version, position
  from gates
 where environment > :environment or (environment = :environment and stream > :stream)
 order by environment, stream
 limit :limit;

-- name: gates_of_environment :many
select environment, stream, function_id, option, key, event_id, waiting, armed_at, fires_at, function_version, position
  from gates
 where environment = :environment
   and option = :option
 order by fires_at, stream
 limit :limit;

-- name: clear_gates :exec
delete from gates;
