-- The tables that SQL projections have, which lie beside the store's own: what is here and of no generation is dropped.
create table projection_tables (
    environment text collate "C" not null,
    name        text collate "C" not null,
    generation  bigint not null,
    primary key (environment, name, generation)
);
