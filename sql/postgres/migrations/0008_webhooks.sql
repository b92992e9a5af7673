-- Sources of webhooks and what they delivered, derived from history.
create table webhook_sources (
    environment        text collate "C" not null,
    id                 text collate "C" not null,
    name               text collate "C" not null,
    source_type        text not null,
    event_prefix       text not null,
    status             text not null,            -- active or paused
    descriptor         text not null,            -- how deliveries are signed and named: JSON
    schema_version     bigint  not null,
    metadata           text not null,            -- JSON
    token_hash         text not null,            -- SHA-256 of the token in its URL
    token_prefix       text not null,
    secret_id          text not null,            -- which row of secret_values; '' for none
    secret_revision    bigint  not null,
    previous_secret_id text not null,
    previous_until     bigint  not null,         -- when the secret before stops counting
    created_at         bigint  not null,
    updated_at         bigint  not null,
    position           bigint  not null,
    primary key (environment, id)
);
create unique index webhook_sources_token on webhook_sources (token_hash);

-- What a delivery came with is in history: the first entry of its stream.
create table webhook_deliveries (
    environment   text collate "C" not null,
    id            text collate "C" not null,
    source_id     text not null,
    external_id   text not null,                 -- the sender's id of it; '' if it has none
    status        text not null,                 -- accepted, held, failed or rejected
    signature_key text not null,                 -- current, prev, none or invalid
    event_id      text not null,
    event_name    text not null,
    code          text not null,
    error         text not null,
    body_bytes    bigint  not null,
    replays       bigint  not null,
    received_at   bigint  not null,
    updated_at    bigint  not null,
    begun_at      bigint  not null,              -- position of its first entry
    position      bigint  not null,
    primary key (environment, id)
);
create index webhook_deliveries_newest on webhook_deliveries (environment, begun_at);
create index webhook_deliveries_of on webhook_deliveries (environment, source_id, begun_at);
