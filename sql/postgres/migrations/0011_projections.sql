-- Projections: what they are is derived from history. Their cursors, leases, states and snapshots are not: a state is
-- the fold of events up to its cursor, and both are one write.
create table projections (
    environment text collate "C" not null,
    name        text collate "C" not null,
    mode        text not null,            -- managed, external or declared
    status      text not null,            -- active, paused, error or deleted
    state       text not null,            -- all there is to know, as JSON
    created_at  bigint not null,
    updated_at  bigint not null,
    position    bigint not null,           -- of the last entry
    primary key (environment, name)
);

create table projection_cursors (
    environment   text collate "C" not null,
    name          text collate "C" not null,
    generation    bigint not null,
    position      bigint not null,         -- every event up to here is in the state
    last_event_id text not null,
    updated_at    bigint not null,
    lease_token   text not null,          -- of the runner that may write, or ''
    lease_epoch   bigint not null,         -- one more with each lease
    lease_until   bigint not null,
    primary key (environment, name, generation)
);

create table projection_states (
    environment   text collate "C" not null,
    name          text collate "C" not null,
    generation    bigint not null,
    partition_key text collate "C" not null,
    state         text not null,          -- JSON
    version       bigint not null,         -- how often it was saved
    last_event_id text not null,
    last_event_at bigint not null,
    position      bigint not null,         -- of the last event in it
    updated_at    bigint not null,
    primary key (environment, name, generation, partition_key)
);

create table projection_snapshots (
    environment   text collate "C" not null,
    name          text collate "C" not null,
    generation    bigint not null,
    partition_key text collate "C" not null,
    position      bigint not null,
    state         text not null,
    last_event_id text not null,
    last_event_at bigint not null,
    primary key (environment, name, generation, partition_key, position)
);
