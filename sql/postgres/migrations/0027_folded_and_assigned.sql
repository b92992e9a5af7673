-- How many events a generation of a projection has folded since its cursor began: of two looks the pace is known.
alter table projection_cursors add column folded bigint not null default 0;

-- Who looks after a group of failures, whatever was decided of it: derived from history, as what was decided is.
alter table failure_marks add column assignee text collate "C" not null default '';
alter table failure_marks add column assigned_by text collate "C" not null default '';
alter table failure_marks add column assigned_at bigint not null default 0;
alter table failure_marks add column assigned_position bigint not null default 0;

drop view sql_failure_marks cascade;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then to_char(to_timestamp(muted_until / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((muted_until % 1000000)::text, 6, '0') || 'Z' end as muted_until,
       reason,
       actor,
       case when marked_at > 0 then to_char(to_timestamp(marked_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((marked_at % 1000000)::text, 6, '0') || 'Z' end as marked_at,
       position,
       merged_into,
       assignee,
       assigned_by,
       case when assigned_at > 0 then to_char(to_timestamp(assigned_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((assigned_at % 1000000)::text, 6, '0') || 'Z' end as assigned_at
  from failure_marks;
