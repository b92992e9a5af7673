"""A user's query sees the documented views of its environment, and the database itself refuses everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pytest

from app import resources
from app.events.emit import NewEvent
from app.history.sql import VIEWS
from app.node import Node
from storage import history, open_storage
from storage.contract import QueryLimits, QueryRefused, QueryTimeout, QueryUnavailable, Storage, Table

LIMITS = QueryLimits(timeout_s=20, rows_max=100, bytes_max=2**20)


async def ask(storage: Storage, sql: str, **params: Any) -> Table:
    return await storage.query("default", sql, params, LIMITS)


async def emit(node: Node, name: str, data: bytes = b"{}", environment: str = "default") -> None:
    await node.emitter.emit(NewEvent(environment=environment, name=name, data=data))


async def test_a_query_answers_columns_and_rows_of_its_environment(node: Node) -> None:
    await emit(node, "order.placed", b'{"total": 7}')
    await emit(node, "order.hidden", environment="other")

    table = await ask(node.storage, "select name, data->>'total' as total, version from events order by position")

    assert table == Table(["name", "total", "version"], [("order.placed", table.rows[0][1], 1)], False)
    assert str(table.rows[0][1]) == "7"


async def test_a_query_without_rows_has_columns(storage: Storage) -> None:
    assert await ask(storage, "select id, status from runs") == Table(["id", "status"], [], False)


async def test_parameters_are_values_whatever_they_say(storage: Storage) -> None:
    for value in (7, "it's", 1.5, None, "'; drop table history; --"):
        table = await ask(storage, "select :value as given -- and :nothing", value=value)
        assert table.rows == [(value,)]


async def test_a_missing_parameter_is_told(storage: Storage) -> None:
    with pytest.raises(QueryRefused, match="absent"):
        await ask(storage, "select :absent")


async def test_rows_beyond_the_limit_are_left_out_and_that_is_told(node: Node) -> None:
    for _ in range(3):
        await emit(node, "tick")

    table = await node.storage.query("default", "select position from events", {}, LIMITS._replace(rows_max=2))

    assert (len(table.rows), table.truncated) == (2, True)


async def test_an_answer_that_is_too_large_is_refused(node: Node) -> None:
    for _ in range(3):
        await emit(node, "tick", b'"' + b"x" * 1000 + b'"')

    with pytest.raises(QueryRefused, match="MiB"):
        await node.storage.query("default", "select data from events", {}, LIMITS._replace(bytes_max=2_000))


WRITES = (
    "insert into history (position) values (99)",
    "update runs set status = 'failed'",
    "delete from history",
    "delete from history returning position",
    "with gone as (delete from events returning *) select * from gone",
    "create table mine (x integer)",
    "create view mine as select 1",
    "drop view sql_runs",
    "drop table history",
    "alter table runs add column x text",
)
SEVERAL = (
    "select 1; select 2",
    "select 1; delete from history",
    "select 1 /* ; */ ; -- and\n drop table history",
    "select 1) as x; drop table history; select * from (select 2",
)
NOT_QUERIES = ("", "   ", "-- nothing", "begin", "commit", "rollback", "savepoint x", "vacuum", "analyze")
SECRET = (
    "select * from secret_values",
    "select count(*) from secret_values",
    "select ciphertext from public.secret_values",
    "select ciphertext from main.secret_values",
    "select * from data_keys",
    "select wrapped from public.data_keys",
    "select * from schema_migrations",
    "select * from cursors",
    "select * from snapshots",
    "with runs as (select * from secret_values) select * from runs",
    "with sql_runs as (select * from data_keys) select * from sql_runs",
    "select (select group_concat(wrapped) from data_keys) from runs",
    "select * from runs where exists (select 1 from secret_values)",
    "select 1 union all select count(*) from data_keys",
)
ON_SQLITE = (
    "pragma table_info(history)",
    "pragma writable_schema = on",
    "select * from pragma_table_info('history')",
    "select * from pragma_database_list",
    "attach '/tmp/other.db' as other",
    "detach temp",
    "select load_extension('/tmp/evil.so')",
    "select fts3_tokenizer('simple')",
    "select sqlite_version()",
    "select * from sqlite_schema",
    "select * from sqlite_temp_schema",
    "select sql from temp.sqlite_master",
    "select * from sqlite_master",
    "explain select * from runs",
    "explain query plan select * from runs",
    "vacuum into '/tmp/copy.db'",
    "reindex",
    "select * from dbstat",
    "select randomblob(10)",
    "select replace(hex(zeroblob(8000000)), '0', 'xxxxxxxx')",
)
ON_POSTGRES = (
    "set role postgres",
    "reset role",
    "set session authorization default",
    "set ironflow.environment = 'other'",
    "select set_config('role', 'postgres', false)",
    "select set_config('role', 'none', true), query_to_xml('select * from public.secret_values', true, true, '')",
    "do $$ begin set local role postgres; raise exception 'out'; end $$",
    "call nothing()",
    "copy (select 1) to program 'id'",
    "copy history to '/tmp/history'",
    "create extension dblink",
    "create temp table mine (x integer)",
    "select * into mine from runs",
    "select * from runs for update",
    "lock table public.history",
    "listen ironflow_history",
    "notify ironflow_history, '7'",
    "select 1 where pg_notify('ironflow_history', '7') is null",
    "select 1 where pg_sleep(1) is null",
    "select 1 where pg_sleep_for('1 second') is null",
    "select 1 where pg_advisory_lock(7366001) is null",
    "select pg_try_advisory_lock(7366001)",
    "select 1 where pg_advisory_xact_lock(7366001) is null",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('/etc/passwd')",
    "select * from pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "select lo_from_bytea(0, 'x')",
    "select pg_terminate_backend(1)",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select * from pg_largeobject",
    "select * from pg_statistic",
    "select * from public.history",
    "select * from public.sql_runs",
    "select * from ironflow_sql.caller",
    "insert into ironflow_sql.caller values ('other')",
    "select * from ironflow_sql.run('select 1', '{}', 1, 1) as t(x integer), public.history",
    "prepare p as select 1",
    "declare c cursor for select 1",
    "security label on role postgres is 'x'",
    "alter role ironflow_sql superuser",
    "grant postgres to ironflow_sql",
)


async def answered(storage: Storage, queries: Sequence[str]) -> list[str]:
    """Those that were not refused."""
    found = []
    for sql in queries:
        try:
            await ask(storage, sql)
        except QueryRefused:
            continue
        found.append(sql)
    return found


async def test_what_is_no_query_of_the_views_is_refused(node: Node) -> None:
    await emit(node, "before")
    head = node.tail.head

    assert await answered(node.storage, WRITES + SEVERAL + NOT_QUERIES + SECRET) == []
    assert (await ask(node.storage, "select max(position) from history")).rows == [(head,)]


async def test_the_database_is_asked_nothing_about_itself_and_lets_nobody_out(storage: Storage) -> None:
    assert await answered(storage, ON_SQLITE if storage.dialect == "sqlite" else ON_POSTGRES) == []


async def test_nobody_can_hold_the_lock_that_writers_wait_for(node: Node) -> None:
    if node.storage.dialect == "postgres":
        for function in ("pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_lock_shared"):
            with pytest.raises(QueryRefused, match="permission denied for function"):
                await ask(node.storage, f"select 1 where {function}(7366001) is null")
    with pytest.raises(QueryRefused, match=r"permission denied|no such function"):
        await ask(node.storage, "select pg_try_advisory_lock(7366001)")

    await emit(node, "after")


PEEKS = (
    "select name from events",
    "select name from sql_events",
    "with runs as (select * from sql_history) select stream from runs",
    "with sql_events as (select * from events) select name from sql_events",
    "select h.stream from history h where environment = 'other' or 1 = 1",
    "select environment from sql_history",
    "select name from temp.events",
    "select name from main.events",
    "select name from ironflow_sql.events",
    "select count(*) from events having count(*) > 0",
    "select count(*) from main.history having count(*) > 0",
    "select name from events where cast(data->>'pin' as integer) > 0",
)


async def test_other_environments_are_out_of_sight(node: Node) -> None:
    await emit(node, "order.hidden", b'{"pin": "sesame"}', environment="other")

    told = [await told_by(node.storage, sql) for sql in PEEKS]

    assert [(sql, found) for sql, found in zip(PEEKS, told, strict=True) if found and "sesame" in found] == []
    assert [sql for sql, found in zip(PEEKS, told, strict=True) if found and found.startswith("rows")] == []


async def told_by(storage: Storage, sql: str) -> str:
    """The rows of the answer, or why there is none."""
    try:
        rows = (await ask(storage, sql)).rows
    except QueryRefused as refused:
        return str(refused)
    return f"rows {rows}" if rows else ""


BOMBS = (
    "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n",
    "with recursive n(x) as (select 1 union all select x + 1 from n where x < 9999) select count(*) from n a, n b, n c",
)


async def test_a_query_that_takes_too_long_is_stopped(storage: Storage) -> None:
    for bomb in BOMBS:
        with pytest.raises(QueryTimeout):
            await storage.query("default", bomb, {}, LIMITS._replace(timeout_s=0.2))


async def test_a_query_that_piles_up_rows_is_stopped(storage: Storage) -> None:
    pile = "with recursive n(x) as (select 1 union select x + 1 from n) select max(x) from n"

    with pytest.raises((QueryRefused, QueryTimeout)):
        await storage.query("default", pile, {}, LIMITS._replace(timeout_s=1))


async def test_writing_goes_on_beside_a_long_query(node: Node) -> None:
    await ask(node.storage, "select 1")
    long = asyncio.create_task(node.storage.query("default", BOMBS[0], {}, LIMITS._replace(timeout_s=1)))

    await emit(node, "meanwhile")

    assert not long.done()
    with pytest.raises(QueryTimeout):
        await long


async def test_both_stores_show_the_documented_columns(storage: Storage) -> None:
    seen: Mapping[str, list[str]] = {
        name: list((await ask(storage, f"select * from {name}")).columns) for name in VIEWS
    }

    assert seen == {name: list(view.columns) for name, view in VIEWS.items()}


async def test_a_database_user_who_may_not_prepare_is_told_who_may(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url, autocommit=True) as superuser:
        superuser.execute("drop role if exists plain")
        superuser.execute("create role plain login")
        superuser.execute("grant create on schema public to plain")
        storage = await open_storage(empty_postgres_url.replace("//postgres@", "//plain@"), resources.sql_folder())
        await storage.migrate()

        with pytest.raises(QueryUnavailable, match="may not prepare"):
            await ask(storage, "select 1")
        superuser.execute((resources.sql_folder() / "postgres" / "sandbox.sql").read_bytes())
        table = await ask(storage, "select count(*) from runs")
        with pytest.raises(QueryRefused, match="denied"):
            await ask(storage, "select pg_try_advisory_lock(1)")
        await storage.write(lambda tx: history.lock(tx))

        assert table.rows == [(0,)]
        await storage.close()
