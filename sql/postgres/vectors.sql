-- What pgvector needs to find near failures: the type, and the stored bytes of failure_vectors as it. It is run when the
-- first failure is derived, for pgvector is not in every Postgres; each statement can be run again.
create extension if not exists vector;

-- One signed byte a dimension, as the follower of failures writes them. A loop, for its plan is kept from one statement to
-- the next: a query in SQL takes twice as long for each vector.
create or replace function ironflow_embedding(bytes bytea) returns vector
language plpgsql immutable strict parallel safe
as $$
declare
    numbers real[] := array_fill(0::real, array[length(bytes)]);
begin
    for n in 1 .. length(bytes) loop
        numbers[n] := (get_byte(bytes, n - 1) + 128) % 256 - 128;
    end loop;
    return numbers::vector;
end
$$;

alter table failure_vectors
  add column if not exists embedding vector(DIMENSIONS) generated always as (ironflow_embedding(vector)) stored;
