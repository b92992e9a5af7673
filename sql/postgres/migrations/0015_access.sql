-- Keys, users, sessions, roles, organizations, projects and environments, derived from history: small registers, which
-- each node has in memory.
create table identities (
    org         text collate "C" not null,    -- whose it is: the namespace of its entries
    noun        text collate "C" not null,
    id          text collate "C" not null,
    content     text not null,            -- JSON: all that it is
    created_at  bigint not null,
    updated_at  bigint not null,
    position    bigint not null,
    primary key (org, noun, id)
);

-- What passwords are checked against (scrypt); not history, so that what is destroyed is gone.
create table passwords (
    user_id     text collate "C" not null primary key,
    hash        text not null,
    set_at      bigint not null
);

-- When each key was last used, as far as it was written down; not history.
create table key_uses (
    key_id      text collate "C" not null primary key,
    used_at     bigint not null
);
