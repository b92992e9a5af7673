-- Consumer groups, and what they could not deliver; derived from history.
create table groups (
    environment text collate "C" not null,
    name        text collate "C" not null,
    status      text not null,            -- active, paused or deleted
    settings    text not null,            -- JSON
    generation  bigint not null,         -- counts creations and resets
    start       bigint not null,         -- it gets what is recorded after this position
    anchor      bigint not null,         -- position of the entry that began the generation
    born        bigint not null,         -- position of the entry that created it
    created_at  bigint not null,
    updated_at  bigint not null,
    position    bigint not null,
    primary key (environment, name)
);

create table dead_letters (
    environment text collate "C" not null,
    group_name  text collate "C" not null,
    entry       bigint not null,         -- position of what could not be delivered
    fed         bigint not null,
    event_id    text not null,
    topic       text not null,
    deliveries  bigint not null,
    cause       text not null,
    reason      text not null,
    dead_at     bigint not null,
    position    bigint not null,
    primary key (environment, group_name, entry)
);

-- How far each group has come; not history.
create table group_positions (
    environment text collate "C" not null,
    name        text collate "C" not null,
    generation  bigint not null,
    position    bigint not null,         -- everything up to it is settled
    primary key (environment, name)
);
