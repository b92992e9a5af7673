-- name: save_projection :each
insert into projections (environment, name, mode, status, state, created_at, updated_at, position)
values (:environment, :name, :mode, :status, :state, :created_at, :updated_at, :position)
on conflict (environment, name) do update
   set mode = excluded.mode,
       status = excluded.status,
       state = excluded.state,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: projection :one
select environment, name, mode, status, state, created_at, updated_at, position
  from projections
 where environment = :environment
   and name = :name;

-- name: all_projections :many
select environment, name, mode, status, state, created_at, updated_at, position
  from projections
 where (environment, name) > (:environment, :name)
 order by environment, name
 limit :limit;

-- name: clear_projections :exec
delete from projections;

-- name: projection_events :many
-- Events of an environment after a position and not after another, in order. `names` is a list such as ",a,b,", or ''.
-- With `text`, only those whose data have it, or have anything escaped, so that it may be there unseen.
select h.position, h.environment, h.stream, h.version, h.kind, h.data, h.metadata, h.actor, h.correlation, h.causation, h.recorded_at, h.digest
  from events e
  join history h on h.position = e.position
 where +e.environment = :environment
   and e.position > :after
   and e.position <= :until
   and (:names = '' or instr(:names, ',' || e.name || ',') > 0)
   and (:text = '' or instr(h.data, :text) > 0 or instr(h.data, '\') > 0)
 order by e.position
 limit :limit;

-- name: projection_events_of_name :many
-- As above, of one name: from its index.
select h.position, h.environment, h.stream, h.version, h.kind, h.data, h.metadata, h.actor, h.correlation, h.causation, h.recorded_at, h.digest
  from events e
  join history h on h.position = e.position
 where e.environment = :environment
   and e.name = :name
   and e.position > :after
   and e.position <= :until
   and (:text = '' or instr(h.data, :text) > 0 or instr(h.data, '\') > 0)
 order by e.position
 limit :limit;

-- name: count_projection_events :one
select count(*)
  from events e
 where +e.environment = :environment
   and e.position > :after
   and e.position <= :until
   and (:names = '' or instr(:names, ',' || e.name || ',') > 0);

-- name: begin_projection_cursor :exec
insert into projection_cursors (environment, name, generation, position, last_event_id, updated_at, lease_token, lease_epoch, lease_until)
values (:environment, :name, :generation, :position, '', :now, '', 0, 0)
on conflict (environment, name, generation) do nothing;

-- name: projection_cursor :one
select environment, name, generation, position, last_event_id, updated_at, lease_token, lease_epoch, lease_until, folded
  from projection_cursors
 where environment = :environment
   and name = :name
   and generation = :generation;

-- name: take_projection_lease :exec
-- Nobody has it, or nobody renewed it in time.
update projection_cursors
   set lease_token = :token,
       lease_epoch = lease_epoch + 1,
       lease_until = :until
 where environment = :environment
   and name = :name
   and generation = :generation
   and (lease_token = '' or lease_until < :now);

-- name: renew_projection_lease :exec
update projection_cursors
   set lease_until = :until
 where environment = :environment
   and name = :name
   and generation = :generation
   and lease_token = :token
   and lease_epoch = :epoch;

-- name: release_projection_lease :exec
update projection_cursors
   set lease_token = ''
 where environment = :environment
   and name = :name
   and generation = :generation
   and lease_token = :token
   and lease_epoch = :epoch;

-- name: revoke_projection_leases :exec
update projection_cursors
   set lease_token = ''
 where lease_token <> '';

-- name: retire_projection_cursor :exec
-- Takes the lease of a generation that another one has overtaken, so that nothing is added to it any more.
update projection_cursors
   set lease_token = 'retired',
       lease_epoch = lease_epoch + 1,
       lease_until = :until
 where environment = :environment
   and name = :name
   and generation = :generation
   and position <= :position;

-- name: advance_projection :exec
-- Only for the holder of the lease, or for anybody while nobody has it; never backwards.
update projection_cursors
   set position = max(position, :position),
       last_event_id = case when :last_event_id = '' or position > :position then last_event_id else :last_event_id end,
       updated_at = :now,
       folded = folded + :folded
 where environment = :environment
   and name = :name
   and generation = :generation
   and ((lease_token = :token and lease_epoch = :epoch)
        or (:token = '' and (lease_token = '' or lease_until < :now)));

-- name: save_projection_state :each
-- A partition's state never goes back behind an event that is in it.
insert into projection_states (environment, name, generation, partition_key, state, version, last_event_id, last_event_at, position, updated_at, since)
values (:environment, :name, :generation, :partition_key, :state, :version, :last_event_id, :last_event_at, :position, :updated_at, :since)
on conflict (environment, name, generation, partition_key) do update
   set state = excluded.state,
       version = projection_states.version + 1,
       last_event_id = excluded.last_event_id,
       last_event_at = excluded.last_event_at,
       position = excluded.position,
       updated_at = excluded.updated_at
 where projection_states.position <= excluded.position;

-- name: projection_state :one
select environment, name, generation, partition_key, state, version, last_event_id, last_event_at, position, updated_at, since
  from projection_states
 where environment = :environment
   and name = :name
   and generation = :generation
   and partition_key = :partition_key;

-- name: changed_projection_states :many
-- Looks through all of a generation; asked only while somebody follows.
select environment, name, generation, partition_key, state, version, last_event_id, last_event_at, position, updated_at, since
  from projection_states
 where environment = :environment
   and name = :name
   and generation = :generation
   and position > :after
 order by position
 limit :limit;

-- name: projection_partitions :many
-- Each with where it is, by key. `size_bytes` is how long its state is.
select partition_key, position, last_event_id, last_event_at, version, updated_at, octet_length(state) as size_bytes
  from projection_states
 where environment = :environment
   and name = :name
   and generation = :generation
   and partition_key > :after
   and (:search = '' or partition_key like :search escape '\')
 order by partition_key
 limit :limit;

-- name: recent_projection_partitions :many
-- Those whose last event came last, first, of the first `among` that fit by key: there is no index by position. How long
-- a state is, is asked before they are sorted, so that no state is read.
select partition_key, position, last_event_id, last_event_at, version, updated_at, size_bytes
  from (select partition_key, position, last_event_id, last_event_at, version, updated_at, octet_length(state) as size_bytes
          from projection_states
         where environment = :environment
           and name = :name
           and generation = :generation
           and (:search = '' or partition_key like :search escape '\')
         order by partition_key
         limit :among) as found
 order by position desc, partition_key
 limit :limit;

-- name: count_projection_partitions :one
-- No more than `limit`.
select count(*)
  from (select 1
          from projection_states
         where environment = :environment
           and name = :name
           and generation = :generation
           and (:search = '' or partition_key like :search escape '\')
         limit :limit) as found;

-- name: save_projection_snapshot :each
insert into projection_snapshots (environment, name, generation, partition_key, position, state, last_event_id, last_event_at, through)
values (:environment, :name, :generation, :partition_key, :position, :state, :last_event_id, :last_event_at, :through)
on conflict (environment, name, generation, partition_key, position) do nothing;

-- name: keep_projection_state :each
-- A state that is about to be overwritten, as a snapshot that holds `through` a position, if that lies more than so many
-- positions, and the more the larger the state is, beyond what the last one holds.
insert into projection_snapshots (environment, name, generation, partition_key, position, state, last_event_id, last_event_at, through)
select s.environment, s.name, s.generation, s.partition_key, s.position, s.state, s.last_event_id, s.last_event_at, :through
  from projection_states s
 where s.environment = :environment
   and s.name = :name
   and s.generation = :generation
   and s.partition_key = :partition_key
   and s.position <= :through
   and :through - coalesce((select max(k.position, k.through)
                              from projection_snapshots k
                             where k.environment = s.environment
                               and k.name = s.name
                               and k.generation = s.generation
                               and k.partition_key = s.partition_key
                             order by k.position desc
                             limit 1), s.since)
       > max(:positions, :positions_per_byte * length(s.state))
on conflict (environment, name, generation, partition_key, position) do update
   set through = excluded.through;

-- name: projection_snapshot :one
-- The newest that is not past a position.
select environment, name, generation, partition_key, position, state, last_event_id, last_event_at, through
  from projection_snapshots
 where environment = :environment
   and name = :name
   and generation = :generation
   and partition_key = :partition_key
   and position <= :until
 order by position desc
 limit 1;

-- name: drop_projection_states :exec
delete from projection_states
 where environment = :environment
   and name = :name
   and generation = :generation;

-- name: drop_projection_snapshots :exec
delete from projection_snapshots
 where environment = :environment
   and name = :name
   and generation = :generation;

-- name: drop_projection_cursor :exec
delete from projection_cursors
 where environment = :environment
   and name = :name
   and generation = :generation;

-- name: note_projection_table :exec
insert into projection_tables (environment, name, generation)
values (:environment, :name, :generation)
on conflict (environment, name, generation) do nothing;

-- name: projection_tables :many
select environment, name, generation
  from projection_tables
 order by environment, name, generation;

-- name: forget_projection_table :exec
delete from projection_tables
 where environment = :environment
   and name = :name
   and generation = :generation;

-- name: clear_other_states :exec
-- But those of one partition.
delete from projection_states
 where environment = :environment
   and name = :name
   and generation = :generation
   and partition_key <> :partition_key;

-- name: clear_other_snapshots :exec
delete from projection_snapshots
 where environment = :environment
   and name = :name
   and generation = :generation
   and partition_key <> :partition_key;

-- name: copy_other_states :exec
-- Of another generation, but those of one partition.
insert into projection_states (environment, name, generation, partition_key, state, version, last_event_id, last_event_at, position, updated_at, since)
select environment, name, :generation, partition_key, state, version, last_event_id, last_event_at, position, updated_at, since
  from projection_states
 where environment = :environment
   and name = :name
   and generation = :other
   and partition_key <> :partition_key;

-- name: copy_other_snapshots :exec
insert into projection_snapshots (environment, name, generation, partition_key, position, state, last_event_id, last_event_at, through)
select environment, name, :generation, partition_key, position, state, last_event_id, last_event_at, through
  from projection_snapshots
 where environment = :environment
   and name = :name
   and generation = :other
   and partition_key <> :partition_key;

-- name: set_projection_cursor :exec
-- With the last event of another generation, whose states were taken over.
update projection_cursors
   set position = :position,
       last_event_id = coalesce((select o.last_event_id
                                   from projection_cursors o
                                  where o.environment = :environment
                                    and o.name = :name
                                    and o.generation = :other), last_event_id)
 where environment = :environment
   and name = :name
   and generation = :generation;
