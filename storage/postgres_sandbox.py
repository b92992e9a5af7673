"""A user's query on Postgres: run by a function that is a security definer of a role which may read the views, and
nothing else. What there is of it in the database, and why, is told in sql/postgres/sandbox.sql.

Each query has a connection and a transaction of its own, read-only and rolled back. Postgres describes the query before
it runs it, which gives its columns, and refuses more than one statement.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import Connection, errors, pq, sql
from psycopg.pq.abc import PGresult
from psycopg.types.string import TextLoader

from storage import queries
from storage.contract import (
    QueryLimits,
    QueryRefused,
    QueryTimeout,
    QueryUnavailable,
    Row,
    Scalar,
    StorageFull,
    StorageUnavailable,
    Table,
)
from storage.postgres_connecting import told

SETUP_LOCK = 7366002
SCRIPT_VERSION = 1
"""Of sandbox.sql, which notes it, and the schema it was run on, as the comment of what it makes."""
TEMP_FILES_MAX = "1GB"
SQL_CHARS_MAX = 100_000

_JSONB = 3802
_TYPES = {bool: "boolean", int: "bigint", float: "double precision"}


class Sandbox:
    """`script` is sandbox.sql."""

    def __init__(self, url: str, script: str) -> None:
        self._url = url
        self._script = script
        self._ready = False
        self._lock = threading.Lock()

    def query(self, environment: str, text: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Storage.query."""
        with self.connected() as connection, translated(), connection.transaction(force_rollback=True):
            connection.execute("insert into ironflow_sql.caller (environment) values (%s)", (environment,))
            return ask(connection, "ironflow_sql", text, params, limits)

    @contextmanager
    def connected(self) -> Iterator[Connection[Row]]:
        """A connection to a database where what sandbox.sql makes is made. Raises QueryUnavailable."""
        with self._connect() as connection:
            self._set_up(connection)
            yield connection

    def _connect(self) -> Connection[Row]:
        try:
            connection = psycopg.connect(told(self._url), autocommit=True)
        except psycopg.OperationalError as error:
            raise StorageUnavailable(f"query: {' '.join(str(error).split())}") from error
        for name in ("json", "jsonb"):
            connection.adapters.register_loader(name, TextLoader)
        return connection

    def _set_up(self, connection: Connection[Row]) -> None:
        """Once a process, and only if another has not: make what sandbox.sql makes. Raises QueryUnavailable."""
        with self._lock:
            if self._ready:
                return
            try:
                with connection.transaction():
                    connection.execute("select pg_advisory_xact_lock(%s)", (SETUP_LOCK,))
                    if not _is_set_up(connection):
                        connection.execute(self._script.encode())
            except (errors.InsufficientPrivilege, errors.InvalidGrantOperation) as error:
                raise QueryUnavailable(
                    f"the database user may not prepare SQL: {error.diag.message_primary}"
                ) from error
            except psycopg.OperationalError as error:
                raise StorageUnavailable(f"query: {' '.join(str(error).split())}") from error
            self._ready = True


def _is_set_up(connection: Connection[Row]) -> bool:
    row = connection.execute(
        "select obj_description(to_regnamespace('ironflow_sql'), 'pg_namespace'),"
        " (select max(number) from schema_migrations)"
    ).fetchone()
    return row is not None and row[0] == f"ironflow sandbox {SCRIPT_VERSION} for schema {row[1]}"


def ask(connection: Connection[Row], place: str, text: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
    """What a query answers that the function `run` of a place, a schema with a role of its name, runs; within a
    transaction, which then is read-only."""
    prepared = with_parameters(text, params)
    connection.execute("set transaction read only")
    if connection.info.parameter_status("is_superuser") == "on":
        connection.execute(f"set local temp_file_limit = '{TEMP_FILES_MAX}'".encode())
    enter(connection, place)
    connection.execute(f"set local statement_timeout = {int(limits.timeout_s * 1000)}".encode())
    columns, types = _described(connection, prepared)
    rows = connection.execute(
        sql.SQL("select * from {}.run(%s, %s::jsonb, %s, %s) as answer({})").format(
            sql.Identifier(place),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(f"c{number}"), sql.SQL(kind))
                for number, kind in enumerate(types)
            ),
        ),
        (prepared, json.dumps(params), limits.rows_max + 1, limits.bytes_max),
    ).fetchall()
    return _table(columns, rows, limits)


def enter(connection: Connection[Row], place: str) -> None:
    """For the rest of the transaction names are those of the place, and rights too."""
    connection.execute(sql.SQL("set local search_path = {}, pg_catalog, pg_temp").format(sql.Identifier(place)))
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(place)))


def with_parameters(text: str, params: Mapping[str, Scalar]) -> str:
    """The statement, with what each `:name` stands for taken out of $1, an object of all parameters."""
    if len(text) > SQL_CHARS_MAX:
        raise QueryRefused(f"the query has {len(text)} characters, at most {SQL_CHARS_MAX} are read")

    def parameter(name: str) -> str:
        if name not in params:
            raise QueryRefused(f"parameter :{name} is not given")
        if params[name] is None:
            return "null"  # of whatever type fits
        return f"(($1->>'{name}')::{_TYPES.get(type(params[name]), 'text')})"

    return queries.rewritten(text, parameter)


def _described(connection: Connection[Row], text: str) -> tuple[list[str], list[str]]:
    """Names and types of the query's columns; it is analysed, not run."""
    result = parse(connection, text)
    encoding = connection.info.encoding
    count = result.nfields
    if not count:
        raise QueryRefused("it is not a query: nothing comes of it")
    kinds = [(result.ftype(number), result.fmod(number)) for number in range(count)]
    named = connection.execute(
        "select format_type(oid, mod) from unnest(%s::oid[], %s::int[]) with ordinality as t(oid, mod, n) order by n",
        ([oid for oid, _ in kinds], [mod for _, mod in kinds]),
    ).fetchall()
    return [(result.fname(number) or b"").decode(encoding) for number in range(count)], [name for (name,) in named]


def parse(connection: Connection[Row], text: str) -> PGresult:
    """What Postgres says of one statement, without running it: of several it says no."""
    server = connection.pgconn
    for result in (server.prepare(b"", text.encode(), [_JSONB]), server.describe_prepared(b"")):
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, encoding=connection.info.encoding)
    return result


def _table(columns: list[str], rows: list[Row], limits: QueryLimits) -> Table:
    shown = [tuple(_plain(value) for value in row) for row in rows[: limits.rows_max]]
    return Table(columns, shown, len(rows) > limits.rows_max)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except errors.QueryCanceled as error:
        raise QueryTimeout("the query took too long") from error
    except (errors.DiskFull, errors.OutOfMemory) as error:
        raise StorageFull(f"query: {error}") from error
    except (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow) as error:
        raise StorageUnavailable(f"query: {' '.join(str(error).split())}") from error
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise StorageUnavailable(f"query: {' '.join(str(error).split())}") from error
        raise QueryRefused(error.diag.message_primary or str(error)) from error
