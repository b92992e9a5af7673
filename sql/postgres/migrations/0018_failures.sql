-- Failures of runs: attempts that failed, grouped by what is most likely one cause, and where each lies among the others.
-- Derived from history by a follower.
create table failures (
    environment      text collate "C" not null,
    position         bigint not null,         -- of the entry that tells of it
    run_id           text collate "C" not null,
    function_id      text not null,
    function_version bigint not null,
    event_id         text not null,
    fingerprint      text collate "C" not null,
    kind             text not null,            -- run.failed, run.paused or run.retrying
    step             text not null,            -- '' if the function itself failed
    error_type       text not null,
    error_code       text not null,
    message          text not null,
    masked           text not null,
    top_frame        text not null,
    attempt          bigint not null,         -- that will be followed by another one; 0: none follows
    failed_at        bigint not null,
    primary key (environment, position)
);

create index failures_by_fingerprint on failures (environment, fingerprint, position);
create index failures_by_run on failures (environment, run_id, position);

create table failure_groups (
    environment    text collate "C" not null,
    fingerprint    text collate "C" not null,
    function_id    text not null,
    step           text not null,
    error_type     text not null,
    message        text not null,
    top_frame      text not null,
    first_position bigint not null,
    last_position  bigint not null,
    first_at       bigint not null,
    last_at        bigint not null,
    failures       bigint not null,
    primary key (environment, fingerprint)
);

create index failure_groups_by_last on failure_groups (environment, last_position);

create table failure_vectors (
    environment text collate "C" not null,
    position    bigint not null,
    embedder    text collate "C" not null,
    vector      bytea not null,           -- one signed byte a dimension
    primary key (environment, position)
);
