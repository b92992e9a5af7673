-- fragment: run_columns
-- As RunRow has them.
id, runs.environment, function_id, function_version, event_id, event_name, status, attempt, max_attempts,
worker_id, error_code, error_message, pause_reason, cancellation_cause, due_at, timeout_at,
created_at, started_at, ended_at, updated_at, position, version,
parent_run_id, parent_step_id, detached, watched, pause_requested, dispatch,
forked_from_run_id, forked_from_position, tags, steps_completed, patched, unwinding

-- fragment: last_failure
-- The group of failures that a run failed with last.
(select f.fingerprint
   from failures f
  where f.environment = :environment
    and f.run_id = runs.id
  order by f.position desc
  limit 1)

-- fragment: run_fits
-- What lists of runs are narrowed by; '' lets all through. `statuses` is a list with commas around each; `search` folds A-Z
-- only: `ilike` by the rules of "C" does.
created_at >= :since
and created_at <= :until
and (:function_id = '' or function_id = :function_id)
and (:event_id = '' or event_id = :event_id)
and (:parent_run_id = '' or parent_run_id = :parent_run_id)
and (:failure = '' or (error_message <> '' and :failure = {last_failure}))
and (:statuses = '' or :statuses like '%,' || status || ',%')
and (:search = '' or id ilike :search escape '\' or function_id collate "C" ilike :search escape '\'
     or event_name collate "C" ilike :search escape '\' or error_message collate "C" ilike :search escape '\')

-- fragment: has_others
-- A run with one tag has all `others`, a JSON list, too.
(:others = '[]'
 or not exists (select 1
                  from json_array_elements_text(:others::json) as wanted (value)
                 where not exists (select 1
                                     from run_tags o
                                    where o.environment = t.environment
                                      and o.tag = wanted.value
                                      and o.run_id = t.run_id)))

-- fragment: run_kind
-- What a run has in common with others, by what `by` names; '' for nothing.
case :by
  when 'function' then function_id
  when 'parent' then parent_run_id
  when 'day' then cast(created_at / 86400000000 as text)
  else coalesce(case when error_message <> '' then {last_failure} end, '')
end

-- fragment: took
-- How long a run that has ended took, in µs; the index by it says the same.
(ended_at - coalesce(started_at, ended_at))

-- fragment: has_all
-- All `wanted` tags, a JSON list.
(:wanted = '[]'
 or not exists (select 1
                  from json_array_elements_text(:wanted::json) as wanted (value)
                 where not exists (select 1
                                     from run_tags o
                                    where o.environment = runs.environment
                                      and o.tag = wanted.value
                                      and o.run_id = runs.id)))

-- name: save_run :all
insert into runs (id, environment, function_id, function_version, event_id, event_name, status, attempt, max_attempts,
                  worker_id, error_code, error_message, pause_reason, cancellation_cause, due_at, timeout_at,
                  created_at, started_at, ended_at, updated_at, position, version,
                  parent_run_id, parent_step_id, detached, watched, pause_requested, dispatch,
                  forked_from_run_id, forked_from_position, tags, steps_completed, patched, unwinding)
values (:id, :environment, :function_id, :function_version, :event_id, :event_name, :status, :attempt, :max_attempts,
        :worker_id, :error_code, :error_message, :pause_reason, :cancellation_cause, :due_at, :timeout_at,
        :created_at, :started_at, :ended_at, :updated_at, :position, :version,
        :parent_run_id, :parent_step_id, :detached, :watched, :pause_requested, :dispatch,
        :forked_from_run_id, :forked_from_position, :tags, :steps_completed, :patched, :unwinding)
on conflict (id) do update
   set status = excluded.status,
       attempt = excluded.attempt,
       worker_id = excluded.worker_id,
       error_code = excluded.error_code,
       error_message = excluded.error_message,
       pause_reason = excluded.pause_reason,
       cancellation_cause = excluded.cancellation_cause,
       due_at = excluded.due_at,
       timeout_at = excluded.timeout_at,
       started_at = excluded.started_at,
       ended_at = excluded.ended_at,
       updated_at = excluded.updated_at,
       position = excluded.position,
       version = excluded.version,
       watched = excluded.watched,
       pause_requested = excluded.pause_requested,
       tags = excluded.tags,
       steps_completed = excluded.steps_completed,
       patched = excluded.patched,
       unwinding = excluded.unwinding;

-- name: run_row :one
select {run_columns}
  from runs
 where environment = :environment
   and id = :id;

-- name: runs_page :many
-- Newest first (ids are time-ordered); `before` is a run id.
select {run_columns}
  from runs
 where environment = :environment
   and id < :before
   and {run_fits}
 order by id desc
 limit :limit;

-- name: oldest_runs_page :many
-- As runs_page, oldest first; `after` is a run id.
select {run_columns}
  from runs
 where environment = :environment
   and id > :after
   and {run_fits}
 order by id
 limit :limit;

-- name: longest_runs_page :many
-- Runs of a function that have ended, those that took longest first: those before `took` and the run id `before`.
select {run_columns}
  from runs
 where environment = :environment
   and function_id = :function_id
   and ended_at is not null
   and {took} <= :took
   and ({took} < :took or id < :before)
   and {run_fits}
   and {has_all}
 order by {took} desc, id desc
 limit :limit;

-- name: shortest_runs_page :many
-- The other way round: those after `took` and the run id `after`.
select {run_columns}
  from runs
 where environment = :environment
   and function_id = :function_id
   and ended_at is not null
   and {took} >= :took
   and ({took} > :took or id > :after)
   and {run_fits}
   and {has_all}
 order by {took}, id
 limit :limit;

-- name: runs_of_status_page :many
-- Runs of one status other than completed, newest first: those with an id before `before`.
select {run_columns}
  from runs
 where environment = :environment
   and status = :status
   and status <> 'completed'
   and id < :before
   and {run_fits}
   and {has_all}
 order by id desc
 limit :limit;

-- name: runs_count :one
-- How many match, counting no further than `limit`.
select count(*)
  from (select id
          from runs
         where environment = :environment
           and {run_fits}
         limit :limit) as matching;

-- name: runs_by_time :many
-- How many began in each stretch of `width` µs since `since`, by status. `first` is an id that no such run is before: the
-- ids are ordered by time, so that only what is counted is read.
select (created_at - :since) / :width as stretch, status, count(*)
  from runs
 where environment = :environment
   and {run_fits}
   and id >= :first
 group by 1, 2
 order by 1, 2;

-- name: run_ends_by_time :many
-- How many ended in each stretch of `width` µs from `since` to `until`, by the status that they have had since.
select (ended_at - :since) / :width as stretch, status, count(*)
  from runs
 where environment = :environment
   and ended_at is not null
   and ended_at >= :since
   and ended_at <= :until
 group by 1, 2
 order by 1, 2;

-- name: runs_grouped :many
-- How many of the newest `limit` that match there are by what `by` names, and by status, and the newest of each.
select {run_kind} as called, status, count(*), max(id)
  from (select id, function_id, parent_run_id, created_at, status, error_message
        from runs
       where environment = :environment
         and {run_fits}
       order by id desc
       limit :limit) as runs
 group by 1, 2
 order by 1, 2;

-- name: runs_with_prefix :many
select id
  from runs
 where environment = :environment
   and id >= :prefix
   and id < :prefix_end
 order by id
 limit :limit;

-- name: unfinished_runs :many
-- Every run that has work or a timer left, over all environments, in id order.
select {run_columns}
  from runs
 where status <> 'completed'
   and status in ('running', 'waiting', 'waiting_for_capacity')
   and id > :after
 order by id
 limit :limit;

-- name: watched_runs :many
-- Runs over all environments that wait for an event, for a child run, or for the end of unwinding, in id order.
select environment, id
  from runs
 where watched > 0
   and id > :after
 order by id
 limit :limit;

-- name: attached_children :many
-- Children over all environments that have not ended and are not to outlive their parent, in id order.
select environment, id
  from runs
 where parent_run_id <> ''
   and detached = 0
   and status in ('running', 'waiting', 'waiting_for_capacity', 'paused')
   and id > :after
 order by id
 limit :limit;

-- name: unfinished_children :many
select id
  from runs
 where parent_run_id = :parent_run_id
   and parent_run_id <> ''
   and environment = :environment
   and status in ('running', 'waiting', 'waiting_for_capacity', 'paused')
   and id > :after
 order by id
 limit :limit;

-- name: clear_runs :exec
delete from runs;

-- name: all_runs :many
select {run_columns}
  from runs
 where id > :after
 order by id
 limit :limit;

-- name: throttled_runs :many
-- Runs of a function that first started after an instant, latest first: their instant, and what dispatch knows of them.
select started_at, dispatch
  from runs
 where environment = :environment
   and function_id = :function_id
   and started_at > :since
   and dispatch <> ''
 order by started_at desc
 limit :limit;

-- name: cancellable_runs :many
-- Unfinished runs that events may cancel, over all environments, in id order.
select environment, id, dispatch
  from runs
 where dispatch like '%"cancel_on"%'
   and status in ('running', 'waiting', 'waiting_for_capacity', 'paused')
   and status <> 'completed'
   and id > :after
 order by id
 limit :limit;

-- name: forks_of_run :many
-- Runs that were forked from one, oldest first.
select {run_columns}
  from runs
 where forked_from_run_id = :run_id
   and forked_from_run_id <> ''
   and environment = :environment
 order by id
 limit :limit;

-- name: completed_runs_of_event :many
-- Runs of a function that an event started and that completed, newest first.
select {run_columns}
  from runs
 where event_id = :event_id
   and environment = :environment
   and function_id = :function_id
   and status = 'completed'
 order by id desc
 limit :limit;

-- name: held_runs :many
-- Runs over all environments that may be held by a breakpoint, in id order: their state says by which.
select environment, id
  from runs
 where status = 'paused'
   and status <> 'completed'
   and pause_reason = 'breakpoint'
   and id > :after
 order by id
 limit :limit;

-- name: tag_run :each
-- The index by tag, as the run's row says it; what is there already is not written again.
insert into run_tags (environment, tag, run_id)
select :environment, value, :run_id
  from json_array_elements_text(:tags::json) as given (value)
    on conflict do nothing;

-- name: untag_run :each
delete from run_tags
 where environment = :environment
   and run_id = :run_id
   and tag not in (select value from json_array_elements_text(:tags::json) as kept (value));

-- name: clear_run_tags :exec
delete from run_tags;

-- name: all_run_tags :many
-- The index over all environments, in the order of its key, after one of its rows.
select environment, tag, run_id
  from run_tags
 where (environment, tag, run_id) > (:environment, :tag, :run_id)
 order by environment, tag, run_id
 limit :limit;

-- name: tagged_runs_page :many
-- As runs_page, of runs with one tag, and with all `others`, a JSON list.
select {run_columns}
  from run_tags t
  join runs on runs.id = t.run_id
 where t.environment = :environment
   and t.tag = :tag
   and {run_fits}
   and {has_others}
   and t.run_id < :before
 order by t.run_id desc
 limit :limit;

-- name: oldest_tagged_runs_page :many
-- The same, oldest first; `after` is a run id.
select {run_columns}
  from run_tags t
  join runs on runs.id = t.run_id
 where t.environment = :environment
   and t.tag = :tag
   and {run_fits}
   and {has_others}
   and t.run_id > :after
 order by t.run_id
 limit :limit;

-- name: tagged_runs_count :one
select count(*)
  from (select t.run_id
          from run_tags t
          join runs on runs.id = t.run_id
         where t.environment = :environment
           and t.tag = :tag
           and {run_fits}
           and {has_others}
         limit :limit) as matching;

-- name: tagged_runs_by_time :many
select (runs.created_at - :since) / :width as stretch, runs.status, count(*)
  from run_tags t
  join runs on runs.id = t.run_id
 where t.environment = :environment
   and t.tag = :tag
   and {run_fits}
   and {has_others}
   and t.run_id >= :first
 group by 1, 2
 order by 1, 2;

-- name: tagged_runs_grouped :many
-- As runs_grouped, of runs with one tag, and with all `others`.
select {run_kind} as called, status, count(*), max(id)
  from (select runs.id, runs.function_id, runs.parent_run_id, runs.created_at, runs.status, runs.error_message
        from run_tags t
        join runs on runs.id = t.run_id
       where t.environment = :environment
         and t.tag = :tag
         and {run_fits}
         and {has_others}
       order by t.run_id desc
       limit :limit) as runs
 group by 1, 2
 order by 1, 2;

-- name: steps_expected :many
-- For each wanted [function, version] of a JSON list: how many steps completed in the newest of its newest `scan` runs that
-- completed at that version. Null where none did.
select wanted.value ->> 0, cast(wanted.value ->> 1 as integer),
       (select newest.steps_completed
          from (select r.id, r.function_version, r.status, r.steps_completed
                  from runs r
                 where r.environment = :environment
                   and r.function_id = wanted.value ->> 0
                 order by r.id desc
                 limit :scan) as newest
         where newest.status = 'completed'
           and newest.function_version = cast(wanted.value ->> 1 as integer)
         order by newest.id desc
         limit 1)
  from json_array_elements(:wanted::json) as wanted (value);

-- name: steps_since :many
-- For each wanted [run, version] of a JSON list: how many steps were reported as completed in the `scan` entries after it,
-- and how many entries these are.
select wanted.value ->> 0, sum(case when h.kind = 'step.completed' then 1 else 0 end), count(*)
  from json_array_elements(:wanted::json) as wanted (value)
  join history h
    on h.environment = :environment
   and h.stream = 'run/' || (wanted.value ->> 0)
   and h.version > cast(wanted.value ->> 1 as integer)
   and h.version <= cast(wanted.value ->> 1 as integer) + :scan
 group by 1;

-- name: runs_sampled :many
-- For each function of a JSON list: its newest `sample` runs that began at `since` or later, newest first. `first` is an id
-- that no such run is before.
select r.function_id, r.id, r.status, r.version, r.started_at, r.ended_at
  from json_array_elements_text(:functions::json) as wanted (value)
  cross join lateral (select sampled.function_id, sampled.id, sampled.status, sampled.version, sampled.started_at, sampled.ended_at
                        from runs sampled
                       where sampled.environment = :environment
                         and sampled.function_id = wanted.value
                         and sampled.id >= :first
                         and sampled.created_at >= :since
                       order by sampled.id desc
                       limit :sample) as r
 order by r.function_id, r.id desc;

-- name: runs_begun :many
-- For each function of a JSON list: how many runs have begun since the id `first`, counted no further than `limit`. Only the
-- index is read.
select wanted.value,
       (select count(*)
          from (select r.id
                  from runs r
                 where r.environment = :environment
                   and r.function_id = wanted.value
                   and r.id >= :first
                 limit :limit) as begun)
  from json_array_elements_text(:functions::json) as wanted (value);

-- name: runs_of_events :many
-- By event and status, how many runs the events of a JSON list started; `limit` runs are counted at most.
select event_id, status, count(*) as count
  from (select event_id, status
          from json_array_elements_text(:events::json) as wanted (value)
          join runs on event_id = wanted.value
         where environment = :environment
         limit :limit) as counted
 group by event_id, status;

-- name: runs_started_by :many
-- What started the runs of a JSON list, the most frequent first: a function whose run waited for them, or an event.
select coalesce(parent.function_id, '') as parent, case when parent.id is null then r.event_name else '' end as event, count(*) as count
  from json_array_elements_text(:runs::json) as wanted (value)
  join runs r on r.id = wanted.value
  left join runs parent on parent.id = r.parent_run_id
 where r.environment = :environment
 group by 1, 2
 order by 3 desc, 1, 2
 limit :limit;

-- name: runs_emitted :many
-- The names of the events that the runs of a JSON list emitted, the most frequent first; of the first `scan` of them. What
-- is from `but` stands for something else: what a run invoked is told with that.
select name, count(*) as count
  from (select e.name
          from json_array_elements_text(:runs::json) as wanted (value)
          join events e on e.run_id = wanted.value and e.run_id <> ''
         where e.environment = :environment
           and e.source <> :but
         limit :scan) as emitted
 group by name
 order by 2 desc, 1
 limit :limit;

-- name: runs_invoked :many
-- The functions that the runs of a JSON list invoked, the most frequent first; of the first `scan` child runs.
select function_id, count(*) as count
  from (select child.function_id
          from json_array_elements_text(:runs::json) as wanted (value)
          join runs child on child.parent_run_id = wanted.value and child.parent_run_id <> ''
         where child.environment = :environment
         limit :scan) as invoked
 group by function_id
 order by 2 desc, 1
 limit :limit;
