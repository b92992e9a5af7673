"""Postgres through psycopg 3: one writing connection, one a thread that reads, LISTEN and NOTIFY.

What every commit does goes straight through libpq (prepared.py), in as few round trips as can be
(postgres_transaction.py).
A connection that Postgres ended since its last use is replaced before any work is done on it, so that a restart of
Postgres between two units of work goes unnoticed. A write whose COMMIT was sent and never answered raises
StorageUnavailable; whether it happened is for the caller to find out.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, errors

from storage import migrations, postgres_vectors, queries
from storage.contract import (
    QueryLimits,
    Row,
    Scalar,
    Statements,
    StorageConflict,
    StorageError,
    StorageFull,
    StorageUnavailable,
    Table,
    Transaction,
)
from storage.postgres_connecting import connect, told
from storage.postgres_sandbox import Sandbox
from storage.postgres_tables import PostgresTables
from storage.postgres_transaction import PostgresTransaction
from storage.prepared import Prepared
from storage.single import single
from storage.thread import WorkThread

T = TypeVar("T")

READERS = 8
QUERIES = 2
CHANNEL = "ironflow_history"
MIGRATION_LOCK = 7366000
RECONNECT_DELAY_S = 0.5
ANNOUNCE_S = 0.01
"""Between two announcements: other nodes learn of what was committed meanwhile from the later one."""

_BEGIN_WRITING = b"begin"
_BEGIN_READING = b"begin isolation level repeatable read, read only"


class PostgresStorage:
    dialect = "postgres"

    def __init__(self, url: str, sql: Path) -> None:
        self._url = url
        self._migrations = migrations.load(sql / "postgres" / "migrations")
        self._queries = queries.load(sql / "postgres" / "queries", style="psycopg")
        self._writing = WorkThread("postgres-write")
        self._reading = WorkThread("postgres-read", READERS)
        self._querying = ThreadPoolExecutor(QUERIES, "postgres-query")
        self._sandbox = Sandbox(url, (sql / "postgres" / "sandbox.sql").read_text("utf-8"))
        self.tables = PostgresTables(self._sandbox, (sql / "postgres" / "table.sql").read_text("utf-8"))
        self._vectors = (sql / "postgres" / "vectors.sql").read_text("utf-8")
        self._vectors_indexed = False
        self.statements = Statements()
        self._indexing: Connection[Row] | None = None
        self._writer: Prepared | None = None
        self._reader = threading.local()
        self._readers: list[Connection[Row]] = []
        self._readers_lock = threading.Lock()
        self._announced = asyncio.Event()
        self._announce_position = 0
        self._others = True
        self._announcer: asyncio.Task[None] | None = None
        self._announcing = WorkThread("postgres-announce")
        self._announcing_on: Prepared | None = None

    @classmethod
    async def open(cls, url: str, sql: Path) -> PostgresStorage:
        storage = cls(url, sql)
        try:
            await storage._writing.run(storage._connected)
        except BaseException:
            await storage.close()
            raise
        return storage

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._writing.run(lambda: self._write(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._reading.run(lambda: self._read(work))

    async def read_once(self, work: Callable[[Transaction], T]) -> T:
        return await self._reading.run(lambda: self._read_once(work))

    async def query(self, environment: str, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        work = functools.partial(self._sandbox.query, environment, sql, params, limits)
        return await asyncio.get_running_loop().run_in_executor(self._querying, work)

    async def index_vectors(self, *, build: bool) -> str:
        how = await asyncio.get_running_loop().run_in_executor(self._querying, self._index_vectors, build)
        self._vectors_indexed = how == "approximate"
        return how

    async def migrate(self) -> Sequence[str]:
        return await self._writing.run(self._migrate)

    async def check_schema(self) -> None:
        await self._writing.run(lambda: migrations.require_current(self._migrations, self._applied()))

    def announce(self, position: int) -> None:
        self._announce_position = max(position, self._announce_position)
        if not self._others:
            return
        self._announced.set()
        if self._announcer is None:
            self._announcer = asyncio.create_task(self._announce_all(), name="postgres-announce")

    def heed(self, *, others: bool) -> None:
        before, self._others = self._others, others
        if others and not before:
            self.announce(self._announce_position)

    async def listen(self) -> AsyncIterator[int]:
        """Positions announced by any node, this one included. Reconnects by itself, and then begins with where history
        is: what was announced in between is not missed."""
        while True:
            try:
                async with await AsyncConnection.connect(told(self._url), autocommit=True) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    head = await connection.execute(self._queries["history_head"].sql.encode())
                    if (row := await head.fetchone()) is not None:
                        yield int(row[0])
                    async for notice in connection.notifies():
                        yield int(notice.payload)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                await asyncio.sleep(RECONNECT_DELAY_S)

    async def close(self) -> None:
        if self._announcer is not None:
            self._announcer.cancel()
            await asyncio.gather(self._announcer, return_exceptions=True)
        await self.tables.close()
        if (indexing := self._indexing) is not None:
            indexing.cancel_safe()
        await asyncio.to_thread(self._querying.shutdown)
        await self._reading.stop()
        await self._writing.stop()
        await self._announcing.stop()
        owned = [one.connection for one in (self._writer, self._announcing_on) if one is not None]
        for connection in (*self._readers, *owned):
            connection.close()

    async def _announce_all(self) -> None:
        """One NOTIFY at a time, each with the newest position; the first after a rest goes at once."""
        while True:
            await self._announced.wait()
            self._announced.clear()
            try:
                await self._announcing.run(self._announce)
                await asyncio.sleep(ANNOUNCE_S)
            except StorageError:
                self._announced.set()
                await asyncio.sleep(RECONNECT_DELAY_S)

    def _announce(self) -> None:
        with translated("announce"):
            if self._announcing_on is None or self._announcing_on.connection.closed:
                self._announcing_on = Prepared(self._connect())
            self._announcing_on.run(b"notify %s, '%d'" % (CHANNEL.encode(), self._announce_position))

    def _connected(self) -> Prepared:
        """The writer's connection, a new one if the last broke."""
        if self._writer is None or self._writer.connection.closed:
            self._writer = Prepared(self._connect())
        return self._writer

    def _connected_reader(self) -> Prepared:
        """This thread's connection, likewise."""
        reader: Prepared | None = getattr(self._reader, "prepared", None)
        if reader is None or reader.connection.closed:
            reader = self._reader.prepared = Prepared(self._connect())
            with self._readers_lock:
                self._readers = [*(one for one in self._readers if not one.closed), reader.connection]
        if self._vectors_indexed and getattr(self._reader, "searches_index", None) != reader:
            postgres_vectors.configure(reader.connection)
            self._reader.searches_index = reader
        return reader

    def _index_vectors(self, build: bool) -> str:
        with translated("index vectors"), self._connect() as connection:
            self._indexing = connection
            try:
                return postgres_vectors.set_up(connection, self._vectors, build=build)
            finally:
                self._indexing = None

    def _connect(self) -> Connection[Row]:
        with translated("connect"):
            return connect(self._url)

    def _write(self, work: Callable[[Transaction], T]) -> T:
        with translated("write"):
            return self._done(work, self._connected, _BEGIN_WRITING)

    def _read(self, work: Callable[[Transaction], T]) -> T:
        with translated("read"):
            return self._done(work, self._connected_reader, _BEGIN_READING)

    def _done(self, work: Callable[[Transaction], T], connected: Callable[[], Prepared], begin: bytes) -> T:
        tx = PostgresTransaction(connected, begin, self._queries, self.statements)
        try:
            answer = work(tx)
            tx.commit()
        except BaseException:
            tx.roll_back()
            raise
        return answer

    def _read_once(self, work: Callable[[Transaction], T]) -> T:
        """Asked again on a new connection, if Postgres ended this one since its last use."""
        with translated("read"):
            reader = self._connected_reader()
            try:
                return work(single(self._without_transaction(reader)))
            except psycopg.OperationalError:
                reader.connection.close()
            return work(single(self._without_transaction(self._connected_reader())))

    def _without_transaction(self, reader: Prepared) -> PostgresTransaction:
        return PostgresTransaction.begun(reader, self._queries, self.statements)

    def _applied(self) -> int:
        connection = self._connected().connection
        row = connection.execute("select to_regclass('schema_migrations') is not null").fetchone()
        if not row or not row[0]:
            return 0
        row = connection.execute("select coalesce(max(number), 0) from schema_migrations").fetchone()
        return int(row[0]) if row else 0

    def _migrate(self) -> Sequence[str]:
        connection = self._connected().connection
        with translated("migrate"), connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            due = migrations.pending(self._migrations, self._applied())
            record_migrations(connection, due)
        return [f"{migration.number:04}_{migration.name}" for migration in due]


def record_migrations(connection: Connection[Row], due: Sequence[migrations.Migration]) -> None:
    """Apply them within the connection's transaction."""
    if due:
        connection.execute(
            "create table if not exists schema_migrations (number bigint primary key, name text not null,"
            " applied_at timestamptz not null default now())"
        )
    for migration in due:
        connection.execute(migration.sql.encode())
        connection.execute(
            "insert into schema_migrations (number, name) values (%s, %s)", (migration.number, migration.name)
        )


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns what the driver raises into the errors of the contract."""
    try:
        yield
    except (errors.DiskFull, errors.ProgramLimitExceeded) as error:
        raise StorageFull(f"{operation}: {error}") from error
    except errors.IntegrityError as error:
        raise StorageConflict(f"{operation}: {error}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError, errors.IdleInTransactionSessionTimeout) as error:
        raise StorageUnavailable(f"{operation}: {' '.join(str(error).split())}") from error
    except psycopg.Error as error:
        raise StorageError(f"{operation}: {error}") from error
