"""Units of work on Postgres, and how seldom they wait for it.

Waiting for an answer costs more than most statements: a round trip, and on each side a process to be woken. So rows
that are written wait until something is asked, or until the unit of work is done, and travel together then, with the
commit. A small commit makes two round trips: one to begin, take the append lock and learn where history is, and one
with everything it writes. What Postgres refuses of that is raised when it is sent, before `commit` returns.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import Connection, Cursor, pq

from storage import queries
from storage.contract import Row, Statements
from storage.prepared import Prepared, RowWrite
from storage.records import EntryRecord, Record

COPIED_FROM = 12
"""From so many entries on, COPY is quicker than a statement for each, though it takes two round trips of its own."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
_COPY_END = b"\xff\xff"


class PostgresTransaction:
    """Begins with its first statement, on the connection that `connected` gives; on the next one that it gives, if
    Postgres ended that since its last use. One of `commit` and `roll_back` ends it."""

    def __init__(
        self,
        connected: Callable[[], Prepared],
        begin: bytes,
        known: Mapping[str, queries.Query],
        statements: Statements,
    ) -> None:
        self._connected = connected
        self._begin_with = begin
        self._queries = known
        self._statements = statements
        self._begun: Prepared | None = None
        self._written: list[RowWrite] = []

    @classmethod
    def begun(
        cls, prepared: Prepared, known: Mapping[str, queries.Query], statements: Statements
    ) -> PostgresTransaction:
        """On a connection as it is: what is asked is in the transaction that is open there, if any is."""
        tx = cls(lambda: prepared, b"", known, statements)
        tx._begun = prepared
        return tx

    def one(self, query: str, **params: Any) -> Row | None:
        return self._run(query, params).fetchone()

    def many(self, query: str, **params: Any) -> list[Row]:
        return self._run(query, params).fetchall()

    def execute(self, query: str, **params: Any) -> int:
        return self._run(query, params).rowcount

    def each(self, query: str, rows: Sequence[Record]) -> None:
        found = self._queries[query]
        if found.kind == "all" and rows:
            rows = [(_document(found.columns, rows),)]
        self._statements.run += len(rows)
        self._written += [RowWrite(query, found.sql, row) for row in rows]

    def lock(self) -> Row | None:
        self._statements.run += 1
        sql = self._queries["lock_history"].sql.encode()
        head = self._begin(sql) if self._begun is None else self._ready().run(sql)
        if not head.ntuples:
            return None
        position, chained = head.get_value(0, 0), head.get_value(0, 1)
        assert position is not None
        assert chained is not None
        return int(position), pq.Escaping().unescape_bytea(chained)

    def append(self, entries: Sequence[EntryRecord]) -> None:
        if len(entries) < COPIED_FROM:
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

    def commit(self) -> None:
        """Everything is durable when this returns. Raises as psycopg does; then nothing was done, unless the
        connection was lost."""
        if self._written:
            self._statements.run += 1
            self._send(self._begun or self._begin_alone(), commit=True)
        elif self._begun is not None:
            self._statements.run += 1
            self._begun.commit()

    def roll_back(self) -> None:
        if self._begun is not None:
            self._begun.roll_back()

    @property
    def _connection(self) -> Connection[Row]:
        """Begun, and with everything done that was written so far."""
        return self._ready().connection

    def _run(self, query: str, params: Mapping[str, Any]) -> Cursor[Row]:
        self._statements.run += 1
        return self._connection.execute(self._queries[query].sql.encode(), params)

    def _ready(self) -> Prepared:
        prepared = self._begun or self._begin_alone()
        if self._written:
            self._send(prepared)
        return prepared

    def _begin_alone(self) -> Prepared:
        self._begin()
        assert self._begun is not None
        return self._begun

    def _begin(self, first: bytes = b"") -> pq.abc.PGresult:
        """The result of `first`, which travels with what begins the transaction."""
        self._statements.run += 1
        message = self._begin_with + b";\n" + first
        self._begun = self._connected()
        try:
            return self._begun.run(message)
        except psycopg.OperationalError:
            self._begun.connection.close()
        self._begun = self._connected()
        return self._begun.run(message)

    def _send(self, prepared: Prepared, *, commit: bool = False) -> None:
        written, self._written = self._written, []
        prepared.send(written, commit=commit)


def _document(columns: Sequence[str], rows: Sequence[Record]) -> str:
    """The rows as what an `:all` query is given."""
    return msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()


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
