-- Schemas of events, derived from history.
create table schemas (
    environment text not null,
    event_name  text not null,
    version     integer not null,
    schema      text not null,            -- JSON Schema, as it came
    description text not null,
    created_at  integer not null,
    updated_at  integer not null,
    deleted_at  integer,
    position    integer not null,
    primary key (environment, event_name, version)
) strict, without rowid;

create table enforcement (
    environment text primary key,
    mode        text not null,            -- off, warn or reject
    updated_at  integer not null,
    position    integer not null
) strict, without rowid;
