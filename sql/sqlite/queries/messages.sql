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

-- name: topic_stats :one
-- How many messages a topic has, the first and the last position, and how many come after a position.
select count(*), coalesce(min(position), 0), coalesce(max(position), 0), count(case when position > :after then 1 end)
  from messages
 where environment = :environment
   and topic = :topic;

-- name: clear_messages :exec
delete from messages;

-- name: all_messages :many
select position, id, environment, topic, idempotency_key, run_id, recorded_at
  from messages
 where position > :after
 order by position
 limit :limit;
