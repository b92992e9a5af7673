-- The nodes that serve this store, and whether each still does; not history.
create table nodes (
    id         text primary key,
    address    text not null,            -- where its HTTP face is reached
    shared_bus bigint not null,            -- 0: it has a NATS server of its own
    version    text not null,
    started_at bigint not null,
    beat       bigint not null            -- goes up while it lives
);
