-- name: save_dead_letter :each
insert into dead_letters (environment, group_name, entry, fed, event_id, topic, deliveries, cause, reason, dead_at, position)
values (:environment, :group_name, :entry, :fed, :event_id, :topic, :deliveries, :cause, :reason, :dead_at, :position)
on conflict (environment, group_name, entry) do update
   set fed = excluded.fed,
       event_id = excluded.event_id,
       topic = excluded.topic,
       deliveries = excluded.deliveries,
       cause = excluded.cause,
       reason = excluded.reason,
       dead_at = excluded.dead_at,
       position = excluded.position;

-- name: delete_dead_letter :exec
delete from dead_letters
 where environment = :environment
   and group_name = :group_name
   and entry = :entry;

-- name: dead_letters_at :many
-- Those at the entries of a JSON list, of the group that was created at position `since`, by entry.
select environment, group_name, entry, fed, event_id, topic, deliveries, cause, reason, dead_at, position
  from dead_letters
 where environment = :environment
   and group_name = :group_name
   and entry in (select value::bigint from json_array_elements_text(:entries::json) as chosen (value))
   and position > :since
 order by entry;

-- name: dead_letters_of_group :many
-- Those of the group that was created at position `since`, by entry, after the given one.
select environment, group_name, entry, fed, event_id, topic, deliveries, cause, reason, dead_at, position
  from dead_letters
 where environment = :environment
   and group_name = :group_name
   and entry > :after
   and position > :since
 order by entry
 limit :limit;

-- name: count_dead_letters :one
select count(*)
  from dead_letters
 where environment = :environment
   and group_name = :group_name
   and position > :since;

-- name: all_dead_letters :many
-- In (environment, group_name, entry) order, after the given one.
select environment, group_name, entry, fed, event_id, topic, deliveries, cause, reason, dead_at, position
  from dead_letters
 where (environment, group_name, entry) > (:environment, :group_name, :entry)
 order by environment, group_name, entry
 limit :limit;

-- name: clear_dead_letters :exec
delete from dead_letters;
