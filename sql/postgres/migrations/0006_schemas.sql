-- Schemas of events, derived from history.
create table schemas (
    environment text collate "C" not null,
    event_name  text collate "C" not null,
    version     bigint not null,
    schema      text not null,            -- JSON Schema, as it came
    description text not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    deleted_at  bigint,
    position    bigint not null,
    primary key (environment, event_name, version)
);

create table enforcement (
    environment text collate "C" primary key,
    mode        text not null,            -- off, warn or reject
    updated_at  bigint not null,
    position    bigint not null
);
