-- Leases of breakpoints: not history, what they hold is. One that is over is deleted by whoever sees it first.
create table breakpoints (
    id          text collate "C" primary key,
    environment text collate "C" not null,
    run_id      text collate "C" not null,             -- '' for all runs of a function
    function_id text collate "C" not null,
    step        text collate "C" not null,             -- a glob over names of steps
    place       text collate "C" not null,             -- before or after
    condition   text collate "C" not null,             -- CEL, or ''
    owner       text collate "C" not null,
    created_at  bigint not null,
    expires_at  bigint not null
);
