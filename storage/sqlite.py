"""SQLite through apsw: one writing connection, a few reading ones, WAL, every commit on disk before it returns.

The writer belongs to one thread. Checkpoints run on a thread and connection of their own, off the write path;
only a log that has grown far past its size makes the writer wait for one, and not for longer than a moment: a reader
that stays open keeps the log from being begun anew. No checkpoint fails a write, whose commit came before it.

What is deleted is overwritten with zeros where that costs no more writes (`secure_delete = fast`). A transaction that
erases overwrites the pages it frees too, and the log, which still has the pages as they were, is emptied after it.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import structlog

from storage import migrations, queries, sqlite_sandbox, sqlite_vectors
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
from storage.records import EntryRecord, Record
from storage.single import single
from storage.sqlite_tables import SQLiteTables
from storage.thread import WorkThread

log = structlog.get_logger(__name__)

T = TypeVar("T")

READERS = 4
QUERIES = 2
WRITER_CACHE_KIB = 16 * 1024
READER_CACHE_KIB = 2 * 1024
"""Small: new rows lie together at the end of each index, and what is not in a cache is in the kernel's."""
CHECKPOINT_PAGES = 4_000
CHECKPOINT_PAGES_MAX = 100_000
BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_WAIT_MS = 500
"""How long the writer waits for readers to leave the log."""
ROWS_AT_ONCE = (100, 10)
"""How many rows one statement inserts, as long as there are as many. Each statement gives the interpreter away, and a
busy event loop keeps it for a while: a thousand rows by a statement of their own can take a second so."""
ERASE_BUSY_TIMEOUT_MS = 100
ERASE_AGAIN_S = 1.0


