-- Filters that people keep, by the page that they are of: how something is looked at is not history.
create table views (
    environment text collate "C" not null,
    page        text collate "C" not null,             -- such as runs
    owner       text collate "C" not null,
    name        text collate "C" not null,
    filter      text collate "C" not null,             -- as the page's address has it
    shared      integer not null,                      -- 1: everybody in the environment sees it
    saved_at    bigint not null,
    primary key (environment, page, owner, name)
);
