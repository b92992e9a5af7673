"""What both stores promise (storage/contract.py)."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import apsw
import pytest

from app import resources
from storage import history, open_storage, queries, runs, sqlite
from storage.contract import (
    SchemaMissing,
    SchemaTooNew,
    Storage,
    StorageConflict,
    StorageError,
    StorageUnavailable,
    Transaction,
)
from storage.records import EntryRecord, RunRow


@pytest.fixture(scope="session")
def prepare_database() -> None:
    """Empty: migrating is tested here."""


def entry(position: int, *, stream: str = "counter/a", version: int | None = None, data: str = "{}") -> EntryRecord:
    return EntryRecord(
        position, "default", stream, version or position, "counted", data, "{}", "", "", "", 1_000 + position, b"d" * 32
    )


@pytest.mark.parametrize("count", [1, 11, 12, 123, 300])
async def test_appended_entries_come_back_unchanged_and_in_order(storage: Storage, count: int) -> None:
    entries = [entry(n, data='{"b": 1,  "a":"ü % ☃ \\u0041"}') for n in range(1, count + 1)]

    await storage.write(lambda tx: history.append(tx, entries))

    assert await storage.read(lambda tx: history.after(tx, 0)) == entries
    assert await storage.read(history.head) == (count, b"d" * 32)


async def test_a_unit_of_work_that_raises_leaves_nothing_behind(storage: Storage) -> None:
    def fail(tx: Transaction) -> None:
        history.append(tx, [entry(1)])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await storage.write(fail)

    assert await storage.read(lambda tx: history.after(tx, 0)) == []


async def test_a_version_of_a_stream_exists_once(storage: Storage) -> None:
    await storage.write(lambda tx: history.append(tx, [entry(1, version=1)]))

    with pytest.raises(StorageConflict):
        await storage.write(lambda tx: history.append(tx, [entry(2, version=1)]))

    await storage.write(lambda tx: history.append(tx, [entry(2, version=2)]))


@pytest.mark.parametrize("count", [3, 400])
async def test_rows_written_one_by_one_come_back_unchanged_however_many(storage: Storage, count: int) -> None:
    entries = [entry(n, data=f'"{"ü" * 10_000}{n}"') for n in range(1, count + 1)]  # in all more than a socket holds

    await storage.write(lambda tx: tx.each("append_entry", entries))

    assert await storage.read(lambda tx: history.after(tx, 0)) == entries


@pytest.mark.parametrize("count", [1, 123, 400])
async def test_rows_written_all_at_once_come_back_unchanged_and_take_the_place_of_older_ones(
    storage: Storage, count: int
) -> None:
    def row(number: int, **changed: Any) -> RunRow:
        told: dict[str, Any] = dict.fromkeys(RunRow._fields, 0)
        told |= {name: "" for name, kind in get_type_hints(RunRow).items() if kind is str}
        told |= {"id": f"run_{number}", "environment": "ü", "status": "running", "due_at": None, "timeout_at": None}
        return RunRow(**told | changed)

    older = [row(number, due_at=2**53 + 1, error_message=f'"{number}" \\ % :id ☃\n') for number in range(count)]
    newer = [row(0, status="completed", ended_at=5, tags='["a\\"b"]'), row(count)]

    await storage.write(lambda tx: runs.save(tx, older))
    found = await storage.read(lambda tx: [runs.get(tx, "ü", one.id) for one in older])
    await storage.write(lambda tx: runs.save(tx, newer))

    assert found == older
    assert await storage.read(lambda tx: [runs.get(tx, "ü", one.id) for one in newer]) == newer


@pytest.mark.parametrize("count", [3, 400])
async def test_one_refused_row_of_many_leaves_nothing_behind(storage: Storage, count: int) -> None:
    entries = [entry(n) for n in range(1, count + 1)]
    twice = [*entries, entry(count + 1, version=2)]

    with pytest.raises(StorageConflict):
        await storage.write(lambda tx: tx.each("append_entry", twice))
    assert await storage.read(lambda tx: history.after(tx, 0)) == []

    await storage.write(lambda tx: tx.each("append_entry", entries))
    assert await storage.read(lambda tx: history.after(tx, 0)) == entries


async def test_a_transaction_that_failed_is_not_taken_for_committed(storage: Storage) -> None:
    def swallow(tx: Transaction) -> None:
        history.append(tx, [entry(1)])
        with suppress(Exception):
            history.append(tx, [entry(2, version=1)])

    try:
        await storage.write(swallow)
        kept = [entry(1)]
    except StorageError:
        kept = []

    assert await storage.read(lambda tx: history.after(tx, 0)) == kept


@pytest.mark.parametrize("count", [1, 30])
async def test_what_a_unit_of_work_has_written_is_there_when_it_asks(storage: Storage, count: int) -> None:
    entries = [entry(n) for n in range(1, count + 1)]

    def write_and_ask(tx: Transaction) -> list[EntryRecord]:
        tx.each("append_entry", entries)
        history.append(tx, [entry(count + 1)])
        return history.after(tx, 0)

    assert await storage.write(write_and_ask) == [*entries, entry(count + 1)]


async def test_a_stream_is_read_from_a_version_and_up_to_a_position(storage: Storage) -> None:
    entries = [entry(n, stream=f"counter/{'ab'[n % 2]}", version=(n + 1) // 2) for n in range(1, 9)]
    await storage.write(lambda tx: history.append(tx, entries))

    read = await storage.read(lambda tx: history.of_stream(tx, "default", "counter/b", after_version=1, until=6))

    assert [one.position for one in read] == [3, 5]


async def test_writes_do_not_overlap_and_readers_never_see_a_gap(storage: Storage) -> None:
    def append_next(tx: Transaction) -> None:
        history.lock(tx)
        position, _ = history.head(tx)
        history.append(tx, [entry(position + 1)])

    async def watch() -> list[int]:
        seen: list[int] = []
        while len(seen) < 40:
            after = seen[-1] if seen else 0
            read = await storage.read(partial(history.after, position=after))
            seen += [one.position for one in read]
        return seen

    seen, *_ = await asyncio.gather(watch(), *(storage.write(append_next) for _ in range(40)))

    assert seen == list(range(1, 41))


async def test_migrating_twice_applies_nothing_the_second_time(storage: Storage) -> None:
    assert await storage.migrate() == []
    await storage.check_schema()


async def test_a_store_of_a_newer_release_is_refused(storage: Storage, location: str) -> None:
    await storage.write(_pretend_newer)

    other = await open_storage(location, resources.sql_folder())
    try:
        with pytest.raises(SchemaTooNew, match="schema 0999"):
            await other.migrate()
    finally:
        await other.close()


def _pretend_newer(tx: Transaction) -> None:
    tx._connection.execute("insert into schema_migrations (number, name) values (999, 'later')")  # type: ignore[attr-defined]


async def test_an_unmigrated_store_is_named_as_such(location: str) -> None:
    opened = await open_storage(location, resources.sql_folder())
    try:
        with pytest.raises(SchemaMissing):
            await opened.check_schema()
    finally:
        await opened.close()


async def test_a_read_of_one_question_is_one_statement_and_asks_no_second(storage: Storage) -> None:
    before = storage.statements.run
    assert await storage.read_once(history.head) == (0, b"")
    assert storage.statements.run - before == 1
    await storage.read(history.head)
    assert storage.statements.run - before == 1 + 3

    with pytest.raises(AssertionError, match="snapshot"):
        await storage.read_once(lambda tx: (history.head(tx), history.head(tx)))


async def test_positions_announced_by_one_node_reach_another(storage: Storage, location: str) -> None:
    if storage.dialect == "sqlite":
        pytest.skip("one process only")
    other = await open_storage(location, resources.sql_folder())
    try:
        heard = asyncio.create_task(anext(aiter(other.listen())))
        async with asyncio.timeout(10):
            while not heard.done():
                storage.announce(7)
                await asyncio.wait([heard], timeout=0.05)
        assert heard.result() == 7
    finally:
        await other.close()


async def test_a_reader_that_stays_keeps_no_commit_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log cannot be begun anew then. What was committed before that is tried has been recorded all the same."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAGES_MAX", 1)
    monkeypatch.setattr(sqlite, "CHECKPOINT_WAIT_MS", 1)
    path = tmp_path / "ironflow.db"
    storage = await open_storage(str(path), resources.sql_folder())
    await storage.migrate()
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("begin; select count(*) from history").fetchall()

    for number in range(1, 4):
        await storage.write(lambda tx, number=number: history.append(tx, [entry(number)]))  # type: ignore[misc]

    assert await storage.read(history.head) == (3, b"d" * 32)
    reader.close()
    await storage.close()


async def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a database" * 1000)

    with pytest.raises(StorageUnavailable):
        await open_storage(str(tmp_path / "file"), resources.sql_folder())
    with pytest.raises(StorageUnavailable):
        await open_storage("postgresql://nobody@127.0.0.1:1/none", resources.sql_folder())


def test_both_dialects_define_the_same_queries_with_the_same_parameters() -> None:
    folder = resources.sql_folder()
    sqlite = queries.load(folder / "sqlite" / "queries", style="named")
    postgres = queries.load(folder / "postgres" / "queries", style="psycopg")

    assert {q.name: (q.kind, q.params) for q in sqlite.values()} == {
        q.name: (q.kind, q.params) for q in postgres.values()
    }


@pytest.mark.parametrize(
    ("written", "psycopg"),
    [
        ("select :a::text", "select %(a)s::text"),
        ("select ':a', :b", "select ':a', %(b)s"),
        ("select 5 % :b -- :c", "select 5 %% %(b)s -- :c"),
        ("select x like '100%' escape '\\' and y = :k;", "select x like '100%%' escape '\\' and y = %(k)s"),
    ],
)
def test_parameters_are_rewritten_for_psycopg_outside_literals(tmp_path: Path, written: str, psycopg: str) -> None:
    (tmp_path / "q.sql").write_text(f"-- name: q :one\n{written}\n")

    assert queries.load(tmp_path, style="psycopg")["q"].sql == psycopg


def test_queries_include_fragments_outside_literals(tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(
        "-- fragment: old\n-- for {readers}\nage > :age\n\n"
        "-- fragment: fits\n{old}\nand name like '{old}%'\n\n"
        "-- name: q :many\nselect '{none}', \"{none}\" from t where {fits} or {old};\n"
    )

    found = queries.load(tmp_path, style="psycopg")

    old = "-- for {readers}\nage > %(age)s"
    wanted = f"select '{{none}}', \"{{none}}\" from t where {old}\nand name like '{{old}}%%' or {old}"
    assert {name: (one.sql, one.params) for name, one in found.items()} == {"q": (wanted, {"age"})}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("-- name: q :one\nselect 1;\n-- name: q :one\nselect 2;\n", "'q' is defined twice"),
        ("-- fragment: f\n1\n-- fragment: f\n2\n-- name: q :one\nselect {f};\n", "'f' is defined twice"),
        ("-- name: q :one\nselect {f};\n", "q includes {f}, and no such fragment stands above it"),
        ("-- name: q :one\nselect {f};\n-- fragment: f\n1\n", "q includes {f}"),
        ("-- fragment: f\n1 + {f}\n-- name: q :one\nselect {f};\n", "f includes {f}"),
        ("-- fragment: g\n1\n-- name: q :one\nselect {G};\n", "q includes {G}"),
        ("-- name: q :all\ndelete from t where id = :id;\n", "q is no insert"),
        ("-- name: q :all\ninsert into t (a, b) values (:b, :a);\n", "q is no insert"),
        ("-- name: q :all\ninsert into t (a) values (:a)\non conflict (a) do update set a = :a;\n", "q is no insert"),
    ],
)
def test_a_query_that_cannot_be_read_is_an_error(tmp_path: Path, written: str, told: str) -> None:
    (tmp_path / "q.sql").write_text(written)

    with pytest.raises(ValueError, match=re.escape(f"q.sql: {told}")):
        queries.load(tmp_path, style="named")


def test_an_insert_goes_in_rows_unless_it_names_a_value_after_them(tmp_path: Path) -> None:
    insert = "insert into t (a, b) values (:a, :b)\non conflict (a) do update set b = "
    (tmp_path / "q.sql").write_text(f"-- name: q :each\n{insert}excluded.b;\n-- name: r :each\n{insert}:b;\n")

    found = queries.load(tmp_path, style="named")

    assert (found["q"].columns, found["r"].columns) == (("a", "b"), ())
    assert queries.of_rows(found["q"], 2) == insert.replace("(:a, :b)", "(?, ?), (?, ?)") + "excluded.b"


def test_a_fragment_is_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- fragment: f\n1\n-- name: a :one\nselect {f};\n")
    (tmp_path / "b.sql").write_text("-- name: b :one\nselect {f};\n")

    with pytest.raises(ValueError, match=r"b\.sql: b includes \{f\}"):
        queries.load(tmp_path, style="named")
