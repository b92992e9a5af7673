-- Entities: streams of events that users append to. An event of an entity lies in the entity's stream.
alter table events add column entity_type text not null default '';
alter table events add column entity_id text not null default '';
alter table events add column entity_version bigint not null default 0;
create index events_of_entities on events (id) where entity_type <> '';
create index events_of_runs on events (run_id, position) where run_id <> '';

create table entities (
    environment text collate "C" not null,
    type        text collate "C" not null,
    id          text collate "C" not null,
    version     bigint not null,           -- of the last entry, the tombstone included
    event_count bigint not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    deleted_at  bigint,
    position    bigint not null,           -- of the last entry
    primary key (environment, id, type)
);
create index entities_by_type on entities (environment, type, id);

-- Not derived from history: what clients keep so as not to fold a long stream again. It may be emptied at any time.
create table snapshots (
    environment text collate "C" not null,
    type        text collate "C" not null,
    id          text collate "C" not null,
    version     bigint not null,           -- of the entity that the state is as of
    snapshot_id text not null,
    state       text not null,            -- JSON, as the client sent it
    created_at  bigint not null,
    primary key (environment, id, type, version)
);
