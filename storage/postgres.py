"""Postgres through psycopg 3: one writing connection, one a thread that reads, LISTEN and NOTIFY.

History goes in by binary COPY, or by a prepared INSERT when there are few rows (COPY costs two round trips more);
what every commit does goes straight through libpq (prepared.py).
A connection that Postgres ended since its last use is replaced before any work is done on it, so that a restart of
Postgres between two units of work goes unnoticed. A write whose COMMIT was sent and never answered raises
StorageUnavailable; whether it happened is for the caller to find out.
"""

from __future__ import annotations

import asyncio
import functools
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection, Cursor, errors, pq

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
from storage.prepared import MANY_ROWS, Prepared
from storage.records import EntryRecord, Record
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

_BEGIN_READING = b"begin isolation level repeatable read, read only"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_COPY_END = b"\xff\xff"


class PostgresStorage:
    dialect = "postgres"

    def __init__(self, url: str, sql: Path) -> None:
        self._url = url
        self._migrations = migrations.load(sql / "postgres" / "migrations")
        self._queries = queries.load(sql / "postgres" / "queries", style="psycopg")
        self._writing = WorkThread("postgres-write")
        self._reading = ThreadPoolExecutor(READERS, "postgres-read")
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
        return await asyncio.get_running_loop().run_in_executor(self._reading, lambda: self._read(work))

    async def read_once(self, work: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, lambda: self._read_once(work))

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
        self._announced.set()
        if self._announcer is None:
            self._announcer = asyncio.create_task(self._announce_all(), name="postgres-announce")

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
        for executor in (self._querying, self._reading):
            await asyncio.to_thread(executor.shutdown)
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
        with translated("write"), _transaction(self._connected, b"begin") as writer:
            self.statements.run += 2
            return work(_PostgresTransaction(writer, self._queries, self.statements))

    def _read(self, work: Callable[[Transaction], T]) -> T:
        with translated("read"), _transaction(self._connected_reader, _BEGIN_READING) as reader:
            self.statements.run += 2
            return work(_PostgresTransaction(reader, self._queries, self.statements))

    def _read_once(self, work: Callable[[Transaction], T]) -> T:
        """Asked again on a new connection, if Postgres ended this one since its last use."""
        with translated("read"):
            reader = self._connected_reader()
            try:
                return work(single(_PostgresTransaction(reader, self._queries, self.statements)))
            except psycopg.OperationalError:
                reader.connection.close()
            return work(single(_PostgresTransaction(self._connected_reader(), self._queries, self.statements)))

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


class _PostgresTransaction:
    def __init__(self, prepared: Prepared, known: Mapping[str, queries.Query], statements: Statements) -> None:
        self._prepared = prepared
        self._connection = prepared.connection
        self._queries = known
        self._statements = statements

    def one(self, query: str, **params: Any) -> Row | None:
        return self._run(query, params).fetchone()

    def many(self, query: str, **params: Any) -> list[Row]:
        return self._run(query, params).fetchall()

    def execute(self, query: str, **params: Any) -> int:
        return self._run(query, params).rowcount

    def each(self, query: str, rows: Sequence[Record]) -> None:
        self._statements.run += len(rows)
        self._prepared.each(query, self._queries[query].sql, rows)

    def lock(self) -> Row | None:
        self._statements.run += 1
        head = self._prepared.run(self._queries["lock_history"].sql.encode())
        if not head.ntuples:
            return None
        position, chained = head.get_value(0, 0), head.get_value(0, 1)
        assert position is not None
        assert chained is not None
        return int(position), pq.Escaping().unescape_bytea(chained)

    def append(self, entries: Sequence[EntryRecord]) -> None:
        if len(entries) < MANY_ROWS:
            self.each("append_entry", entries)
            return
        self._statements.run += 1
        columns = ", ".join(EntryRecord._fields)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"copy history ({columns}) from stdin (format binary)".encode()) as copy,
        ):
            copy.write(_packed(entries))

    def erase(self) -> None:
        """What was there stays in files until Postgres vacuums, which is for its operator to have done."""

    def _run(self, query: str, params: Mapping[str, Any]) -> Cursor[Row]:
        self._statements.run += 1
        return self._connection.execute(self._queries[query].sql.encode(), params)


def _packed(entries: Sequence[EntryRecord]) -> bytes:
    """The rows in Postgres' binary COPY format (SQL reference, COPY, "Binary Format")."""
    parts = [_COPY_HEADER]
    pack = struct.pack
    for e in entries:
        texts = [
            text.encode()
            for text in (e.environment, e.stream, e.kind, e.data, e.metadata, e.actor, e.correlation, e.causation)
        ]
        environment, stream, kind, data, metadata, actor, correlation, causation = texts
        parts += (
            pack(">hiqi", len(EntryRecord._fields), 8, e.position, len(environment)),
            environment,
            pack(">i", len(stream)),
            stream,
            pack(">iqi", 8, e.version, len(kind)),
            kind,
            pack(">i", len(data)),
            data,
            pack(">i", len(metadata)),
            metadata,
            pack(">i", len(actor)),
            actor,
            pack(">i", len(correlation)),
            correlation,
            pack(">i", len(causation)),
            causation,
            pack(">iqi", 8, e.recorded_at, len(e.digest)),
            e.digest,
        )
    parts.append(_COPY_END)
    return b"".join(parts)


@contextmanager
def _transaction(connected: Callable[[], Prepared], begin: bytes) -> Iterator[Prepared]:
    """A transaction on the connection that `connected` gives; on its next one, if Postgres ended that meanwhile."""
    prepared = connected()
    try:
        prepared.run(begin)
    except psycopg.OperationalError:
        prepared.connection.close()
        prepared = connected()
        prepared.run(begin)
    try:
        yield prepared
    except BaseException:
        prepared.roll_back()
        raise
    prepared.commit()


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
