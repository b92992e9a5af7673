-- The one continuous history: every fact, in commit order. Rows are only ever added.
create table history (
    position    bigint primary key,           -- gapless, from 1
    environment text not null,
    stream      text not null,                -- what the entry belongs to: 'event/<id>', 'run/<id>', ...
    version     bigint not null,              -- 1, 2, 3, ... within the stream
    kind        text not null,
    data        text not null,                -- JSON, the bytes as they were recorded (jsonb would reorder them)
    metadata    text not null,                -- JSON object
    actor       text not null,
    correlation text not null,
    causation   text not null,
    recorded_at bigint not null,              -- microseconds since 1970, UTC
    digest      bytea not null,               -- SHA-256 chained over every entry so far
    unique (environment, stream, version)
);

-- Derived from history; `ironflow rebuild` makes the rest of this file anew.

create table events (
    position        bigint primary key,
    id              text not null,
    environment     text not null,
    name            text not null,
    source          text not null,
    idempotency_key text not null,
    run_id          text not null,            -- the run that emitted it, or ''
    recorded_at     bigint not null
);
create index events_by_name on events (environment, name, position);

create table runs (
    id                 text collate "C" primary key,
    environment        text not null,
    function_id        text not null,
    function_version   bigint not null,
    event_id           text not null,
    event_name         text not null,
    status             text not null,
    attempt            bigint not null,
    max_attempts       bigint not null,
    worker_id          text not null,
    error_code         text not null,
    error_message      text not null,
    pause_reason       text not null,
    cancellation_cause text not null,
    due_at             bigint,                -- when a waiting run goes on
    timeout_at         bigint,                -- when a running one has had its time
    created_at         bigint not null,
    started_at         bigint,
    ended_at           bigint,
    updated_at         bigint not null,
    position           bigint not null,       -- of the entry that last changed this row
    version            bigint not null
);
create index runs_by_function on runs (environment, function_id, id);
create index runs_by_event on runs (event_id);
create index runs_unfinished on runs (environment, status, id) where status <> 'completed';

create table functions (
    environment    text not null,
    id             text collate "C" not null,
    name           text not null,
    status         text not null,
    version        bigint not null,
    preferred_mode text not null,
    created_at     bigint not null,
    updated_at     bigint not null,
    position       bigint not null,
    primary key (environment, id)
);
