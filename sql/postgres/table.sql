-- A place for the table of one SQL projection: a schema, and a role of the same name that can reach nothing else. What a
-- user's statements do is done by functions of that role which are security definers, for the same reasons as in
-- sandbox.sql. The table itself is made by the role, which may then make nothing more. {place} is the name.

do $$ begin
    create role {place} nologin noinherit;
exception
    when duplicate_object or unique_violation then null;  -- of a database that is no more
end $$;
grant {place} to current_user;
create schema {place};
grant usage, create on schema {place} to {place};

-- One statement that writes, or makes the table; that it is one, and which, was looked at when it was registered.
create function {place}.write(statement text, params jsonb)
returns void language plpgsql security definer set search_path = {place}, pg_catalog, pg_temp as $$
begin
    execute statement using params;
end $$;

create function {place}.run(query text, params jsonb, rows_max integer, bytes_max bigint)
returns setof record language plpgsql security definer set search_path = {place}, pg_catalog, pg_temp as $$
declare
    answer refcursor;
    row record;
    bytes bigint := 0;
begin
    open answer no scroll for execute query using params;
    for i in 1..rows_max loop
        fetch answer into row;
        exit when not found;
        bytes := bytes + octet_length(row::text);
        if bytes > bytes_max then
            raise exception using errcode = 'program_limit_exceeded',
                message = format('the answer has more than %s MiB', bytes_max / 1048576);
        end if;
        return next row;
    end loop;
    close answer;
end $$;

revoke all on all functions in schema {place} from public;
grant execute on all functions in schema {place} to current_user;
alter function {place}.write(text, jsonb) owner to {place};
alter function {place}.run(text, jsonb, integer, bigint) owner to {place};
