-- name: lock_history :one
-- One appender at a time, over all nodes, so that positions commit in order; and the head, as below. Two statements
-- in one message: the second has a snapshot of its own, and sees what the previous holder committed.
select pg_advisory_xact_lock(7366001);
select position, digest
  from history
 order by position desc
 limit 1;

-- name: history_head :one
-- The last entry's position and digest; no row while history is empty.
select position, digest
  from history
 order by position desc
 limit 1;

-- name: environments_of_history :many
-- The environments that have entries, by name. Each is one look-up from the one before, not a pass through all entries.
with recursive known (environment) as (
  select (select environment from history order by environment limit 1) as environment
   union all
  select (select h.environment from history h where h.environment > known.environment order by h.environment limit 1)
    from known
   where known.environment is not null
)
select environment
  from known
 where environment is not null
 limit :limit;

-- name: append_entry :each
insert into history (position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest)
values (:position, :environment, :stream, :version, :kind, :data, :metadata, :actor, :correlation, :causation, :recorded_at, :digest);

-- name: redact_entry :each
-- The one change of history: payloads are replaced.
update history
   set data = :data,
       metadata = :metadata
 where position = :position;

-- name: digests_before :many
-- For each of a stream's entries, the digest of the one before it in history.
select entry.position, before.digest
  from history as entry
  join history as before
    on before.position = entry.position - 1
 where entry.environment = :environment
   and entry.stream = :stream
   and entry.version > :after_version
 order by entry.version
 limit :limit;

-- name: entries_after :many
-- History in order; with the append lock's order, whoever has seen a position misses none before it.
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where position > :after
 order by position
 limit :limit;

-- name: entries_of_stream :many
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
   and version > :after_version
   and position <= :until
 order by version
 limit :limit;

-- name: pages_of_streams :many
-- For each wanted [environment, stream, version] of a JSON list, the stream's next `size` entries after that version,
-- oldest first. Versions of a stream have no gaps.
select wanted.number - 1, position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from json_array_elements(:wanted::json) with ordinality as wanted (item, number)
  join history
    on history.environment = wanted.item ->> 0
   and history.stream = wanted.item ->> 1
   and history.version > (wanted.item ->> 2)::bigint
   and history.version <= (wanted.item ->> 2)::bigint + :size
 order by wanted.number, history.version;

-- name: last_of_kind :many
-- For each wanted [environment, stream, position] of a JSON list, the stream's newest entry of a kind before that
-- position, in the order of the list; nothing where there is none.
select wanted.number - 1, h.position, h.environment, h.stream, h.version, h.kind, h.data, h.metadata, h.actor, h.correlation, h.causation, h.recorded_at, h.digest
  from json_array_elements(:wanted::json) with ordinality as wanted (item, number)
 cross join lateral (select *
                       from history s
                      where s.environment = wanted.item ->> 0
                        and s.stream = wanted.item ->> 1
                        and s.position < (wanted.item ->> 2)::bigint
                        and s.kind = :kind
                      order by s.version desc
                      limit 1) as h
 order by wanted.number;

-- name: last_of_stream :one
-- A stream's newest entry.
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
 order by version desc
 limit 1;

-- name: last_of_stream_until :one
-- A stream's newest entry that is not past a position. No index leads from positions to a stream's versions; but both
-- grow together, and versions have no gaps: the one sought is from `low` on and before `high`, which are brought together.
-- With a limit, each look is one into the index, by version too, whatever Postgres thinks how many entries a stream has.
with recursive bounds (low, high) as (
  select 0::bigint, 1 + version
    from (select version
            from history
           where environment = :environment
             and stream = :stream
           order by version desc
           limit 1) as newest
   union all
  select case when probe.position <= :until then probe.version else bounds.low end,
         case when probe.position <= :until then bounds.high else probe.version end
    from bounds
   cross join lateral (select position, version
                         from history
                        where environment = :environment
                          and stream = :stream
                          and version = (bounds.low + bounds.high) / 2
                        limit 1) as probe
   where bounds.high - bounds.low > 1
)
select last.*
  from bounds
 cross join lateral (select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
                       from history
                      where environment = :environment
                        and stream = :stream
                        and version = bounds.low
                      limit 1) as last
 where bounds.high - bounds.low = 1;

