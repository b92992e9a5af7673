-- Key-values, configuration documents and secrets. Derived from history: buckets, kv, configs, secrets.

create table buckets (
    environment     text not null,
    name            text not null,
    generation      integer not null,          -- which bucket of that name: deleted and made again, it counts on
    description     text not null,
    ttl_s           integer not null,          -- 0: keys stay
    history         integer not null,          -- revisions that a key's history shows unless asked for more
    value_bytes_max integer not null,
    bytes_max       integer not null,          -- 0: no limit
    created_at      integer not null,
    position        integer not null,
    primary key (environment, name)
) strict, without rowid;

-- Keys that have a value; the value is in history, at `position`. A row counts while its bucket is of its generation.
create table kv (
    environment text not null,
    bucket      text not null,
    key         text not null,
    generation  integer not null,
    revision    integer not null,
    bytes       integer not null,
    expires_at  integer,
    recorded_at integer not null,
    position    integer not null,
    primary key (environment, bucket, key)
) strict, without rowid;
create index kv_expiring on kv (expires_at) where expires_at is not null;

create table configs (
    environment text not null,
    name        text not null,
    revision    integer not null,
    bytes       integer not null,
    updated_at  integer not null,
    position    integer not null,
    primary key (environment, name)
) strict, without rowid;

create table secrets (
    environment text not null,
    name        text not null,
    revision    integer not null,
    value_id    text not null,                -- which row of secret_values
    description text not null,
    created_at  integer not null,
    updated_at  integer not null,
    position    integer not null,
    primary key (environment, name)
) strict, without rowid;

-- Not history, and not derived: encrypted values of secrets, and the keys that encrypt them, wrapped by the master key.

create table secret_values (
    id          text primary key,
    environment text not null,
    name        text not null,
    revision    integer not null,
    nonce       blob not null,
    ciphertext  blob not null
) strict, without rowid;

create table data_keys (
    environment text primary key,
    master_id   text not null,                -- which master key wraps it
    nonce       blob not null,
    wrapped     blob not null,
    created_at  integer not null
) strict, without rowid;
