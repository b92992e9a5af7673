"""A user's query on SQLite: a connection of its own that can only read, watched by SQLite's authorizer.

The store is attached read-only under a name that nobody can guess, to an empty database in memory. Each table and view
that may be read has a temporary view of its name in front of it, with the rows of one environment; SQLite looks there
first, so without that name there is no way past them. Everything else the authorizer refuses while the query is
compiled. It could tell who asks by the view within which a table is read, but a common table expression may call
itself as it likes.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import apsw

from storage.contract import (
    QueryLimits,
    QueryRefused,
    QueryTimeout,
    Row,
    Scalar,
    StorageFull,
    StorageUnavailable,
    Table,
)

VIEW_PREFIX = "sql_"
MEMORY_BYTES_MAX = 256 * 2**20
STEPS_BETWEEN_LOOKS = 2_000
BUSY_TIMEOUT_MS = 10_000

_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
LIMITS = {
    apsw.SQLITE_LIMIT_LENGTH: 16 * 2**20,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    apsw.SQLITE_LIMIT_COLUMN: 500,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 200,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
TABLE_FUNCTIONS = frozenset(("json_each", "json_tree"))
_FUNCTION_NAMES = """
    abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like likelihood likely lower ltrim max
    min nullif octet_length printf quote replace round rtrim sign soundex substr substring trim typeof unhex unicode
    unistr unlikely upper zeroblob random
    avg count group_concat median percentile string_agg sum total
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp
    json json_array json_array_length json_error_position json_extract json_insert json_object json_patch json_pretty
    json_quote json_remove json_replace json_set json_type json_valid json_group_array json_group_object -> ->>
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power
    radians sin sinh sqrt tan tanh trunc
"""
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_ACTIONS = {
    number: name.removeprefix("SQLITE_").lower().replace("_", " ")
    for name, number in apsw.mapping_authorizer_function.items()
    if isinstance(name, str) and isinstance(number, int)
}


def query(path: Path, environment: str, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
    """See Storage.query."""
    guard = Guard(time.monotonic() + limits.timeout_s)
    with guard.translated(), closing(apsw.Connection(":memory:", flags=_FLAGS)) as connection:
        _prepare(connection, path, environment, guard)
        only = OneStatement(sql)
        cursor = connection.cursor()
        cursor.exec_trace = only.check
        cursor.execute(sql, dict(params), can_cache=False)
        if not only.columns:
            raise QueryRefused("there is no statement")
        return taken(only.columns, cursor, limits)


def _prepare(connection: apsw.Connection, path: Path, environment: str, guard: Guard) -> None:
    """Attach the store, put the views in front of it, and close the door."""
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("pragma temp_store = memory")
    store = f"store_{secrets.token_hex(16)}"
    connection.execute("attach ? as ?", (f"file:{quote(str(path.absolute()))}?mode=ro", store))
    rows = connection.execute(
        f'select name from "{store}".sqlite_schema where type = ? and name glob ?', ("view", "sql_*")
    )
    names = sorted(name.removeprefix(VIEW_PREFIX) for (name,) in rows)
    for name in names:
        described = connection.execute(f'pragma "{store}".table_info("{VIEW_PREFIX}{name}")')
        columns = ", ".join(f'"{column}"' for _, column, *_ in described if column != "environment")
        connection.execute(
            f'create temp view "{name}" as select {columns} from "{store}"."{VIEW_PREFIX}{name}"'
            f" where environment = {apsw.format_sql_value(environment)}"
        )
        connection.execute(f'create temp view "{VIEW_PREFIX}{name}" as select * from temp."{name}"')
    for limit, most in LIMITS.items():
        connection.limit(limit, most)
    shown = frozenset([*names, *(VIEW_PREFIX + name for name in names)])
    known = {name for (name,) in connection.execute(f'select name from "{store}".sqlite_schema')}
    known |= {name for (name,) in connection.execute("pragma module_list")}
    hidden = frozenset(name.lower() for name in known) - shown - TABLE_FUNCTIONS
    guard.watch(connection, Rights({"main": TABLE_FUNCTIONS, "temp": shown, store: shown}, hidden))


class Rights(NamedTuple):
    """What may be read in each database, by lower-case name; what of `main` may be written, and made; and what not even
    its rows may be counted of."""

    reads: Mapping[str, frozenset[str]]
    hidden: frozenset[str]
    writes: frozenset[str] = frozenset()
    makes: frozenset[str] = frozenset()


class Guard:
    """Says no to the compiler, and stops what takes too long or too much memory."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._memory = apsw.memory_used()
        self._refused = ""
        self._stopped: Exception | None = None
        self.off = False
        """While what is compiled is the server's own."""

    def watch(self, connection: apsw.Connection, rights: Rights) -> None:
        """From now on nothing is compiled that goes beyond the rights."""

        def authorize(action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
            if self.off or _allows(rights, action, (first or "").lower(), (second or "").lower(), database):
                return apsw.SQLITE_OK
            what = second if action == apsw.SQLITE_FUNCTION else first
            self._refused = f"{_ACTIONS.get(action, 'that')} {what or ''}".strip()
            return apsw.SQLITE_DENY

        connection.set_authorizer(authorize)
        connection.set_progress_handler(self._goes_on_too_long, STEPS_BETWEEN_LOOKS)

    def allow_s(self, seconds: float) -> None:
        """Time for the next statement."""
        self._deadline = time.monotonic() + seconds

    def _goes_on_too_long(self) -> bool:
        if time.monotonic() > self._deadline:
            self._stopped = QueryTimeout("the query took too long")
        elif apsw.memory_used() - self._memory > MEMORY_BYTES_MAX:
            self._stopped = QueryRefused(f"the query needs more than {MEMORY_BYTES_MAX >> 20} MiB of memory")
        return self._stopped is not None

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CantOpenError, apsw.BusyError, apsw.NotADBError, apsw.IOError, PermissionError) as error:
            raise StorageUnavailable(f"query: {error}") from error
        except apsw.FullError as error:
            raise StorageFull(f"query: {error}") from error
        except apsw.InterruptError as error:
            raise (self._stopped or QueryTimeout("the query was stopped")) from error
        except apsw.AuthError as error:
            raise QueryRefused(f"not allowed: {self._refused}") from error
        except KeyError as error:
            raise QueryRefused(f"parameter :{error.args[0]} is not given") from error
        except (apsw.Error, MemoryError, TypeError) as error:
            raise QueryRefused(str(error).removeprefix("SQLLogicError: ")) from error