-- name: entry_of_stream :one
-- One version of a stream.
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
   and version = :version;

-- name: entries_of_stream_backwards :many
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
   and version < :before_version
   and position <= :until
 order by version desc
 limit :limit;

-- name: recorded_at :one
-- When the entry at a position was recorded.
select recorded_at
  from history
 where position = :position;

-- name: history_page :many
-- Oldest first, between two positions that bound what is looked at. `kinds` is a list such as ",run.created,run.failed,".
-- The empty text keeps Postgres from the index that begins with the environment, through which it would read and sort all
-- of it while nobody has counted the rows (`analyze`).
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where position > :after
   and position < :before
   and environment || '' = :environment
   and (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
   and (:correlation = '' or correlation = :correlation)
   and (:causation = '' or causation = :causation)
 order by position
 limit :limit;

-- name: history_page_of_stream :many
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
   and position > :after
   and position < :before
   and (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
   and (:correlation = '' or correlation = :correlation)
   and (:causation = '' or causation = :causation)
 order by version
 limit :limit;

-- name: history_page_backwards :many
-- Newest first, between two positions that bound what is looked at. `kinds` is a list such as ",run.created,run.failed,".
-- The empty text: see history_page.
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where position > :after
   and position < :before
   and environment || '' = :environment
   and (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
   and (:correlation = '' or correlation = :correlation)
   and (:causation = '' or causation = :causation)
 order by position desc
 limit :limit;

-- name: history_page_backwards_of_stream :many
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where environment = :environment
   and stream = :stream
   and position > :after
   and position < :before
   and (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
   and (:correlation = '' or correlation = :correlation)
   and (:causation = '' or causation = :causation)
 order by version desc
 limit :limit;

-- name: entry_at :one
select position, environment, stream, version, kind, data, metadata, actor, correlation, causation, recorded_at, digest
  from history
 where position = :position;

-- name: steps_told :many
-- What the runs of a JSON list tell of how their steps ended, in the order of the list: of each run, what is among its
-- first `scan` entries. Payloads stay where they are.
select wanted.value, h.kind, h.data::json ->> 'step_id', h.data::json ->> 'name', coalesce(h.data::json ->> 'type', 'invoke'),
       coalesce(cast(h.data::json ->> 'attempt' as bigint), 0), coalesce(cast(h.data::json ->> 'duration_ms' as bigint), 0)
  from json_array_elements_text(:runs::json) as wanted (value)
  join history h
    on h.environment = :environment
   and h.stream = 'run/' || wanted.value
   and h.version <= :scan
 where h.kind in ('step.completed', 'step.failed')
 order by wanted.value desc, h.version
 limit :limit;

-- name: history_facets :many
-- How many entries there are of each kind and actor in each slice of a span of time, between two positions that bound what
-- is looked at.
select kind, actor, (recorded_at - :from_at) * :slices / :span as slice, count(*)
  from history
 where position > :after
   and position < :before
   and environment = :environment
   and (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
 group by kind, actor, slice
 order by kind, actor, slice;

-- name: history_facets_of_stream :many
-- The same of one stream: of its newest entries between the positions, at most :limit.
select kind, actor, (recorded_at - :from_at) * :slices / :span as slice, count(*)
  from (select kind, actor, recorded_at
          from history
         where environment = :environment
           and stream = :stream
           and position > :after
           and position < :before
         order by version desc
         limit :limit) as newest
 where (:kinds = '' or strpos(:kinds, ',' || kind || ',') > 0)
   and (:actor = '' or actor = :actor)
 group by kind, actor, slice
 order by kind, actor, slice;
