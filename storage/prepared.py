"""Prepared statements straight through libpq, for the few that every commit runs.

What psycopg does around a statement (adapt, choose a format, prepare, wait in Python) costs more than these statements
do. libpq's own blocking calls release the interpreter's lock while they wait, so that only their thread stands still.
"""

from __future__ import annotations

import re
import select
from collections.abc import Iterator, Sequence

from psycopg import Connection, DataError, Error, OperationalError, errors, pq

from storage.contract import Row
from storage.records import Record

MANY_ROWS = 5
"""From here on one message for all rows beats a round trip for each."""

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Prepared:
    """The statements prepared on one connection."""

    def __init__(self, connection: Connection[Row]) -> None:
        self.connection = connection
        self._libpq = connection.pgconn
        self._names: dict[str, bytes] = {}

    def run(self, sql: bytes) -> pq.abc.PGresult:
        """The result of the last of the statements, which have no parameters. Raises as psycopg does."""
        return self._checked(self._libpq.exec_(sql))

    def each(self, query: str, sql: str, rows: Sequence[Record]) -> None:
        """Run the statement once a row; the row's values stand for its parameters, in the order it names them. Many
        rows travel together; the first refusal is raised once all are answered."""
        name = self._names.get(query)
        if name is None:
            name = query.encode()
            self._checked(self._libpq.prepare(name, _numbered(sql)))
            self._names[query] = name
        if len(rows) < MANY_ROWS:
            for row in rows:
                self._checked(self._libpq.exec_prepared(name, *_bound(row)))
            return
        bound = [_bound(row) for row in rows]
        self._libpq.enter_pipeline_mode()
        for values, formats in bound:
            self._libpq.send_query_prepared(name, values, formats)
        self._libpq.pipeline_sync()
        refused = [result for result in self._answers() if result.status not in _DONE]
        self._libpq.exit_pipeline_mode()
        if refused:
            self._checked(refused[0])

    def _answers(self) -> Iterator[pq.abc.PGresult]:
        """The results of what was sent, up to the synchronisation. Reads while there is something to write, as libpq
        wants it, so that neither side waits for the other with its buffers full."""
        libpq = self._libpq
        socket = select.poll()
        writing = libpq.flush()
        while True:
            socket.register(libpq.socket, select.POLLIN | (select.POLLOUT if writing else 0))
            socket.poll()
            libpq.consume_input()
            writing = writing and libpq.flush()
            ended = False
            while not libpq.is_busy():
                result = libpq.get_result()
                if result is None:
                    if ended:
                        break  # nothing more has come
                    ended = True
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    return
                ended = False
                yield result

    def commit(self) -> None:
        """Commit. Raises as psycopg does, also if an error before has made a rollback of it."""
        if self.run(b"commit").command_status != b"COMMIT":
            raise errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")

    def roll_back(self) -> None:
        """Undo; a connection that cannot do that is closed, which does."""
        try:
            self.run(b"rollback")
        except Error:
            self.connection.close()

    def _checked(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in _DONE:
            return result
        if self._libpq.status == pq.ConnStatus.BAD:
            raise OperationalError(result.error_message.decode(errors="replace").strip())
        raise errors.error_from_result(result)


def _bound(row: Record) -> tuple[list[bytes], list[int]]:
    """The row's values and their formats; libpq takes None for null, whatever psycopg's types say."""
    return [_encoded(value) for value in row], [isinstance(value, bytes) for value in row]  # type: ignore[misc]


def _encoded(value: object) -> bytes | None:
    """Bytes are sent as they are, everything else as text, whose type Postgres infers from the column."""
    if value is None or isinstance(value, bytes):
        return value
    text = str(value).encode()
    if 0 in text:  # libpq would end the text there
        raise DataError("a text with a NUL cannot be stored")
    return text


def _numbered(sql: str) -> bytes:
    """The statement with $1, $2 … for psycopg's names."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}" if match[1] else "%"

    return _PARAMETER.sub(number, sql).encode()