def _allows(rights: Rights, action: int, first: str, second: str, database: str | None) -> bool:
    if action in (apsw.SQLITE_SELECT, apsw.SQLITE_RECURSIVE):
        return True
    if action == apsw.SQLITE_FUNCTION:
        return second in _FUNCTIONS
    if action == apsw.SQLITE_READ and database is None:  # rows of something are counted, maybe of a subquery
        return first not in rights.hidden and not first.startswith("sqlite_")
    if action == apsw.SQLITE_READ and first in rights.reads.get(database or "", ()):
        return True
    if database != "main":
        return False
    if action in (apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE):
        return first in rights.writes or (bool(rights.makes) and first == "sqlite_master")
    if action == apsw.SQLITE_READ:
        return bool(rights.makes) and first == "sqlite_master"
    if action == apsw.SQLITE_CREATE_INDEX:  # what a constraint needs
        return second in rights.makes and first.startswith("sqlite_autoindex_")
    return action == apsw.SQLITE_CREATE_TABLE and first in rights.makes


class OneStatement:
    """Lets one statement through, and nothing after it."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self.columns: list[str] = []

    def check(self, cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        if not statement.strip():
            return True
        if cursor.is_explain:
            raise QueryRefused("not allowed: explain")
        self.columns = [name for name, *_ in cursor.get_description()]
        rest = self._sql.partition(statement)[2]
        if rest.strip() and _has_statement(cursor.connection, rest):
            raise QueryRefused("there is more than one statement")
        return True


def _has_statement(connection: apsw.Connection, text: str) -> bool:
    """Whether there is anything but comments and space."""
    seen: list[str] = []

    def note(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        seen.append(statement)
        raise QueryRefused("there is more than one statement")

    cursor = connection.cursor()
    cursor.exec_trace = note
    try:
        cursor.execute(text, can_cache=False)
    except QueryRefused:
        pass
    except apsw.Error:
        return True
    return bool(seen)


def taken(columns: list[str], cursor: Iterator[Row], limits: QueryLimits) -> Table:
    rows: list[Row] = []
    size = 0
    for row in cursor:
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if size > limits.bytes_max:
            raise QueryRefused(f"the answer has more than {limits.bytes_max >> 20} MiB")
        if len(rows) == limits.rows_max:
            return Table(columns, rows, True)
        rows.append(row)
    return Table(columns, rows, False)
