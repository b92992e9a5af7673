-- name: save_bucket :each
insert into buckets (environment, name, generation, description, ttl_s, history, value_bytes_max, bytes_max,
                     created_at, position)
values (:environment, :name, :generation, :description, :ttl_s, :history, :value_bytes_max, :bytes_max,
        :created_at, :position)
on conflict (environment, name) do update
   set generation = excluded.generation,
       description = excluded.description,
       ttl_s = excluded.ttl_s,
       history = excluded.history,
       value_bytes_max = excluded.value_bytes_max,
       bytes_max = excluded.bytes_max,
       created_at = excluded.created_at,
       position = excluded.position;

-- name: remove_bucket :exec
delete from buckets
 where environment = :environment
   and name = :name;

-- name: bucket_usage :many
-- Buckets by name, each with how many keys it has and the bytes of their values; all of them, or the one named.
select b.environment, b.name, b.generation, b.description, b.ttl_s, b.history, b.value_bytes_max, b.bytes_max,
       b.created_at, b.position, count(kv.key), coalesce(sum(kv.bytes), 0)
  from buckets as b
  left join kv
    on kv.environment = b.environment
   and kv.bucket = b.name
   and kv.generation = b.generation
 where b.environment = :environment
   and (:name = '' or b.name = :name)
 group by b.environment, b.name, b.generation, b.description, b.ttl_s, b.history, b.value_bytes_max, b.bytes_max,
          b.created_at, b.position
 order by b.name;

-- name: all_buckets :many
-- In (environment, name) order, after the given one.
select environment, name, generation, description, ttl_s, history, value_bytes_max, bytes_max, created_at, position
  from buckets
 where environment > :environment or (environment = :environment and name > :name)
 order by environment, name
 limit :limit;

-- name: clear_buckets :exec
delete from buckets;