class SQLiteStorage:
    dialect = "sqlite"

    def __init__(self, path: Path, sql: Path) -> None:
        self._path = path
        self._migrations = migrations.load(sql / "sqlite" / "migrations")
        self._queries = queries.load(sql / "sqlite" / "queries", style="named")
        self._writing = WorkThread("sqlite-write")
        self._reading = WorkThread("sqlite-read", READERS)
        self._checkpointing = ThreadPoolExecutor(1, "sqlite-checkpoint")
        self._querying = ThreadPoolExecutor(QUERIES, "sqlite-query")
        self.statements = Statements()
        self._local = threading.local()
        self._opened: list[apsw.Connection] = []
        self._log_pages = 0
        self._log_pages_max = CHECKPOINT_PAGES_MAX
        self._checkpoint_due = False
        self._erasing = False
        self._closing = threading.Event()
        self.tables = SQLiteTables(path.with_name(f"{path.stem}-tables"))
        self._compares_vectors = False

    @classmethod
    async def open(cls, path: Path, sql: Path) -> SQLiteStorage:
        storage = cls(path, sql)
        await storage._writing.run(storage._open_writer)
        return storage

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._writing.run(lambda: self._write(work))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._reading.run(lambda: self._read(work))

    async def read_once(self, work: Callable[[Transaction], T]) -> T:
        return await self._reading.run(lambda: self._read_once(work))

    async def query(self, environment: str, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        work = functools.partial(sqlite_sandbox.query, self._path, environment, sql, params, limits)
        return await asyncio.get_running_loop().run_in_executor(self._querying, work)

    async def index_vectors(self, *, build: bool) -> str:
        await asyncio.get_running_loop().run_in_executor(self._querying, sqlite_vectors.check)
        self._compares_vectors = True
        return "exact"

    async def migrate(self) -> Sequence[str]:
        return await self._writing.run(self._migrate)

    async def check_schema(self) -> None:
        await self._writing.run(lambda: migrations.require_current(self._migrations, self._applied()))

    def announce(self, position: int) -> None:
        """Nobody else has the file open for writing, so there is nobody to tell."""

    def heed(self, *, others: bool) -> None:
        """There are none."""

    async def listen(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    async def close(self) -> None:
        self._closing.set()
        await self.tables.close()
        await self._writing.stop()
        await self._reading.stop()
        for executor in (self._querying, self._checkpointing):
            await asyncio.to_thread(executor.shutdown)
        for connection in self._opened:
            connection.close()

    def _open_writer(self) -> None:
        with translated(f"open {self._path.name}"):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._writer = self._connect(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, WRITER_CACHE_KIB)
            for pragma in (
                "journal_mode = wal",
                "synchronous = full",
                "wal_autocheckpoint = 0",
                "secure_delete = fast",
            ):
                self._writer.execute(f"pragma {pragma}")
            self._writer.set_wal_hook(self._on_log_growth)

    def _connect(self, flags: int, cache_kib: int = READER_CACHE_KIB) -> apsw.Connection:
        connection = apsw.Connection(str(self._path), flags=flags)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute(f"pragma cache_size = -{cache_kib}")
        connection.execute("pragma foreign_keys = on")
        # Plans do not depend on the values that a statement is given; else many are planned anew each time they run.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        self._opened.append(connection)
        return connection

    def _write(self, work: Callable[[Transaction], T]) -> T:
        with translated("write"):
            self._writer.execute("begin immediate")
            self.statements.run += 2
            try:
                answer = work(_SQLiteTransaction(self._writer, self._queries, self.statements, self._erase))
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise
            finally:
                self._erased()
        self._checkpoint_if_due()
        return answer

    def _read(self, work: Callable[[Transaction], T]) -> T:
        with translated("read"):
            connection = self._reader()
            connection.execute("begin")
            self.statements.run += 2
            try:
                return work(_SQLiteTransaction(connection, self._queries, self.statements, _refuse))
            finally:
                connection.execute("rollback")

    def _read_once(self, work: Callable[[Transaction], T]) -> T:
        with translated("read"):
            return work(single(_SQLiteTransaction(self._reader(), self._queries, self.statements, _refuse)))

    def _reader(self) -> apsw.Connection:
        """This thread's connection."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(apsw.SQLITE_OPEN_READONLY)
        if self._compares_vectors and not getattr(self._local, "compares_vectors", False):
            sqlite_vectors.load(connection)
            self._local.compares_vectors = True
        return connection

    def _erase(self) -> None:
        """From here on, pages that the transaction frees are zeroed."""
        self._writer.execute("pragma secure_delete = on")
        self._erasing = True

    def _erased(self) -> None:
        """The transaction is over: empty the log, if it erased something."""
        if self._erasing:
            self._erasing = False
            self._writer.execute("pragma secure_delete = fast")
            self._checkpointing.submit(self._empty_log)

    def _empty_log(self) -> None:
        """Retried, mostly while somebody reads an older snapshot, so that nobody waits for the reader but this
        thread. Closing the store empties the log as well."""
        connection = self._checkpointer()
        connection.set_busy_timeout(ERASE_BUSY_TIMEOUT_MS)
        while not self._closing.is_set():
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                break
            except apsw.BusyError:
                self._closing.wait(ERASE_AGAIN_S)
            except apsw.Error as error:
                log.warning("what was erased is still in the write-ahead log, trying again", reason=str(error))
                self._closing.wait(ERASE_AGAIN_S)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def _on_log_growth(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._log_pages = pages
        return int(apsw.SQLITE_OK)

    def _checkpoint_if_due(self) -> None:
        if self._log_pages > self._log_pages_max:
            self._begin_log_anew()
        elif self._log_pages > CHECKPOINT_PAGES and not self._checkpoint_due:
            self._checkpoint_due = True
            self._checkpointing.submit(self._checkpoint)

    def _begin_log_anew(self) -> None:
        """Wait until the log can be written from its start again; if a reader is in the way, do so when it has grown
        by as much again."""
        pages = self._log_pages
        self._writer.set_busy_timeout(CHECKPOINT_WAIT_MS)
        try:
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except apsw.Error as error:
            log.warning("a reader keeps the write-ahead log from being begun anew", pages=pages, reason=str(error))
            self._log_pages_max = pages + CHECKPOINT_PAGES_MAX
        else:
            self._log_pages_max = CHECKPOINT_PAGES_MAX
        finally:
            self._writer.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._log_pages = 0

    def _checkpoint(self) -> None:
        try:
            self._checkpointer().wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            log.warning("a checkpoint failed, trying again after the next commit", reason=str(error))
        finally:
            self._log_pages = 0
            self._checkpoint_due = False

    def _checkpointer(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(apsw.SQLITE_OPEN_READWRITE)
            connection.execute("pragma wal_autocheckpoint = 0")
        return connection

    def _applied(self) -> int:
        [(exists,)] = self._writer.execute("select count(*) from sqlite_master where name = 'schema_migrations'")
        if not exists:
            return 0
        [(number,)] = self._writer.execute("select coalesce(max(number), 0) from schema_migrations")
        return int(number)

    def _migrate(self) -> Sequence[str]:
        with translated("migrate"):
            self._writer.execute("begin immediate")
            try:
                due = migrations.pending(self._migrations, self._applied())
                if due:
                    self._writer.execute(
                        "create table if not exists schema_migrations (number integer primary key, name text not null,"
                        " applied_at text not null default current_timestamp) strict"
                    )
                for migration in due:
                    self._writer.execute(migration.sql)
                    self._writer.execute(
                        "insert into schema_migrations (number, name) values (?, ?)", (migration.number, migration.name)
                    )
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise
            return [f"{migration.number:04}_{migration.name}" for migration in due]


def _refuse() -> None:
    raise AssertionError("a reading transaction has nothing to erase")


class _SQLiteTransaction:
    def __init__(
        self,
        connection: apsw.Connection,
        known: Mapping[str, queries.Query],
        statements: Statements,
        erase: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._queries = known
        self._statements = statements
        self.erase = erase

    def one(self, query: str, **params: Any) -> Row | None:
        self._statements.run += 1
        row: Row | None = next(self._connection.execute(self._queries[query].sql, params), None)
        return row

    def many(self, query: str, **params: Any) -> list[Row]:
        self._statements.run += 1
        return self._connection.execute(self._queries[query].sql, params).fetchall()

    def execute(self, query: str, **params: Any) -> int:
        self._statements.run += 1
        self._connection.execute(self._queries[query].sql, params)
        return self._connection.changes()

    def each(self, query: str, rows: Sequence[Record]) -> None:
        self._statements.run += len(rows)
        found = self._queries[query]
        done = self._insert(found, rows) if found.columns else 0
        if done < len(rows):
            self._connection.executemany(found.sql, rows[done:])

    def _insert(self, query: queries.Query, rows: Sequence[Record]) -> int:
        """Insert as many of the first rows as go together; how many these are."""
        done = 0
        for count in ROWS_AT_ONCE:
            while len(rows) - done >= count:
                values = [value for row in rows[done : done + count] for value in row]
                self._connection.execute(queries.of_rows(query, count), values)
                done += count
        return done

    def lock(self) -> Row | None:
        return self.one("lock_history")

    def append(self, entries: Sequence[EntryRecord]) -> None:
        self.each("append_entry", entries)


@contextmanager
def translated(operation: str) -> Any:
    """Turns what the driver raises into the errors of the contract."""
    try:
        yield
    except apsw.FullError as error:
        raise StorageFull(f"{operation}: {error}") from error
    except apsw.ConstraintError as error:
        raise StorageConflict(f"{operation}: {error}") from error
    except (apsw.CantOpenError, apsw.BusyError, apsw.NotADBError, apsw.ReadOnlyError, PermissionError) as error:
        raise StorageUnavailable(f"{operation}: {error}") from error
    except apsw.Error as error:
        raise StorageError(f"{operation}: {error}") from error
