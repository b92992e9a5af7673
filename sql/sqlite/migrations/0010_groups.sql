-- Consumer groups, and what they could not deliver; derived from history.
create table groups (
    environment text not null,
    name        text not null,
    status      text not null,            -- active, paused or deleted
    settings    text not null,            -- JSON
    generation  integer not null,         -- counts creations and resets
    start       integer not null,         -- it gets what is recorded after this position
    anchor      integer not null,         -- position of the entry that began the generation
    born        integer not null,         -- position of the entry that created it
    created_at  integer not null,
    updated_at  integer not null,
    position    integer not null,
    primary key (environment, name)
) strict, without rowid;

create table dead_letters (
    environment text not null,
    group_name  text not null,
    entry       integer not null,         -- position of what could not be delivered
    fed         integer not null,
    event_id    text not null,
    topic       text not null,
    deliveries  integer not null,
    cause       text not null,
    reason      text not null,
    dead_at     integer not null,
    position    integer not null,
    primary key (environment, group_name, entry)
) strict, without rowid;

-- How far each group has come; not history.
create table group_positions (
    environment text not null,
    name        text not null,
    generation  integer not null,
    position    integer not null,         -- everything up to it is settled
    primary key (environment, name)
) strict, without rowid;
