-- fragment: event_columns
position, id, environment, name, source, idempotency_key, run_id, recorded_at, entity_type, entity_id, entity_version, reemitted_from

-- fragment: event_fits
-- Of a sample one of so many, whichever page they are on. Positions are scattered first, since those of events follow a
-- pattern: each may be followed by its run.
-- `search` folds A-Z only: `like` of SQLite does.
environment = :environment
and recorded_at >= :since
and recorded_at <= :until
and (:source = '' or source = :source)
and (:within = '' or (:within = 'entity') = (entity_type <> ''))
and (:like = '' or name like :like escape '\')
and (:sample = 1 or (position % 1048576) * 2654435761 % 4294967296 / 65536 % :sample = 0)
and (:search = '' or name like :search escape '\' or id like :search escape '\')

-- name: save_event :all
insert into events (position, id, environment, name, source, idempotency_key, run_id, recorded_at, entity_type, entity_id, entity_version, reemitted_from)
values (:position, :id, :environment, :name, :source, :idempotency_key, :run_id, :recorded_at, :entity_type, :entity_id, :entity_version, :reemitted_from);

-- name: events_before :many
-- Those before a position, newest first.
select {event_columns}
  from events
 where {event_fits}
   and position < :before
 order by position desc
 limit :limit;

-- name: events_after :many
-- Those after a position, oldest first.
select {event_columns}
  from events
 where {event_fits}
   and position > :after
 order by position
 limit :limit;

-- name: events_named_before :many
-- Those of one name before a position, newest first.
select {event_columns}
  from events
 where {event_fits}
   and name = :name
   and position < :before
 order by position desc
 limit :limit;

-- name: events_named_after :many
-- Those of one name after a position, oldest first.
select {event_columns}
  from events
 where {event_fits}
   and name = :name
   and position > :after
 order by position
 limit :limit;

-- name: event_of_entity :one
-- Where an entity's event lies, by the event's id.
select entity_type, entity_id, entity_version
  from events indexed by events_of_entities -- uncounted, SQLite would go through all of the environment
 where id = :id
   and entity_type <> ''
   and environment = :environment;

-- name: entities_of_run :many
-- What a run appended to, in no order.
select distinct entity_type, entity_id
  from events indexed by events_of_runs -- uncounted, SQLite would go through all of the environment
 where run_id = :run_id
   and run_id <> ''
   and entity_type <> ''
   and environment = :environment
 limit :limit;

-- name: events_of_run :many
-- What a run emitted and appended, oldest first.
select {event_columns}
  from events indexed by events_of_runs -- uncounted, SQLite would go through all of the environment
 where run_id = :run_id
   and run_id <> ''
   and environment = :environment
 order by position
 limit :limit;

-- name: events_reemitted :many
-- Those that were emitted anew of one, oldest first.
select {event_columns}
  from events
 where reemitted_from = :event_id
   and reemitted_from <> ''
   and environment = :environment
 order by position
 limit :limit;

-- name: event_names :many
-- Names with their counts, of those events of a source and a time that are among the newest `scan` of all.
select name, count(*) as count
  from (select name, source, recorded_at from events where environment = :environment order by position desc limit :scan) as newest
 where recorded_at >= :since
   and recorded_at <= :until
   and (:source = '' or source = :source)
 group by name
 order by count desc, name;

-- name: count_events :one
-- How many events there are, at most `scan`.
select count(*) as count
  from (select 1 from events where environment = :environment limit :scan) as found;

-- name: count_events_after :one
-- How many events came after a position, at most `scan`.
select count(*) as count
  from (select 1 from events where environment = :environment and position > :after limit :scan) as found;

-- name: clear_events :exec
delete from events;

-- name: all_events :many
select {event_columns}
  from events
 where position > :after
 order by position
 limit :limit;
