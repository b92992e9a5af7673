-- What a query of a user may see and do on Postgres. The server runs this by itself when its database user may: it takes
-- a superuser, or once in the life of a database that a superuser runs this file there (psql -f sandbox.sql). It may be
-- repeated at any time, in one transaction; a new release's may differ.
--
-- A query is run by the function `run`, as the role `ironflow_sql`, which owns nothing else and may read the views
-- of the schema `ironflow_sql` only. It is a security definer, so Postgres refuses any change of role within; it opens a
-- cursor, so Postgres refuses what is not one query; and it stops after so many rows and bytes.

do $$ begin
    create role ironflow_sql nologin noinherit;
exception
    when duplicate_object or unique_violation then null;
end $$;

drop schema if exists ironflow_sql cascade;
create schema ironflow_sql;

-- Always empty to everybody: the row that says for which environment a query is asked is never committed.
create unlogged table ironflow_sql.caller (environment text not null);

do $$
declare
    shown record;
    store text := (select schemaname from pg_tables where tablename = 'schema_migrations' and schemaname = any (current_schemas(false)) limit 1);
    keeper text := (select tableowner from pg_tables where tablename = 'schema_migrations' and schemaname = store);
    known record;
    forbidden text := '^(pg_(try_)?advisory_|pg_sleep|pg_notify|pg_read_|pg_ls_|pg_stat_file|pg_cancel_|pg_terminate_'
        '|pg_export_snapshot|pg_logical_emit|dblink|lo_|loread|lowrite|set_config|xpath_table'
        '|(query|cursor|table|schema|database)_to_xml)';
begin
    -- Barriers: a condition of the query is not tried on rows of other environments, which its error could tell.
    for shown in
        select v.table_name,
               (select string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position)
                  from information_schema.columns c
                 where c.table_schema = v.table_schema and c.table_name = v.table_name and c.column_name <> 'environment') as columns
          from information_schema.views v
         where v.table_schema = store and v.table_name like 'sql\_%'
    loop
        execute format(
            'create view ironflow_sql.%I with (security_barrier) as select %s from %I.%I'
            ' where environment = (select environment from ironflow_sql.caller)',
            substr(shown.table_name, 5), shown.columns, store, shown.table_name);
        execute format('alter view ironflow_sql.%I owner to %I', substr(shown.table_name, 5), keeper);
        execute format('grant select on ironflow_sql.%I to ironflow_sql', substr(shown.table_name, 5));
    end loop;
    execute format('comment on schema ironflow_sql is %L',
        format('ironflow sandbox 1 for schema %s', (select max(number) from schema_migrations)));
    execute format('alter schema ironflow_sql owner to %I', keeper);
    execute format('alter table ironflow_sql.caller owner to %I', keeper);
    if not pg_has_role(keeper, 'ironflow_sql', 'member') then
        execute format('grant ironflow_sql to %I', keeper);
    end if;

    -- Whoever may call these could hold up those who write, wait for nothing, or reach beyond the database.
    for known in select p.oid, p.oid::regprocedure as name from pg_proc p where p.proname ~ forbidden loop
        continue when not has_function_privilege('ironflow_sql', known.oid, 'execute');
        execute format('grant execute on function %s to %I', known.name, keeper);
        execute format('revoke execute on function %s from public', known.name);
        if has_function_privilege('ironflow_sql', known.oid, 'execute') then
            raise insufficient_privilege using message = format('%s can still be called', known.name);
        end if;
    end loop;
end $$;

create function ironflow_sql.run(query text, params jsonb, rows_max integer, bytes_max bigint)
returns setof record language plpgsql security definer set search_path = ironflow_sql, pg_catalog, pg_temp as $$
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

revoke all on function ironflow_sql.run(text, jsonb, integer, bigint) from public;
grant usage, create on schema ironflow_sql to ironflow_sql;
alter function ironflow_sql.run(text, jsonb, integer, bigint) owner to ironflow_sql;
revoke create on schema ironflow_sql from ironflow_sql;
