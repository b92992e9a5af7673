-- fragment: kept_kv
-- Keys of buckets that are there, without what a deleted one left behind.
kv
  join buckets
    on buckets.environment = kv.environment
   and buckets.name = kv.bucket
   and buckets.generation = kv.generation

-- fragment: kv_within
-- Keys of a bucket from `first` on and before `stop`, none that expired by `now`.
kv.environment = :environment
and kv.bucket = :bucket
and kv.key >= :first
and kv.key < :stop
and (kv.expires_at is null or kv.expires_at > :now)

-- name: save_kv :each
insert into kv (environment, bucket, key, generation, revision, bytes, expires_at, recorded_at, position)
values (:environment, :bucket, :key, :generation, :revision, :bytes, :expires_at, :recorded_at, :position)
on conflict (environment, bucket, key) do update
   set generation = excluded.generation,
       revision = excluded.revision,
       bytes = excluded.bytes,
       expires_at = excluded.expires_at,
       recorded_at = excluded.recorded_at,
       position = excluded.position;

-- name: remove_kv :exec
delete from kv
 where environment = :environment
   and bucket = :bucket
   and key = :key;

-- name: remove_kv_of_bucket :exec
-- Rows that a deleted bucket left behind.
delete from kv
 where environment = :environment
   and bucket = :bucket
   and generation <= :generation;

-- name: kv_entries :many
-- For each wanted [environment, bucket, key] of a JSON list: its number in the list, its bucket's generation (null: no
-- such bucket), and the entry of history that holds its value (null: no such key).
select wanted.key, buckets.generation, kv.revision, kv.expires_at, kv.recorded_at, kv.position, history.data
  from json_each(:wanted) as wanted
  left join buckets
    on buckets.environment = wanted.value ->> 0
   and buckets.name = wanted.value ->> 1
  left join kv
    on kv.environment = buckets.environment
   and kv.bucket = buckets.name
   and kv.generation = buckets.generation
   and kv.key = wanted.value ->> 2
  left join history
    on history.position = kv.position;

-- name: kv_keys :many
-- In order, after `after`.
select kv.key
  from {kept_kv}
 where kv.key > :after
   and {kv_within}
 order by kv.key
 limit :limit;

-- name: kv_described :many
-- As kv_keys, each with what is known of it.
select kv.key, kv.revision, kv.bytes, kv.expires_at, kv.recorded_at
  from {kept_kv}
 where kv.key > :after
   and {kv_within}
 order by kv.key
 limit :limit;

-- name: kv_branches :many
-- For each prefix of a JSON list, in its order: how many keys begin so, before prefix and `last`, and the bytes of their
-- values: of the first `limit` of them.
with counted as materialized
     (select wanted.key as number,
             wanted.value as prefix,
             (select json_array(count(*), coalesce(sum(branch.bytes), 0))
                from (select kv.bytes
                        from {kept_kv}
                       where kv.environment = :environment
                         and kv.bucket = :bucket
                         and kv.key >= wanted.value
                         and kv.key < wanted.value || :last
                         and (kv.expires_at is null or kv.expires_at > :now)
                       order by kv.key
                       limit :limit) as branch) as told
        from json_each(:prefixes) as wanted)
select prefix, told ->> 0, told ->> 1
  from counted
 order by number;

-- name: kv_bytes :one
-- The bytes of a bucket's values, but for those of one key.
select coalesce(sum(kv.bytes), 0)
  from {kept_kv}
 where kv.environment = :environment
   and kv.bucket = :bucket
   and kv.key <> :key;

-- name: kv_due :many
-- Keys whose time was over at `now`, over all environments, earliest first.
select kv.environment, kv.bucket, kv.key
  from {kept_kv}
 where kv.expires_at <= :now
 order by kv.expires_at
 limit :limit;

-- name: kv_next_due :one
-- When the next key expires; null if none will.
select min(kv.expires_at)
  from {kept_kv}
 where kv.expires_at is not null;

-- name: all_kv :many
-- Rows that count, in (environment, bucket, key) order, after the given one.
select kv.environment, kv.bucket, kv.key, kv.generation, kv.revision, kv.bytes, kv.expires_at, kv.recorded_at,
       kv.position
  from {kept_kv}
 where (kv.environment, kv.bucket, kv.key) > (:environment, :bucket, :key)
 order by kv.environment, kv.bucket, kv.key
 limit :limit;

-- name: clear_kv :exec
delete from kv;
