-- Projections: what they are is derived from history. Their cursors, leases, states and snapshots are not: a state is
-- the fold of events up to its cursor, and both are one write.
create table projections (
    environment text not null,
    name        text not null,
    mode        text not null,            -- managed, external or declared
    status      text not null,            -- active, paused, error or deleted
    state       text not null,            -- all there is to know, as JSON
    created_at  integer not null,
    updated_at  integer not null,
    position    integer not null,           -- of the last entry
    primary key (environment, name)
) strict, without rowid;

create table projection_cursors (
    environment   text not null,
    name          text not null,
    generation    integer not null,
    position      integer not null,         -- every event up to here is in the state
    last_event_id text not null,
    updated_at    integer not null,
    lease_token   text not null,          -- of the runner that may write, or ''
    lease_epoch   integer not null,         -- one more with each lease
    lease_until   integer not null,
    primary key (environment, name, generation)
) strict, without rowid;

create table projection_states (
    environment   text not null,
    name          text not null,
    generation    integer not null,
    partition_key text not null,
    state         text not null,          -- JSON
    version       integer not null,         -- how often it was saved
    last_event_id text not null,
    last_event_at integer not null,
    position      integer not null,         -- of the last event in it
    updated_at    integer not null,
    primary key (environment, name, generation, partition_key)
) strict, without rowid;

create table projection_snapshots (
    environment   text not null,
    name          text not null,
    generation    integer not null,
    partition_key text not null,
    position      integer not null,
    state         text not null,
    last_event_id text not null,
    last_event_at integer not null,
    primary key (environment, name, generation, partition_key, position)
) strict, without rowid;
