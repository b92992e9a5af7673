-- What dispatch has to know of a run beyond its function: keys, priority, what cancels it. JSON, '' if nothing.
alter table runs add column dispatch text not null default '';
create index runs_dispatched on runs (environment, function_id, started_at) where dispatch <> '';

-- Events that wait at a gate of a function (debounce, batch, on_failure) to become a run. Derived from history.
create table gates (
    environment      text not null,
    stream           text collate "C" not null,
    function_id      text not null,
    option           text not null,
    key              text not null,
    event_id         text not null,            -- the last one that came
    waiting          bigint not null,
    armed_at         bigint not null,         -- when the first one came
    fires_at         bigint not null,
    function_version bigint not null,
    position         bigint not null,         -- of the entry that last changed this row
    primary key (environment, stream)
);
