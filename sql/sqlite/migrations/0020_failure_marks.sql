-- What people have decided of groups of failures: derived from history, whether or not there are failures of the group yet.
create table failure_marks (
    environment text not null,
    fingerprint text not null,
    status      text not null,            -- open, resolved or muted
    version     integer not null,   -- resolved: the newest version of the function that had failed so; a newer one that does reopens it
    muted_until integer not null,   -- 0: for good
    reason      text not null,
    actor       text not null,
    marked_at   integer not null,
    position    integer not null,
    primary key (environment, fingerprint)
) strict, without rowid;

create view sql_failures as
select environment,
       position,
       run_id,
       function_id,
       function_version,
       event_id,
       fingerprint,
       kind,
       step,
       error_type,
       error_code,
       message,
       top_frame,
       attempt,
       strftime('%Y-%m-%dT%H:%M:%S', failed_at / 1000000, 'unixepoch') || printf('.%06dZ', failed_at % 1000000) as failed_at
  from failures;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then strftime('%Y-%m-%dT%H:%M:%S', muted_until / 1000000, 'unixepoch') || printf('.%06dZ', muted_until % 1000000) end as muted_until,
       reason,
       actor,
       strftime('%Y-%m-%dT%H:%M:%S', marked_at / 1000000, 'unixepoch') || printf('.%06dZ', marked_at % 1000000) as marked_at,
       position
  from failure_marks;

create view sql_failure_groups as
select g.environment,
       g.fingerprint,
       g.function_id,
       g.step,
       g.error_type,
       g.message,
       g.top_frame,
       g.failures,
       case when m.status = 'muted' and (m.muted_until = 0 or m.muted_until > cast(strftime('%s', 'now') as integer) * 1000000) then 'muted'
            when m.status = 'resolved'
             and not exists (select 1
                               from failures f
                              where f.environment = m.environment
                                and f.fingerprint = m.fingerprint
                                and f.position > m.position
                                and f.function_version > m.version) then 'resolved'
            else 'open' end as status,
       strftime('%Y-%m-%dT%H:%M:%S', g.first_at / 1000000, 'unixepoch') || printf('.%06dZ', g.first_at % 1000000) as first_at,
       strftime('%Y-%m-%dT%H:%M:%S', g.last_at / 1000000, 'unixepoch') || printf('.%06dZ', g.last_at % 1000000) as last_at,
       g.first_position,
       g.last_position
  from failure_groups g
  left join failure_marks m
    on m.environment = g.environment
   and m.fingerprint = g.fingerprint;
