"""Tables of SQL projections on Postgres: each in a schema of its own, with a role of its own that owns it and can reach
nothing else. What there is of it in the database is told in sql/postgres/table.sql.

A user's statement is only ever run by a function of that role, which is a security definer; the server itself does not
touch the table, so nothing that was put into it, a default or a check, is evaluated with the server's rights.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TypeVar

from psycopg import Connection, errors, sql

from storage.contract import QueryLimits, QueryRefused, QueryTimeout, Row, Scalar, Table
from storage.postgres_sandbox import SETUP_LOCK, Sandbox, ask, enter, parse, translated, with_parameters
from storage.projections import Key
from storage.tables import (
    STATEMENT_TIMEOUT_S,
    Design,
    Run,
    Statement,
    TableMissing,
    TableRefused,
    TablesUnavailable,
    Written,
    check_write,
    refused_as,
)

THREADS = 2

T = TypeVar("T")


class PostgresTables:
    """`script` is table.sql."""

    def __init__(self, sandbox: Sandbox, script: str) -> None:
        self._sandbox = sandbox
        self._script = script
        self._threads = ThreadPoolExecutor(THREADS, "postgres-tables")

    async def check(self, design: Design, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """See Tables.check."""
        await self._run(lambda: self._check(design, statements))

    async def ensure(self, key: Key, design: Design, *, after: int) -> int:
        """See Tables.ensure."""
        return await self._run(lambda: self._ensure(key, design, after))

    async def write(self, key: Key, statements: Sequence[Statement], *, through: int) -> Written:
        """See Tables.write."""
        return await self._run(lambda: self._write(key, statements, through))

    async def ask(self, key: Key, design: Design, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Tables.ask."""
        return await self._run(lambda: self._ask(key, sql, params, limits))

    @asynccontextmanager
    async def scratch(self, design: Design) -> AsyncIterator[PostgresScratch]:
        """See Tables.scratch."""
        made = PostgresScratch(self._run, self._sandbox)
        try:
            await self._run(lambda: made.make(self._make, design))
            yield made
        finally:
            await self._run(made.close)

    async def drop(self, key: Key) -> None:
        """See Tables.drop."""
        await self._run(lambda: self._drop(key))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _check(self, design: Design, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        with self._sandbox.connected() as connection, _making(), connection.transaction(force_rollback=True):
            place = _place(connection, Key("", "", 0))
            with refused_as(-1), translated():
                self._make(connection, place, design)
            enter(connection, place)
            for index, (text, names) in enumerate(statements):
                with refused_as(index), translated():
                    check_write(text)
                    parse(connection, with_parameters(text, dict.fromkeys(names)))

    def _ensure(self, key: Key, design: Design, after: int) -> int:
        with self._sandbox.connected() as connection, _making(), connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
            place = _place(connection, key)
            if not _is_there(connection, place):
                self._make(connection, place, design)
                _note(connection, place, after)
            return _reached(connection, place)

    def _make(self, connection: Connection[Row], place: str, design: Design) -> None:
        connection.execute(f"set local statement_timeout = {int(STATEMENT_TIMEOUT_S * 1000)}".encode())
        connection.execute(self._script.replace("{place}", place).encode())
        parse(connection, design.create)  # says no to more than one statement
        connection.execute(_of("select {}.write(%s, '{{}}')", place), (design.create,))
        connection.execute(_of("revoke create on schema {} from {}", place, place))
        [*kinds] = connection.execute(
            "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind not in ('i', 'S', 't')",
            (place,),
        )
        if kinds != [(design.name,)]:
            raise TableRefused(f"it makes something else than the table {design.name}")

    def _write(self, key: Key, statements: Sequence[Statement], through: int) -> Written:
        with self._sandbox.connected() as connection, translated():
            place = _place(connection, key)
            if not _is_there(connection, place):
                raise TableMissing("the projection's table is not there")
            return _fill(connection, place, statements, through)

    def _ask(self, key: Key, text: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        with self._sandbox.connected() as connection, translated(), connection.transaction(force_rollback=True):
            place = _place(connection, key)
            if not _is_there(connection, place):
                raise TableMissing("the projection's table is not there")
            return ask(connection, place, text, params, limits)

    def _drop(self, key: Key) -> None:
        with self._sandbox.connected() as connection, translated(), connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
            place = _place(connection, key)
            if _is_there(connection, place):
                connection.execute(_of("drop schema {} cascade", place))
                connection.execute(_of("drop role {}", place))


class PostgresScratch:
    """A table in a transaction that is never committed, as are its schema and its role."""

    def __init__(self, run: Run, sandbox: Sandbox) -> None:
        self._run = run
        self._sandbox = sandbox
        self._place = f"ironflow_past_{secrets.token_hex(16)}"
        self._left = ExitStack()
        self._lock = threading.Lock()  # who was cancelled closes while another thread may still be at work

    def make(self, make: Callable[[Connection[Row], str, Design], None], design: Design) -> None:
        with self._lock, _making():
            self._connection = self._left.enter_context(self._sandbox.connected())
            self._left.enter_context(self._connection.transaction(force_rollback=True))
            with refused_as(-1), translated():
                make(self._connection, self._place, design)
            _note(self._connection, self._place, 0)

    async def write(self, statements: Sequence[Statement], *, through: int) -> Written:
        """See Scratch.write."""

        def work() -> Written:
            with self._lock, translated():
                return _fill(self._connection, self._place, statements, through)

        return await self._run(work)

    async def ask(self, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Scratch.ask."""

        def work() -> Table:
            with self._lock, translated(), self._connection.transaction(force_rollback=True):
                return ask(self._connection, self._place, sql, params, limits)

        return await self._run(work)

    def close(self) -> None:
        with self._lock, translated():
            self._left.close()


def _note(connection: Connection[Row], place: str, after: int) -> None:
    connection.execute(_of("create table {}.reached (position bigint not null)", place))
    connection.execute(_of("insert into {}.reached values (%s)", place), (after,))


def _fill(connection: Connection[Row], place: str, statements: Sequence[Statement], through: int) -> Written:
    failed, error = 0, ""
    while True:
        due = [one for one in statements if not failed or one.position < failed]
        try:
            return _written(connection, place, due, failed - 1 if failed else through, failed, error)
        except _Failed as refused:
            failed, error = refused.position, refused.error


def _written(
    connection: Connection[Row],
    place: str,
    statements: Sequence[Statement],
    position: int,
    failed: int,
    error: str,
) -> Written:
    """All of it in one transaction. Raises _Failed; then nothing was written."""
    write = _of("select {}.write(%s, %s::jsonb)", place)
    with connection.transaction():
        [(reached,)] = connection.execute(_of("select position from {}.reached for update", place))
        connection.execute(f"set local statement_timeout = {int(STATEMENT_TIMEOUT_S * 1000)}".encode())
        for one in statements:
            if one.position > reached:
                with _failing(one.position):
                    connection.execute(write, (with_parameters(one.sql, one.params), json.dumps(one.params)))
        connection.execute(_of("update {}.reached set position = greatest(position, %s)", place), (position,))
    return Written(position, failed, error)


class _Failed(Exception):
    def __init__(self, position: int, error: str) -> None:
        self.position = position
        self.error = error


@contextmanager
def _failing(position: int) -> Iterator[None]:
    try:
        with translated():
            yield
    except (QueryRefused, QueryTimeout) as refused:
        raise _Failed(position, str(refused)) from None


@contextmanager
def _making() -> Iterator[None]:
    """Raises TablesUnavailable where the server's own statements are refused, QueryRefused for the user's."""
    try:
        with translated():
            yield
    except QueryRefused as refused:
        if isinstance(cause := refused.__cause__, errors.InsufficientPrivilege) and "create role" in str(cause):
            raise TablesUnavailable(f"the database user may not make a role for the table: {refused}") from cause
        raise


def _place(connection: Connection[Row], key: Key) -> str:
    """The name of the schema, and of the role; roles are of the whole cluster, so the database is part of it."""
    [(schema,)] = connection.execute("select current_schema()")
    told = "\0".join(map(str, (connection.info.dbname, schema, *key)))
    return f"ironflow_table_{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _is_there(connection: Connection[Row], place: str) -> bool:
    [(found,)] = connection.execute("select to_regnamespace(%s) is not null", (place,))
    return bool(found)


def _reached(connection: Connection[Row], place: str) -> int:
    [(position,)] = connection.execute(_of("select position from {}.reached", place))
    return int(position)


def _of(text: str, *places: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, places))
