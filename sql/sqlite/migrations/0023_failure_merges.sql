-- Groups of failures that people have merged. `cause` is the fingerprint that a failure has by itself, `fingerprint` that of
-- the group which it is in: of others only where its own was merged. `failure_merges` says into which, and is derived from
-- history beside the failures; what was decided stands in failure_marks.
alter table failures add column cause text not null default '';

update failures set cause = fingerprint;

create table failure_merges (
    environment text not null,
    fingerprint text not null,
    merged_into text not null,
    primary key (environment, fingerprint)
) strict, without rowid;

alter table failure_marks add column merged_into text not null default '';

drop view sql_failure_marks;

create view sql_failure_marks as
select environment,
       fingerprint,
       status,
       version,
       case when muted_until > 0 then strftime('%Y-%m-%dT%H:%M:%S', muted_until / 1000000, 'unixepoch') || printf('.%06dZ', muted_until % 1000000) end as muted_until,
       reason,
       actor,
       strftime('%Y-%m-%dT%H:%M:%S', marked_at / 1000000, 'unixepoch') || printf('.%06dZ', marked_at % 1000000) as marked_at,
       position,
       merged_into
  from failure_marks;
