-- fragment: failure_columns
-- As FailureRow has them.
environment, position, run_id, function_id, function_version, event_id, fingerprint, kind, step, error_type, error_code, message, masked, top_frame, attempt, failed_at, cause

-- fragment: failure_columns_of_f
-- The same of failures f, where other tables have such columns too.
f.environment, f.position, f.run_id, f.function_id, f.function_version, f.event_id, f.fingerprint, f.kind, f.step, f.error_type, f.error_code, f.message, f.masked, f.top_frame, f.attempt, f.failed_at, f.cause

-- fragment: failure_mark_columns
-- As FailureMarkRow has them, of failure_marks m.
m.environment, m.fingerprint, m.status, m.version, m.muted_until, m.reason, m.actor, m.marked_at, m.position, m.merged_into, m.assignee, m.assigned_by, m.assigned_at, m.assigned_position

-- name: save_failure :each
-- Once, whichever of several nodes comes first.
insert into failures (environment, position, run_id, function_id, function_version, event_id, fingerprint, kind, step, error_type, error_code, message, masked, top_frame, attempt, failed_at, cause)
values (:environment, :position, :run_id, :function_id, :function_version, :event_id, :fingerprint, :kind, :step, :error_type, :error_code, :message, :masked, :top_frame, :attempt, :failed_at, :cause)
on conflict (environment, position) do nothing;

-- name: save_failure_group :each
-- What came since is added to what is there. Some of it is of the group's own cause, which names it.
insert into failure_groups (environment, fingerprint, function_id, step, error_type, message, top_frame, first_position, last_position, first_at, last_at, failures)
values (:environment, :fingerprint, :function_id, :step, :error_type, :message, :top_frame, :first_position, :last_position, :first_at, :last_at, :failures)
on conflict (environment, fingerprint) do update
   set step = excluded.step,
       error_type = excluded.error_type,
       message = excluded.message,
       top_frame = excluded.top_frame,
       first_position = min(failure_groups.first_position, excluded.first_position),
       last_position = max(failure_groups.last_position, excluded.last_position),
       first_at = min(failure_groups.first_at, excluded.first_at),
       last_at = max(failure_groups.last_at, excluded.last_at),
       failures = failure_groups.failures + excluded.failures;

-- name: add_to_failure_group :each
-- The same for what came of causes that were merged into the group: it keeps its name.
insert into failure_groups (environment, fingerprint, function_id, step, error_type, message, top_frame, first_position, last_position, first_at, last_at, failures)
values (:environment, :fingerprint, :function_id, :step, :error_type, :message, :top_frame, :first_position, :last_position, :first_at, :last_at, :failures)
on conflict (environment, fingerprint) do update
   set first_position = min(failure_groups.first_position, excluded.first_position),
       last_position = max(failure_groups.last_position, excluded.last_position),
       first_at = min(failure_groups.first_at, excluded.first_at),
       last_at = max(failure_groups.last_at, excluded.last_at),
       failures = failure_groups.failures + excluded.failures;

-- name: save_failure_vector :each
insert into failure_vectors (environment, position, embedder, vector)
values (:environment, :position, :embedder, :vector)
on conflict (environment, position) do nothing;

