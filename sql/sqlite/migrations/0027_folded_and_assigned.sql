-- How many events a generation of a projection has folded since its cursor began: of two looks the pace is known.
alter table projection_cursors add column folded integer not null default 0;

-- Who looks after a group of failures, whatever was decided of it: derived from history, as what was decided is.
alter table failure_marks add column assignee text not null default '';
alter table failure_marks add column assigned_by text not null default '';
alter table failure_marks add column assigned_at integer not null default 0;
alter table failure_marks add column assigned_position integer not null default 0;

drop view sql_failure_marks;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then strftime('%Y-%m-%dT%H:%M:%S', muted_until / 1000000, 'unixepoch') || printf('.%06dZ', muted_until % 1000000) end as muted_until,
       reason,
       actor,
       case when marked_at > 0 then strftime('%Y-%m-%dT%H:%M:%S', marked_at / 1000000, 'unixepoch') || printf('.%06dZ', marked_at % 1000000) end as marked_at,
       position,
       merged_into,
       assignee,
       assigned_by,
       case when assigned_at > 0 then strftime('%Y-%m-%dT%H:%M:%S', assigned_at / 1000000, 'unixepoch') || printf('.%06dZ', assigned_at % 1000000) end as assigned_at
  from failure_marks;
