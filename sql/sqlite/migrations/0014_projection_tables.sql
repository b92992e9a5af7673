-- The tables that SQL projections have, which lie beside the store's own: what is here and of no generation is dropped.
create table projection_tables (
    environment text not null,
    name        text not null,
    generation  integer not null,
    primary key (environment, name, generation)
) strict, without rowid;
