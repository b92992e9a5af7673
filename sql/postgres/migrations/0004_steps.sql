-- What every step kind needs: child runs, waits that are watched, topic messages, and how far the waits were looked at.

alter table runs add column parent_run_id text not null default '';
alter table runs add column parent_step_id text not null default '';
alter table runs add column detached integer not null default 0;         -- 1: it outlives its parent
alter table runs add column watched integer not null default 0;          -- events, child runs, ends of unwinding it waits for
alter table runs add column pause_requested integer not null default 0;
create index runs_watched on runs (id) where watched > 0;
create index runs_by_parent on runs (parent_run_id, id) where parent_run_id <> '';
create index runs_attached on runs (id)
    where parent_run_id <> '' and detached = 0 and status in ('running', 'waiting', 'waiting_for_capacity', 'paused');

create table messages (
    position        bigint primary key,
    id              text not null,
    environment     text not null,
    topic           text not null,
    idempotency_key text not null,
    run_id          text not null,            -- the run that published it, or ''
    recorded_at     bigint not null
);
create index messages_by_topic on messages (environment, topic, position);

-- Not derived and not history: where a follower of it goes on. Losing a row costs time, nothing else.
create table cursors (
    name     text primary key,
    position bigint not null
);
