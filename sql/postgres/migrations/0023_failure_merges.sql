-- Groups of failures that people have merged. `cause` is the fingerprint that a failure has by itself, `fingerprint` that of
-- the group which it is in: of others only where its own was merged. `failure_merges` says into which, and is derived from
-- history beside the failures; what was decided stands in failure_marks.
alter table failures add column cause text collate "C" not null default '';

update failures set cause = fingerprint;

create table failure_merges (
    environment text collate "C" not null,
    fingerprint text collate "C" not null,
    merged_into text collate "C" not null,
    primary key (environment, fingerprint)
);

alter table failure_marks add column merged_into text collate "C" not null default '';

drop view sql_failure_marks cascade;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then to_char(to_timestamp(muted_until / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((muted_until % 1000000)::text, 6, '0') || 'Z' end as muted_until,
       reason,
       actor,
       to_char(to_timestamp(marked_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.' || lpad((marked_at % 1000000)::text, 6, '0') || 'Z' as marked_at,
       position,
       merged_into
  from failure_marks;
