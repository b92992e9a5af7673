-- Policies, derived from history.
create table policies (
    environment text not null,
    id          text not null,
    name        text not null,
    status      text not null,            -- active, disabled or deleted
    definition  text not null,            -- JSON
    version     integer not null,
    created_at  integer not null,
    updated_at  integer not null,
    updated_by  text not null,
    position    integer not null,
    primary key (environment, id)
) strict, without rowid;

-- What the audit records, once an environment.
create table audit_settings (
    environment text primary key,
    settings    text not null,            -- JSON
    updated_at  integer not null,
    position    integer not null
) strict, without rowid;
