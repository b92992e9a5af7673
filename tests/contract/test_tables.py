"""Tables of SQL projections, by the contract of storage/tables.py: in step with events, and confined to themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app import resources
from storage import open_storage
from storage.contract import QueryLimits, QueryRefused, QueryTimeout, Storage
from storage.projections import Key
from storage.tables import Design, Statement, TableMissing, Tables, design

KEY, OTHER = Key("default", "totals", 1), Key("other", "totals", 1)
DESIGN = design("create table proj_totals (customer text primary key, total integer not null check (total < 100))")
ADD = (
    "insert into proj_totals (customer, total) values (:customer, :total)"
    " on conflict (customer) do update set total = proj_totals.total + excluded.total"
)
LIMITS = QueryLimits(5.0, 100, 1_000_000)


@pytest.fixture
async def tables(storage: Storage) -> AsyncIterator[Tables]:
    """With a table of DESIGN at KEY."""
    await storage.tables.ensure(KEY, DESIGN, after=0)
    yield storage.tables
    for key in (KEY, OTHER):
        await storage.tables.drop(key)


def add(position: int, customer: str, total: int) -> Statement:
    return Statement(position, ADD, {"customer": customer, "total": total})


async def rows(tables: Tables, text: str = "select * from proj_totals order by 1", key: Key = KEY) -> list[Any]:
    return list((await tables.ask(key, DESIGN, text, {}, LIMITS)).rows)


async def test_statements_are_in_the_table_once_whoever_sends_them_again(tables: Tables) -> None:
    first = [add(3, "ann", 1), add(5, "bob", 2)]
    assert await tables.write(KEY, first, through=6) == (6, 0, "")

    assert await tables.write(KEY, [*first, add(7, "ann", 10)], through=7) == (7, 0, "")

    assert await rows(tables) == [("ann", 11), ("bob", 2)]
    assert await tables.ensure(KEY, DESIGN, after=0) == 7


async def test_a_statement_that_fails_leaves_what_came_before_it(tables: Tables) -> None:
    written = await tables.write(KEY, [add(3, "ann", 1), add(5, "bob", 100), add(7, "ann", 1)], through=9)

    assert (written.position, written.failed) == (4, 5)
    assert "check" in written.error.lower()
    assert await rows(tables) == [("ann", 1)]
    assert await tables.write(KEY, [add(7, "ann", 1)], through=9) == (9, 0, "")
    assert await rows(tables) == [("ann", 2)]


async def test_a_table_outlives_the_store_being_closed(location: str, storage: Storage, tables: Tables) -> None:
    await tables.write(KEY, [add(3, "ann", 1)], through=3)

    other = await open_storage(location, resources.sql_folder())

    assert await other.tables.ensure(KEY, DESIGN, after=0) == 3
    assert await rows(other.tables) == [("ann", 1)]
    await other.close()


async def test_tables_of_the_same_name_are_apart(tables: Tables) -> None:
    await tables.ensure(OTHER, DESIGN, after=40)
    await tables.write(OTHER, [add(41, "eve", 1)], through=41)

    assert (await rows(tables), await rows(tables, key=OTHER)) == ([], [("eve", 1)])
    await tables.drop(OTHER)
    await tables.drop(OTHER)
    with pytest.raises(TableMissing):
        await rows(tables, key=OTHER)
    with pytest.raises(TableMissing):
        await tables.write(OTHER, [], through=1)


BEYOND = [
    "insert into proj_totals select 'x', count(*) from history",
    "insert into proj_totals select data, 1 from events",
    "insert into history (position) values (1)",
    "delete from runs",
    "update projections set name = 'x'",
    "delete from schema_migrations",
    "update ironflow_reached set position = 0",
    "update reached set position = 0",
    "with history as (select 1) delete from schema_migrations",
    "with proj_totals as (select * from secret_values) insert into proj_totals select * from proj_totals",
    "insert into proj_totals select name, 1 from sqlite_schema",
    "insert into proj_totals select rolname, 1 from pg_authid",
    "insert into proj_totals values (pg_read_file('/etc/passwd'), 1)",
    "insert into proj_totals values (load_extension('x'), 1)",
    "insert into proj_totals values (set_config('role', 'postgres', false), 1)",
    "insert into proj_totals select 'x', 1 from (select pg_notify('ironflow', 'x')) as told",
    "insert into proj_totals select 'x', 1 from (select pg_advisory_lock(1)) as held",
    "insert into proj_totals values ('x', 1); drop table proj_totals",
    "drop table proj_totals",
    "alter table proj_totals add column more text",
    "attach 'other.db' as other",
    "pragma journal_mode = delete",
    "commit",
    "notify ironflow, 'x'",
    "/* /* */ insert into proj_totals values ('x', 1) /* */ */ notify ironflow",
    "do $$ begin notify ironflow; end $$",
    "set role postgres",
    "create table proj_more (id text)",
    "select * from proj_totals",
    "truncate history",
    "",
]


@pytest.mark.parametrize("text", BEYOND)
async def test_a_statement_that_reaches_beyond_its_table_is_refused(
    tables: Tables, storage: Storage, text: str
) -> None:
    """When it is registered, or at the latest when it is run."""
    before = await _counts(storage)

    try:
        await tables.check(DESIGN, [(text, ())])
    except QueryRefused:
        refused = True
    else:
        refused = (await tables.write(KEY, [Statement(3, text, {})], through=3)).failed == 3

    assert refused
    assert await rows(tables) == []
    assert await _counts(storage) == before


async def _counts(storage: Storage) -> Any:
    found = await storage.read(lambda tx: (tx.many("all_projections", environment="", name="", limit=9),))
    return found, await storage.migrate()


@pytest.mark.parametrize(
    "text",
    [
        "create table totals (id text)",
        "create table public.proj_totals (id text)",
        "create temp table proj_totals (id text)",
        "create table proj_totals as select * from history",
        "create table proj_totals (id text); create table proj_more (id text)",
        "create view proj_totals as select 1",
        "-- a comment\ncreate table proj_totals (id text)",
        "drop table history",
        "",
    ],
)
async def test_what_makes_something_else_than_a_table_is_refused(storage: Storage, text: str) -> None:
    with pytest.raises(QueryRefused):
        await storage.tables.check(design(text), [])


async def test_what_a_table_computes_has_the_rights_of_its_statements(storage: Storage) -> None:
    for column in ("x text default (load_extension('x'))", "x text default pg_read_file('/etc/passwd')"):
        made = design(f"create table proj_totals (id text, {column})")

        try:
            await storage.tables.ensure(KEY, made, after=0)
        except QueryRefused:
            continue  # it may not even be made
        insert = Statement(1, "insert into proj_totals (id) values ('a')", {})
        written = await storage.tables.write(KEY, [insert], through=1)
        await storage.tables.drop(KEY)

        assert written.failed == 1, column


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("insert into proj_totals (customer, colour) values ('x', 1)", "colour"),
        ("insert into proj_other values (1)", "proj_other"),
        ("insert into proj_totals values (", "(incomplete|syntax)"),
    ],
)
async def test_a_statement_that_makes_no_sense_is_refused_when_it_is_checked(
    storage: Storage, statement: str, error: str
) -> None:
    with pytest.raises(QueryRefused, match=error):
        await storage.tables.check(DESIGN, [(statement, ())])


@pytest.mark.parametrize(
    "text",
    [
        "select * from history",
        "select count(*) from runs",
        "select * from ironflow_reached",
        "select * from reached",
        "delete from proj_totals",
        "select * from proj_totals; select 1",
        "with gone as (delete from proj_totals returning 1) select * from gone",
    ],
)
async def test_a_query_sees_its_table_only_and_changes_nothing(tables: Tables, text: str) -> None:
    await tables.write(KEY, [add(3, "ann", 1)], through=3)

    with pytest.raises(QueryRefused):
        await rows(tables, text)

    assert await rows(tables) == [("ann", 1)]


async def test_what_never_ends_is_stopped(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) "
    with pytest.raises(QueryTimeout):
        await tables.ask(KEY, DESIGN, f"{endless} select max(i) from n", {}, QueryLimits(0.2, 10, 1_000))
    for module in ("sqlite_tables", "postgres_tables"):
        monkeypatch.setattr(f"storage.{module}.STATEMENT_TIMEOUT_S", 0.2)

    statement = Statement(3, f"{endless} insert into proj_totals select 'x', max(i) from n", {})
    written = await tables.write(KEY, [statement], through=3)

    assert (written.failed, written.error) == (3, "the query took too long")


async def test_parameters_have_the_types_of_their_values(storage: Storage) -> None:
    made = design("create table proj_kinds (n integer, x double precision, s text, b boolean, absent integer)")
    await storage.tables.ensure(KEY, made, after=0)
    insert = "insert into proj_kinds values (:n, :x, :s, :b, :absent)"
    values: dict[str, Any] = {"n": 7, "x": 1.5, "s": "it's :n", "b": True, "absent": None}

    written = await storage.tables.write(KEY, [Statement(1, insert, values)], through=1)

    assert written.failed == 0, written.error
    found = await storage.tables.ask(KEY, made, "select * from proj_kinds where s = 'it''s :n'", {}, LIMITS)
    assert [tuple(row) for row in found.rows] == [(7, 1.5, "it's :n", True, None)]
    await storage.tables.drop(KEY)


def test_the_name_of_a_table_is_read_off_its_making() -> None:
    assert design('CREATE TABLE IF NOT EXISTS "proj_Totals"(id text)') == Design(
        "proj_totals", 'CREATE TABLE IF NOT EXISTS "proj_Totals"(id text)'
    )
