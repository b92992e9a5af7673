-- Sources of webhooks and what they delivered, derived from history.
create table webhook_sources (
    environment        text not null,
    id                 text not null,
    name               text not null,
    source_type        text not null,
    event_prefix       text not null,
    status             text not null,            -- active or paused
    descriptor         text not null,            -- how deliveries are signed and named: JSON
    schema_version     integer not null,
    metadata           text not null,            -- JSON
    token_hash         text not null,            -- SHA-256 of the token in its URL
    token_prefix       text not null,
    secret_id          text not null,            -- which row of secret_values; '' for none
    secret_revision    integer not null,
    previous_secret_id text not null,
    previous_until     integer not null,         -- when the secret before stops counting
    created_at         integer not null,
    updated_at         integer not null,
    position           integer not null,
    primary key (environment, id)
) strict, without rowid;
create unique index webhook_sources_token on webhook_sources (token_hash);

-- What a delivery came with is in history: the first entry of its stream.
create table webhook_deliveries (
    environment   text not null,
    id            text not null,
    source_id     text not null,
    external_id   text not null,                 -- the sender's id of it; '' if it has none
    status        text not null,                 -- accepted, held, failed or rejected
    signature_key text not null,                 -- current, prev, none or invalid
    event_id      text not null,
    event_name    text not null,
    code          text not null,
    error         text not null,
    body_bytes    integer not null,
    replays       integer not null,
    received_at   integer not null,
    updated_at    integer not null,
    begun_at      integer not null,              -- position of its first entry
    position      integer not null,
    primary key (environment, id)
) strict, without rowid;
create index webhook_deliveries_newest on webhook_deliveries (environment, begun_at);
create index webhook_deliveries_of on webhook_deliveries (environment, source_id, begun_at);
