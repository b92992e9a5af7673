-- Key-values, configuration documents and secrets. Derived from history: buckets, kv, configs, secrets.

create table buckets (
    environment     text not null,
    name            text collate "C" not null,
    generation      bigint not null,          -- which bucket of that name: deleted and made again, it counts on
    description     text not null,
    ttl_s           bigint not null,          -- 0: keys stay
    history         bigint not null,          -- revisions that a key's history shows unless asked for more
    value_bytes_max bigint not null,
    bytes_max       bigint not null,          -- 0: no limit
    created_at      bigint not null,
    position        bigint not null,
    primary key (environment, name)
);

-- Keys that have a value; the value is in history, at `position`. A row counts while its bucket is of its generation.
create table kv (
    environment text not null,
    bucket      text collate "C" not null,
    key         text collate "C" not null,
    generation  bigint not null,
    revision    bigint not null,
    bytes       bigint not null,
    expires_at  bigint,
    recorded_at bigint not null,
    position    bigint not null,
    primary key (environment, bucket, key)
);
create index kv_expiring on kv (expires_at) where expires_at is not null;

create table configs (
    environment text not null,
    name        text collate "C" not null,
    revision    bigint not null,
    bytes       bigint not null,
    updated_at  bigint not null,
    position    bigint not null,
    primary key (environment, name)
);

create table secrets (
    environment text not null,
    name        text collate "C" not null,
    revision    bigint not null,
    value_id    text not null,                -- which row of secret_values
    description text not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    position    bigint not null,
    primary key (environment, name)
);

-- Not history, and not derived: encrypted values of secrets, and the keys that encrypt them, wrapped by the master key.

create table secret_values (
    id          text primary key,
    environment text not null,
    name        text not null,
    revision    bigint not null,
    nonce       bytea not null,
    ciphertext  bytea not null
);

create table data_keys (
    environment text primary key,
    master_id   text not null,                -- which master key wraps it
    nonce       bytea not null,
    wrapped     bytea not null,
    created_at  bigint not null
);
