-- name: store_bytes :many
-- What the store takes up, by what.
select 'database', pg_database_size(current_database())
 union all
select 'history', pg_total_relation_size('history')
 union all
select 'snapshots', pg_total_relation_size('snapshots') + pg_total_relation_size('projection_snapshots');

-- name: store_file :one
-- The database's file; '' for none.
select '';

-- name: count_snapshots :one
-- Of entities and of projections; of each it counts no more than :limit.
select (select count(*) from (select 1 from snapshots limit :limit) as counted),
       (select count(*) from (select 1 from projection_snapshots limit :limit) as counted);

-- name: applied_migrations :many
select number, name
  from schema_migrations
 order by number;
