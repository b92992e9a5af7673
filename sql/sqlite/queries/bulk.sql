-- fragment: bulk_job_columns
-- As BulkJobRow has them.
environment, id, status, asked, started_by, started_at, until, changed, refused, changed_at, ended_at, ended_by, reason, version, position

-- name: save_bulk_job :each
insert into bulk_jobs (environment, id, status, asked, started_by, started_at, until, changed, refused, changed_at, ended_at, ended_by, reason, version, position)
values (:environment, :id, :status, :asked, :started_by, :started_at, :until, :changed, :refused, :changed_at, :ended_at, :ended_by, :reason, :version, :position)
on conflict (environment, id) do update
   set status = excluded.status,
       until = excluded.until,
       changed = excluded.changed,
       refused = excluded.refused,
       changed_at = excluded.changed_at,
       ended_at = excluded.ended_at,
       ended_by = excluded.ended_by,
       reason = excluded.reason,
       version = excluded.version,
       position = excluded.position;

-- name: bulk_job :one
select {bulk_job_columns}
  from bulk_jobs
 where environment = :environment
   and id = :id;

-- name: bulk_jobs_page :many
-- The newest first, those that began before an instant, or at it with an id before `before`.
select {bulk_job_columns}
  from bulk_jobs
 where environment = :environment
   and (started_at, id) < (:before_at, :before)
   and (:status = '' or status = :status)
 order by started_at desc, id desc
 limit :limit;

-- name: bulk_jobs_running :many
-- Of all environments, the oldest first.
select {bulk_job_columns}
  from bulk_jobs
 where status = 'running'
 order by started_at, id
 limit :limit;

-- name: count_running_bulk_jobs :one
-- Of one environment, no more than `limit`.
select count(*)
  from (select 1
          from bulk_jobs
         where environment = :environment
           and status = 'running'
         limit :limit) as found;

-- name: all_bulk_jobs :many
select {bulk_job_columns}
  from bulk_jobs
 where (environment, id) > (:environment, :id)
 order by environment, id
 limit :limit;

-- name: clear_bulk_jobs :exec
delete from bulk_jobs;
