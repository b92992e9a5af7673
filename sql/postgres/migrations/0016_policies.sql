-- Policies, derived from history.
create table policies (
    environment text collate "C" not null,
    id          text collate "C" not null,
    name        text not null,
    status      text not null,            -- active, disabled or deleted
    definition  text not null,            -- JSON
    version     bigint not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    updated_by  text not null,
    position    bigint not null,
    primary key (environment, id)
);

-- What the audit records, once an environment.
create table audit_settings (
    environment text collate "C" primary key,
    settings    text not null,            -- JSON
    updated_at  bigint not null,
    position    bigint not null
);
