-- name: store_bytes :many
-- What the store takes up, by what; `free` is within the database and is used again.
select 'database', page_count * page_size
  from pragma_page_count, pragma_page_size
 union all
select 'free', freelist_count * page_size
  from pragma_freelist_count, pragma_page_size;

-- name: store_file :one
-- The database's file; '' for none.
select file
  from pragma_database_list
 where name = 'main';

-- name: count_snapshots :one
-- Of entities and of projections; of each it counts no more than :limit.
select (select count(*) from (select 1 from snapshots limit :limit) as counted),
       (select count(*) from (select 1 from projection_snapshots limit :limit) as counted);

-- name: applied_migrations :many
select number, name
  from schema_migrations
 order by number;
