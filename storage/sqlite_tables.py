"""Tables of SQL projections on SQLite: a file for each, beside the store, so that there is nothing else in reach of its
statements; the authorizer keeps them from attaching, creating and setting anything, and from where it has come to.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import apsw

from storage.contract import QueryLimits, QueryRefused, QueryTimeout, Scalar, Table
from storage.projections import Key
from storage.sqlite_sandbox import LIMITS, TABLE_FUNCTIONS, Guard, OneStatement, Rights, taken
from storage.tables import STATEMENT_TIMEOUT_S, Design, Run, Statement, TableMissing, Written, check_write, refused_as

THREADS = 2
BUSY_TIMEOUT_MS = 10_000
OWN_TIMEOUT_S = 60.0
REACHED = "ironflow_reached"

_OPEN = apsw.SQLITE_OPEN_READWRITE
_MAKE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE

T = TypeVar("T")


class SQLiteScratch:
    """A table in a file of SQLite's own that has no name, and is gone when it is closed."""

    def __init__(self, run: Run, design: Design) -> None:
        self._run = run
        self._design = design
        self._lock = threading.Lock()  # who was cancelled closes while another thread may still be at work
        self._guard = Guard(0)
        self._connection = apsw.Connection("")

    def make(self) -> None:
        with self._lock, self._guard.translated(), refused_as(-1):
            _bound(self._connection)
            self._connection.execute("pragma synchronous = off")
            _make(self._connection, self._guard, self._design)
            _note(self._connection, 0)

    async def write(self, statements: Sequence[Statement], *, through: int) -> Written:
        """See Scratch.write."""

        def work() -> Written:
            with self._lock, self._guard.translated():
                return _fill(self._connection, self._guard, self._design.name, statements, through)

        return await self._run(work)

    async def ask(self, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Scratch.ask."""

        def work() -> Table:
            with self._lock, self._guard.translated():
                return _asked(self._connection, self._guard, self._design, sql, params, limits)

        return await self._run(work)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class SQLiteTables:
    """`folder` is where the files are; it is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, "sqlite-tables")

    async def check(self, design: Design, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """See Tables.check."""
        await self._run(lambda: _check(design, statements))

    async def ensure(self, key: Key, design: Design, *, after: int) -> int:
        """See Tables.ensure."""
        return await self._run(lambda: self._ensure(self._path(key), design, after))

    async def write(self, key: Key, statements: Sequence[Statement], *, through: int) -> Written:
        """See Tables.write."""
        return await self._run(lambda: self._write(self._path(key), statements, through))

    async def ask(self, key: Key, design: Design, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Tables.ask."""
        return await self._run(lambda: self._ask(self._path(key), design, sql, params, limits))

    @asynccontextmanager
    async def scratch(self, design: Design) -> AsyncIterator[SQLiteScratch]:
        """See Tables.scratch."""
        made = SQLiteScratch(self._run, design)
        try:
            await self._run(made.make)
            yield made
        finally:
            await self._run(made.close)

    async def drop(self, key: Key) -> None:
        """See Tables.drop."""
        await self._run(lambda: self._drop(self._path(key)))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _path(self, key: Key) -> Path:
        told = hashlib.sha256("\0".join(map(str, key)).encode()).hexdigest()
        return self._folder / f"{told[:32]}.db"

    def _ensure(self, path: Path, design: Design, after: int) -> int:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        guard = Guard(0)
        with guard.translated(), _opened(path, _MAKE) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("begin immediate")
            [(made,)] = connection.execute("select count(*) from sqlite_schema where name = ?", (REACHED,))
            if not made:
                _make(connection, guard, design)
                _note(connection, after)
            connection.execute("commit")
            return _reached(connection)

    def _write(self, path: Path, statements: Sequence[Statement], through: int) -> Written:
        guard = Guard(0)
        with guard.translated(), _opened(path, _OPEN) as connection:
            [(name,)] = connection.execute("select name from sqlite_schema where type = 'table' and name glob 'proj_*'")
            return _fill(connection, guard, name, statements, through)

    def _ask(self, path: Path, design: Design, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        guard = Guard(0)
        with guard.translated(), _opened(path, apsw.SQLITE_OPEN_READONLY) as connection:
            return _asked(connection, guard, design, sql, params, limits)

    def _drop(self, path: Path) -> None:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _check(design: Design, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
    guard = Guard(0)
    with closing(apsw.Connection(":memory:")) as connection:
        with refused_as(-1), guard.translated():
            _bound(connection)
            _make(connection, guard, design)
        guard.watch(connection, _writing(design.name))
        for index, (sql, names) in enumerate(statements):
            with refused_as(index), guard.translated(), suppress(_Compiled):
                check_write(sql)
                guard.allow_s(STATEMENT_TIMEOUT_S)
                cursor = connection.cursor()
                cursor.exec_trace = functools.partial(_only_compiled, OneStatement(sql))
                cursor.execute(sql, dict.fromkeys(names), can_cache=False)


class _Compiled(Exception):
    """A statement was compiled, and shall not be run."""


def _only_compiled(one: OneStatement, cursor: apsw.Cursor, statement: str, bindings: object) -> bool:
    one.check(cursor, statement, bindings)
    raise _Compiled


def _make(connection: apsw.Connection, guard: Guard, design: Design) -> None:
    guard.allow_s(STATEMENT_TIMEOUT_S)
    made = frozenset({design.name, "sqlite_sequence"})
    guard.watch(connection, Rights({"main": frozenset({design.name})}, frozenset(), makes=made))
    cursor = connection.cursor()
    cursor.exec_trace = OneStatement(design.create).check
    cursor.execute(design.create, can_cache=False)
    connection.set_authorizer(None)


def _note(connection: apsw.Connection, after: int) -> None:
    connection.execute(f"create table {REACHED} (position integer not null) strict")
    connection.execute(f"insert into {REACHED} values (?)", (after,))


def _fill(
    connection: apsw.Connection, guard: Guard, name: str, statements: Sequence[Statement], through: int
) -> Written:
    guard.watch(connection, _writing(name))
    failed, error = 0, ""
    while True:
        with _own(guard):
            connection.execute("begin immediate", can_cache=False)
            reached = _reached(connection)
        for one in statements:
            if one.position <= reached or (failed and one.position >= failed):
                continue
            try:
                _do(connection, guard, one)
            except (QueryRefused, QueryTimeout) as refused:
                failed, error = one.position, str(refused)
                break
        else:
            break
        with _own(guard):  # once more, without it
            if connection.in_transaction:
                connection.execute("rollback", can_cache=False)
    position = failed - 1 if failed else through
    with _own(guard):
        connection.execute(f"update {REACHED} set position = max(position, ?)", (position,), can_cache=False)
        connection.execute("commit", can_cache=False)
    return Written(position, failed, error)


def _asked(
    connection: apsw.Connection,
    guard: Guard,
    design: Design,
    sql: str,
    params: Mapping[str, Scalar],
    limits: QueryLimits,
) -> Table:
    guard.allow_s(limits.timeout_s)
    guard.watch(connection, Rights({"main": TABLE_FUNCTIONS | {design.name}}, frozenset({REACHED})))
    only = OneStatement(sql)
    cursor = connection.cursor()
    cursor.exec_trace = only.check
    cursor.execute(sql, dict(params), can_cache=False)
    return taken(only.columns, cursor, limits)


def _do(connection: apsw.Connection, guard: Guard, one: Statement) -> None:
    """Raises QueryRefused, QueryTimeout."""
    guard.allow_s(STATEMENT_TIMEOUT_S)
    with guard.translated():
        for _ in connection.execute(one.sql, dict(one.params)):  # what it may return is of no use
            pass
    if not connection.in_transaction:  # `insert or rollback`, which has no more to say than that it did
        raise QueryRefused("it ended the transaction")


def _writing(name: str) -> Rights:
    return Rights({"main": TABLE_FUNCTIONS | {name}}, frozenset({REACHED}), writes=frozenset({name}))


@contextmanager
def _own(guard: Guard) -> Iterator[None]:
    """What is compiled within is the server's."""
    guard.off = True
    guard.allow_s(OWN_TIMEOUT_S)
    try:
        yield
    finally:
        guard.off = False


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[apsw.Connection]:
    """Raises TableMissing."""
    if not flags & apsw.SQLITE_OPEN_CREATE and not path.exists():
        raise TableMissing("the projection's table is not there")
    with closing(apsw.Connection(str(path), flags=flags)) as connection:
        _bound(connection)
        yield connection


def _bound(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("pragma synchronous = full")
    connection.execute("pragma temp_store = memory")
    for limit, most in LIMITS.items():
        connection.limit(limit, most)


def _reached(connection: apsw.Connection) -> int:
    [(position,)] = connection.execute(f"select position from {REACHED}", can_cache=False)
    return int(position)
