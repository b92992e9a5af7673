-- Filters that people keep, by the page that they are of: how something is looked at is not history.
create table views (
    environment text not null,
    page        text not null,             -- such as runs
    owner       text not null,
    name        text not null,
    filter      text not null,             -- as the page's address has it
    shared      integer not null,          -- 1: everybody in the environment sees it
    saved_at    integer not null,
    primary key (environment, page, owner, name)
) strict, without rowid;
