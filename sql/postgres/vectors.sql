-- What pgvector needs to find near failures: the type, and the stored bytes of failure_vectors as it. It is run when
-- failures are first searched by nearness, for pgvector is not in every Postgres; each statement can be run again.
create extension if not exists vector;

-- One signed byte a dimension, as the follower of failures writes them.
create or replace function ironflow_embedding(bytes bytea) returns vector
language sql immutable strict parallel safe
as $$
    select (array(select ((get_byte(bytes, number) + 128) % 256 - 128)::real
                    from generate_series(0, length(bytes) - 1) as number
                   order by number))::vector
$$;

alter table failure_vectors
  add column if not exists embedding vector(DIMENSIONS) generated always as (ironflow_embedding(vector)) stored;
