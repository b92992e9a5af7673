-- name: save_breakpoint :exec
insert into breakpoints (id, environment, run_id, function_id, step, place, condition, owner, created_at, expires_at)
values (:id, :environment, :run_id, :function_id, :step, :place, :condition, :owner, :created_at, :expires_at);

-- name: renew_breakpoint :exec
-- Only one that is not over: its runs may have gone on since.
update breakpoints
   set expires_at = :expires_at
 where id = :id
   and environment = :environment
   and expires_at > :now;

-- name: delete_breakpoint :exec
delete from breakpoints
 where id = :id
   and environment = :environment;

-- name: delete_lapsed_breakpoints :exec
delete from breakpoints
 where expires_at <= :now;

-- name: all_breakpoints :many
select id, environment, run_id, function_id, step, place, condition, owner, created_at, expires_at
  from breakpoints
 order by id;
