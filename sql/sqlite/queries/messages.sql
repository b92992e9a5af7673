-- name: save_message :each
insert into messages (position, id, environment, topic, idempotency_key, run_id, recorded_at)
values (:position, :id, :environment, :topic, :idempotency_key, :run_id, :recorded_at);

-- name: topics :many
-- Topics by name, with how many messages each has, and when the first and the last were published.
select topic, count(*) as messages, min(recorded_at) as first_at, max(recorded_at) as last_at
  from messages
 where environment = :environment
 group by topic
 order by topic
 limit :limit;

-- name: clear_messages :exec
delete from messages;

-- name: all_messages :many
select position, id, environment, topic, idempotency_key, run_id, recorded_at
  from messages
 where position > :after
 order by position
 limit :limit;
