"""Prepared statements straight through libpq, for the few that every commit runs.

What psycopg does around a statement (adapt, choose a format, prepare, wait in Python) costs more than these statements
do. libpq's own blocking calls release the interpreter's lock while they wait, so that only their thread stands still.
"""

from __future__ import annotations

import re
import select
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from psycopg import Connection, DataError, Error, OperationalError, errors, pq

from storage.contract import Row
from storage.records import Record

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class RowWrite(NamedTuple):
    """A statement, by the name of its query, and the row whose values stand for its parameters, in the order it names
    them."""

    query: str
    sql: str
    row: Record


class Prepared:
    """The statements prepared on one connection."""

    def __init__(self, connection: Connection[Row]) -> None:
        self.connection = connection
        self._libpq = connection.pgconn
        self._prepared: set[str] = set()

    def run(self, sql: bytes) -> pq.abc.PGresult:
        """The result of the last of the statements, which have no parameters. Raises as psycopg does."""
        return self._checked(self._libpq.exec_(sql))

    def send(self, writes: Sequence[RowWrite], *, commit: bool = False) -> None:
        """Have them done in order, and commit then if so asked, all in one message. The first refusal is raised once
        everything is answered; nothing that came after it was done."""
        bound = [(write.query.encode(), *_bound(write.row)) for write in writes]
        new = {write.query: write.sql for write in writes if write.query not in self._prepared}
        try:
            self._libpq.enter_pipeline_mode()
            for query, sql in new.items():
                self._libpq.send_prepare(query.encode(), _numbered(sql))
            for name, values, formats in bound:
                self._libpq.send_query_prepared(name, values, formats)
            if commit:
                self._libpq.send_query_params(b"commit", None)
            self._libpq.pipeline_sync()
            answers = list(self._answers())
            self._libpq.exit_pipeline_mode()
        except BaseException:
            self.connection.close()  # nobody could tell what it answers next
            raise
        self._prepared.update(query for query, answer in zip(new, answers, strict=False) if answer.status in _DONE)
        for answer in answers:
            self._checked(answer)
        if commit:
            _committed(answers[-1])

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
        _committed(self.run(b"commit"))

    def roll_back(self) -> None:
        """Undo; a connection that cannot do that is closed, which does."""
        if self.connection.closed:
            return
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


def _committed(answer: pq.abc.PGresult) -> None:
    if answer.command_status != b"COMMIT":
        raise errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")


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
