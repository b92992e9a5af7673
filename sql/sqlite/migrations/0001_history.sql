-- The one continuous history: every fact, in commit order. Rows are only ever added.
create table history (
    position    integer primary key,          -- gapless, from 1
    environment text not null,
    stream      text not null,                -- what the entry belongs to: 'event/<id>', 'run/<id>', ...
    version     integer not null,             -- 1, 2, 3, ... within the stream
    kind        text not null,
    data        text not null,                -- JSON, the bytes as they were recorded
    metadata    text not null,                -- JSON object
    actor       text not null,
    correlation text not null,
    causation   text not null,
    recorded_at integer not null,             -- microseconds since 1970, UTC
    digest      blob not null,                -- SHA-256 chained over every entry so far
    unique (environment, stream, version)
) strict;

-- Derived from history; `ironflow rebuild` makes the rest of this file anew.

create table events (
    position        integer primary key,
    id              text not null,
    environment     text not null,
    name            text not null,
    source          text not null,
    idempotency_key text not null,
    run_id          text not null,            -- the run that emitted it, or ''
    recorded_at     integer not null
) strict;
create index events_by_name on events (environment, name, position);

create table runs (
    id                 text primary key,
    environment        text not null,
    function_id        text not null,
    function_version   integer not null,
    event_id           text not null,
    event_name         text not null,
    status             text not null,
    attempt            integer not null,
    max_attempts       integer not null,
    worker_id          text not null,
    error_code         text not null,
    error_message      text not null,
    pause_reason       text not null,
    cancellation_cause text not null,
    due_at             integer,               -- when a waiting run goes on
    timeout_at         integer,               -- when a running one has had its time
    created_at         integer not null,
    started_at         integer,
    ended_at           integer,
    updated_at         integer not null,
    position           integer not null,      -- of the entry that last changed this row
    version            integer not null
) strict, without rowid;
create index runs_by_function on runs (environment, function_id, id);
create index runs_by_event on runs (event_id);
create index runs_unfinished on runs (environment, status, id) where status <> 'completed';

create table functions (
    environment    text not null,
    id             text not null,
    name           text not null,
    status         text not null,
    version        integer not null,
    preferred_mode text not null,
    created_at     integer not null,
    updated_at     integer not null,
    position       integer not null,
    primary key (environment, id)
) strict, without rowid;
