-- name: save_entity :each
insert into entities (environment, type, id, version, event_count, created_at, updated_at, deleted_at, position)
values (:environment, :type, :id, :version, :event_count, :created_at, :updated_at, :deleted_at, :position)
on conflict (environment, id, type) do update
   set version = excluded.version,
       event_count = excluded.event_count,
       updated_at = excluded.updated_at,
       deleted_at = excluded.deleted_at,
       position = excluded.position;

-- name: entity_row :one
select environment, type, id, version, event_count, created_at, updated_at, deleted_at, position
  from entities
 where environment = :environment
   and type = :type
   and id = :id;

-- name: entities_of_id :many
-- Ids are unique within a type only.
select environment, type, id, version, event_count, created_at, updated_at, deleted_at, position
  from entities
 where environment = :environment
   and id = :id
 order by type
 limit :limit;

-- name: entities_page :many
-- In the order of id and type, after the given ones.
select environment, type, id, version, event_count, created_at, updated_at, deleted_at, position
  from entities
 where environment = :environment
   and (id > :after_id or (id = :after_id and type > :after_type))
   and (:search = '' or id ilike :search escape '\')
   and (:include_deleted = 1 or deleted_at is null)
 order by id, type
 limit :limit offset :offset;

-- name: entities_page_of_type :many
select environment, type, id, version, event_count, created_at, updated_at, deleted_at, position
  from entities
 where environment = :environment
   and type = :type
   and id > :after_id
   and (:search = '' or id ilike :search escape '\')
   and (:include_deleted = 1 or deleted_at is null)
 order by id
 limit :limit offset :offset;

-- name: count_entities :one
-- Counts no further than `limit`.
select count(*)
  from (select 1
          from entities
         where environment = :environment
           and (:type = '' or type = :type)
           and (:search = '' or id ilike :search escape '\')
           and (:include_deleted = 1 or deleted_at is null)
         limit :limit) as counted;

-- name: clear_entities :exec
delete from entities;

-- name: all_entities :many
select environment, type, id, version, event_count, created_at, updated_at, deleted_at, position
  from entities
 where (environment, id, type) > (:environment, :id, :type)
 order by environment, id, type
 limit :limit;

-- name: save_snapshot :each
insert into snapshots (environment, type, id, version, snapshot_id, state, created_at)
values (:environment, :type, :id, :version, :snapshot_id, :state, :created_at)
on conflict (environment, id, type, version) do update
   set snapshot_id = excluded.snapshot_id,
       state = excluded.state,
       created_at = excluded.created_at;

-- name: newest_snapshot :one
-- The newest that is not of a later version.
select environment, type, id, version, snapshot_id, state, created_at
  from snapshots
 where environment = :environment
   and type = :type
   and id = :id
   and version <= :version
 order by version desc
 limit 1;

-- name: kept_snapshots :many
-- Which versions have one, newest first; without the states.
select version, snapshot_id, created_at, octet_length(state) as size_bytes
  from snapshots
 where environment = :environment
   and type = :type
   and id = :id
 order by version desc
 limit :limit;

-- name: drop_snapshots :exec
delete from snapshots
 where environment = :environment
   and type = :type
   and id = :id;
