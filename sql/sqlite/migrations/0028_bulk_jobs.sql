-- One thing done to many runs, bit by bit: what was asked for, and how far it is. Derived from history.
create table bulk_jobs (
    environment text not null,
    id          text not null,
    status      text not null,            -- running, completed or stopped
    asked       text not null,            -- the fact that began it, as JSON
    started_by  text not null,
    started_at  integer not null,
    until       text not null,            -- id of the run that was looked at last; '' before the first
    changed     integer not null,
    refused     integer not null,
    changed_at  integer not null,
    ended_at    integer not null,         -- 0 while it runs
    ended_by    text not null,
    reason      text not null,            -- why it was stopped
    version     integer not null,
    position    integer not null,
    primary key (environment, id)
) strict, without rowid;

create index bulk_jobs_running on bulk_jobs (environment, id) where status = 'running';
create index bulk_jobs_begun on bulk_jobs (environment, started_at, id);
