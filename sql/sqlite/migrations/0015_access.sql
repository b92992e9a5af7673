-- Keys, users, sessions, roles, organizations, projects and environments, derived from history: small registers, which
-- each node has in memory.
create table identities (
    org         text not null,    -- whose it is: the namespace of its entries
    noun        text not null,
    id          text not null,
    content     text not null,            -- JSON: all that it is
    created_at  integer not null,
    updated_at  integer not null,
    position    integer not null,
    primary key (org, noun, id)
) strict, without rowid;

-- What passwords are checked against (scrypt); not history, so that what is destroyed is gone.
create table passwords (
    user_id     text not null primary key,
    hash        text not null,
    set_at      integer not null
) strict, without rowid;

-- When each key was last used, as far as it was written down; not history.
create table key_uses (
    key_id      text not null primary key,
    used_at     integer not null
) strict, without rowid;