-- name: failure_groups_page :many
-- Those that failed last first, with a last position before `before`; empty texts mean any, `search` is a LIKE pattern.
-- `status` is what a group is at `now`: muted, resolved (no newer version failed so since), else open.
select g.environment, g.fingerprint, g.function_id, g.step, g.error_type, g.message, g.top_frame, g.first_position, g.last_position, g.first_at, g.last_at, g.failures
  from failure_groups g
  left join failure_marks m
    on m.environment = g.environment
   and m.fingerprint = g.fingerprint
 where g.environment = :environment
   and g.last_position < :before
   and (:function_id = '' or g.function_id = :function_id)
   and (:step = '' or g.step = :step)
   and (:error_type = '' or g.error_type = :error_type)
   and (:assignee = '' or m.assignee = :assignee)
   and (:search = '' or g.message like :search escape '\' or g.error_type like :search escape '\' or g.step like :search escape '\' or g.function_id like :search escape '\' or g.fingerprint like :search escape '\')
   and g.last_at >= :since
   and g.first_at <= :until
   and (:status = '' or :status = case
            when m.status = 'muted' and (m.muted_until = 0 or m.muted_until > :now) then 'muted'
            when m.status = 'resolved'
             and not exists (select 1
                               from failures f
                              where f.environment = m.environment
                                and f.fingerprint = m.fingerprint
                                and f.position > m.position
                                and f.function_version > m.version) then 'resolved'
            else 'open' end)
 order by g.last_position desc
 limit :limit;

-- name: failure_group :one
select environment, fingerprint, function_id, step, error_type, message, top_frame, first_position, last_position, first_at, last_at, failures
  from failure_groups
 where environment = :environment
   and fingerprint = :fingerprint;

-- name: all_failure_groups :many
select environment, fingerprint, function_id, step, error_type, message, top_frame, first_position, last_position, first_at, last_at, failures
  from failure_groups
 where (environment, fingerprint) > (:environment, :fingerprint)
 order by environment, fingerprint
 limit :limit;

-- name: failure_group_runs :many
-- For each group of a JSON list: how many runs have failed so, how many of these completed since, how many rest failed
-- or paused; of how many versions of the function, from which to which; and for events of how many entities.
select f.fingerprint,
       count(distinct f.run_id),
       count(distinct case when r.status = 'completed' then f.run_id end),
       count(distinct case when r.status in ('failed', 'paused') then f.run_id end),
       count(distinct f.function_version),
       min(f.function_version),
       max(f.function_version),
       count(distinct case when e.id is not null then e.entity_type || '/' || e.entity_id end)
  from failures f
  join runs r
    on r.environment = f.environment
   and r.id = f.run_id
  left join events e indexed by events_of_entities -- uncounted, SQLite would go through all events for each failure
    on e.id = f.event_id
   and e.environment = f.environment
   and e.entity_type <> ''
 where f.environment = :environment
   and f.fingerprint in (select value from json_each(:fingerprints))
 group by f.fingerprint;

-- name: failure_group_buckets :many
-- For each group of a JSON list and each bucket of `width` µs since an instant, how many failures it had.
select fingerprint, (failed_at - :since) / :width, count(*)
  from failures
 where environment = :environment
   and fingerprint in (select value from json_each(:fingerprints))
   and failed_at >= :since
   and failed_at < :until
 group by 1, 2
 order by 1, 2;

-- name: failure_group_versions :many
select function_version, count(*), count(distinct run_id), min(failed_at), max(failed_at)
  from failures
 where environment = :environment
   and fingerprint = :fingerprint
 group by function_version
 order by function_version;

-- name: failure_group_entities :many
-- Those whose events failed so most often.
select e.entity_type, e.entity_id, count(*), max(f.failed_at)
  from failures f indexed by failures_by_fingerprint -- uncounted, SQLite would begin with all events
 cross join events e indexed by events_of_entities
    on e.id = f.event_id
   and e.environment = f.environment
   and e.entity_type <> ''
 where f.environment = :environment
   and f.fingerprint = :fingerprint
 group by e.entity_type, e.entity_id
 order by count(*) desc, max(f.failed_at) desc, e.entity_type, e.entity_id
 limit :limit;

-- name: failures_of_group :many
-- Newest first, before a position.
select {failure_columns}
  from failures
 where environment = :environment
   and fingerprint = :fingerprint
   and position < :before
 order by position desc
 limit :limit;

-- name: resting_failures :many
-- The last failures of runs that rest failed or paused by them, newest first.
select {failure_columns_of_f}
  from failures f indexed by failures_by_fingerprint -- uncounted, SQLite would go through all of the environment
  join runs r
    on r.environment = f.environment
   and r.id = f.run_id
 where f.environment = :environment
   and f.fingerprint = :fingerprint
   and r.status in ('failed', 'paused')
   and not exists (select 1
                     from failures l
                    where l.environment = f.environment
                      and l.run_id = f.run_id
                      and l.position > f.position)
 order by f.position desc
 limit :limit;

-- name: mended_failures :many
-- Newest first: those of the newest `scan` of a group whose runs have completed since.
select {failure_columns_of_f}
  from (select {failure_columns}
          from failures
         where environment = :environment
           and fingerprint = :fingerprint
         order by position desc
         limit :scan) as f
  join runs r
    on r.environment = f.environment
   and r.id = f.run_id
 where r.status = 'completed'
 order by f.position desc
 limit :limit;

-- name: failures_of_run :many
-- Newest first.
select {failure_columns}
  from failures indexed by failures_by_run -- uncounted, SQLite would go through all of the environment
 where environment = :environment
   and run_id = :run_id
 order by position desc
 limit :limit;

-- name: failure :one
select {failure_columns}
  from failures
 where environment = :environment
   and position = :position;

-- name: all_failures :many
select {failure_columns}
  from failures
 where (environment, position) > (:environment, :position)
 order by environment, position
 limit :limit;

-- name: failure_vector :one
select environment, position, embedder, vector
  from failure_vectors
 where environment = :environment
   and position = :position;

-- name: failure_vectors_before :many
-- Newest first, before a position.
select environment, position, embedder, vector
  from failure_vectors
 where environment = :environment
   and position < :before
   and embedder = :embedder
 order by position desc
 limit :limit;

-- name: near_failures :many
-- Positions and distances (0: the same direction, 1: nothing in common, 2: opposite), nearest first. The functions are sqlite-vec's.
select position, vec_distance_cosine(vec_int8(vector), vec_int8(:vector)) as distance
  from failure_vectors
 where environment = :environment
   and embedder = :embedder
 order by distance
 limit :limit;

-- name: delete_failures_of_run :exec
delete from failures indexed by failures_by_run -- uncounted, SQLite would go through all of the environment
 where environment = :environment
   and run_id = :run_id;

-- name: delete_failure_vector :exec
delete from failure_vectors
 where environment = :environment
   and position = :position;

-- name: delete_failure_group :exec
delete from failure_groups
 where environment = :environment
   and fingerprint = :fingerprint;

-- name: recount_failure_group :exec
-- From its failures; no row if there are none. It is named by the first of its own cause, else by its first.
insert into failure_groups (environment, fingerprint, function_id, step, error_type, message, top_frame, first_position, last_position, first_at, last_at, failures)
select named.environment, named.fingerprint, named.function_id, named.step, named.error_type, named.masked, named.top_frame,
       counted.first_position, counted.last_position, counted.first_at, counted.last_at, counted.failures
  from (select environment, fingerprint, function_id, step, error_type, masked, top_frame
          from failures
         where environment = :environment
           and fingerprint = :fingerprint
         order by case when cause = fingerprint then 0 else 1 end, position
         limit 1) as named
 cross join (select min(position) as first_position, max(position) as last_position, min(failed_at) as first_at, max(failed_at) as last_at, count(*) as failures
               from failures
              where environment = :environment
                and fingerprint = :fingerprint) as counted;

-- name: failure_groups_of :many
-- For each cause of a JSON list that was merged, the group that it is in.
select fingerprint, merged_into
  from failure_merges
 where environment = :environment
   and fingerprint in (select value from json_each(:fingerprints));

-- name: failure_causes :many
-- Of a group, those that failed last first.
select cause, min(step), min(error_type), min(masked), count(*), min(failed_at), max(failed_at)
  from failures
 where environment = :environment
   and fingerprint = :fingerprint
 group by cause
 order by max(position) desc
 limit :limit;

-- name: merge_failures :exec
update failures
   set fingerprint = :into
 where environment = :environment
   and fingerprint = :fingerprint;

-- name: move_failure_merges :exec
-- What was merged into a group goes along with it.
update failure_merges
   set merged_into = :into
 where environment = :environment
   and merged_into = :fingerprint;

-- name: save_failure_merge :exec
insert into failure_merges (environment, fingerprint, merged_into)
values (:environment, :fingerprint, :into)
on conflict (environment, fingerprint) do update
   set merged_into = excluded.merged_into;

-- name: split_failures :exec
update failures
   set fingerprint = :cause
 where environment = :environment
   and fingerprint = :fingerprint
   and cause = :cause;

-- name: delete_failure_merge :exec
delete from failure_merges
 where environment = :environment
   and fingerprint = :fingerprint;

-- name: all_failure_merges :many
select environment, fingerprint, merged_into
  from failure_merges
 where (environment, fingerprint) > (:environment, :fingerprint)
 order by environment, fingerprint
 limit :limit;

-- name: clear_failure_merges :exec
delete from failure_merges;

-- name: clear_failures :exec
delete from failures;

-- name: clear_failure_groups :exec
delete from failure_groups;

-- name: clear_failure_vectors :exec
delete from failure_vectors;

-- name: save_failure_mark :each
insert into failure_marks (environment, fingerprint, status, version, muted_until, reason, actor, marked_at, position, merged_into, assignee, assigned_by, assigned_at, assigned_position)
values (:environment, :fingerprint, :status, :version, :muted_until, :reason, :actor, :marked_at, :position, :merged_into, :assignee, :assigned_by, :assigned_at, :assigned_position)
on conflict (environment, fingerprint) do update
   set status = excluded.status,
       version = excluded.version,
       muted_until = excluded.muted_until,
       reason = excluded.reason,
       actor = excluded.actor,
       marked_at = excluded.marked_at,
       position = excluded.position,
       merged_into = excluded.merged_into,
       assignee = excluded.assignee,
       assigned_by = excluded.assigned_by,
       assigned_at = excluded.assigned_at,
       assigned_position = excluded.assigned_position;

-- name: failure_marks_of :many
-- Of a JSON list of groups, each with the position of the first failure that a newer version has had since; 0 for none.
select {failure_mark_columns},
       coalesce((select min(f.position)
                   from failures f
                  where f.environment = m.environment
                    and f.fingerprint = m.fingerprint
                    and f.position > m.position
                    and f.function_version > m.version), 0)
  from failure_marks m
 where m.environment = :environment
   and m.fingerprint in (select value from json_each(:fingerprints));

-- name: all_failure_marks :many
select {failure_mark_columns}
  from failure_marks m
 where (environment, fingerprint) > (:environment, :fingerprint)
 order by environment, fingerprint
 limit :limit;

-- name: clear_failure_marks :exec
delete from failure_marks;

-- name: run_failures_by_time :many
-- How often a run failed for good in each stretch of `width` µs from `since` to `until`, whatever became of it later;
-- `after` is a position that no such failure is before.
select (failed_at - :since) / :width as stretch, count(*)
  from failures
 where environment = :environment
   and position > :after
   and kind = 'run.failed'
   and failed_at >= :since
   and failed_at <= :until
 group by 1
 order by 1;
