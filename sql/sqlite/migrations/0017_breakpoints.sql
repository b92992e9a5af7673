-- Leases of breakpoints: not history, what they hold is. One that is over is deleted by whoever sees it first.
create table breakpoints (
    id          text primary key,
    environment text not null,
    run_id      text not null,             -- '' for all runs of a function
    function_id text not null,
    step        text not null,             -- a glob over names of steps
    place       text not null,             -- before or after
    condition   text not null,             -- CEL, or ''
    owner       text not null,
    created_at  integer not null,
    expires_at  integer not null
) strict, without rowid;
