-- What people have decided of groups of failures: derived from history, whether or not there are failures of the group yet.
create table failure_marks (
    environment text collate "C" not null,
    fingerprint text collate "C" not null,
    status      text not null,            -- open, resolved or muted
    version     bigint not null,    -- resolved: the newest version of the function that had failed so; a newer one that does reopens it
    muted_until bigint not null,    -- 0: for good
    reason      text not null,
    actor       text not null,
    marked_at   bigint not null,
    position    bigint not null,
    primary key (environment, fingerprint)
);

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
       to_char(to_timestamp(failed_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((failed_at % 1000000)::text, 6, '0') || 'Z' as failed_at
  from failures;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then to_char(to_timestamp(muted_until / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((muted_until % 1000000)::text, 6, '0') || 'Z' end as muted_until,
       reason,
       actor,
       to_char(to_timestamp(marked_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((marked_at % 1000000)::text, 6, '0') || 'Z' as marked_at,
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
       case when m.status = 'muted' and (m.muted_until = 0 or m.muted_until > (extract(epoch from now()) * 1000000)) then 'muted'
            when m.status = 'resolved'
             and not exists (select 1
                               from failures f
                              where f.environment = m.environment
                                and f.fingerprint = m.fingerprint
                                and f.position > m.position
                                and f.function_version > m.version) then 'resolved'
            else 'open' end as status,
       to_char(to_timestamp(g.first_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((g.first_at % 1000000)::text, 6, '0') || 'Z' as first_at,
       to_char(to_timestamp(g.last_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((g.last_at % 1000000)::text, 6, '0') || 'Z' as last_at,
       g.first_position,
       g.last_position
  from failure_groups g
  left join failure_marks m
    on m.environment = g.environment
   and m.fingerprint = g.fingerprint;
