"""Tables of SQL projections: each is made and written by statements of a user, who can reach that table and nothing
else. The database sees to that, as it does for queries, see Storage.query.

How far a table has come is kept beside it and changes with it in one transaction: a statement of an event is in it
once, whoever sends it, and how often.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import NamedTuple, Protocol, TypeVar

from storage.contract import QueryLimits, QueryRefused, QueryUnavailable, Scalar, StorageError, Table
from storage.projections import Key

STATEMENT_TIMEOUT_S = 5.0

T = TypeVar("T")

# The first word of a single statement says what it is. Which tables it reaches is for the database to refuse.
_CREATE = re.compile(
    r"\s*create\s+table\s+(if\s+not\s+exists\s+)?(\"?)(?P<name>proj_[a-z0-9_]{1,50})\2\s*\(", re.IGNORECASE
)
_WRITE = re.compile(r"\s*(insert|update|delete|with|merge|replace)\b", re.IGNORECASE)


class TableMissing(StorageError):
    """The table was never made, or was dropped, or its file is gone."""

    code = "TABLE_MISSING"
    hint = "rebuild the projection"


class TableRefused(QueryRefused):
    """`index` is which statement is refused; -1: the making of the table."""

    hint = "create table proj_totals (id text primary key, …), and for each event one insert, update or delete of it"

    def __init__(self, message: str, index: int = -1) -> None:
        super().__init__(message)
        self.index = index


class TablesUnavailable(QueryUnavailable):
    hint = "have a superuser of the database let its user make roles: alter role … createrole"


class Design(NamedTuple):
    """`create` is the statement that makes the table `name`."""

    name: str
    create: str


def design(create: str) -> Design:
    """Raises QueryRefused for what is not the making of one table `proj_…`."""
    found = _CREATE.match(create)
    if found is None:
        raise TableRefused("it does not begin with: create table proj_… (")
    return Design(found["name"].lower(), create)


def check_write(sql: str) -> None:
    """Raises QueryRefused for what does not begin as a statement that writes."""
    if not _WRITE.match(sql):
        raise TableRefused("it does not begin with insert, update, delete or with")


@contextmanager
def refused_as(index: int) -> Iterator[None]:
    try:
        yield
    except QueryRefused as refused:
        raise TableRefused(str(refused), index) from refused.__cause__


class Statement(NamedTuple):
    """What an event at a position does. Parameters are written `:name`."""

    position: int
    sql: str
    params: Mapping[str, Scalar]


class Written(NamedTuple):
    """Up to where the statements are in the table; `failed` is the position of the one that is not, 0 if all are, and
    `error` what the database said of it."""

    position: int
    failed: int = 0
    error: str = ""


class Run(Protocol):
    """Does something in a thread of a store."""

    async def __call__(self, work: Callable[[], T]) -> T: ...


class Scratch(Protocol):
    """A table that is filled to be asked once: it is nobody else's, nothing of it lasts, and it needs no lock of the
    store's."""

    async def write(self, statements: Sequence[Statement], *, through: int) -> Written:
        """See Tables.write."""
        ...

    async def ask(self, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """See Tables.ask."""
        ...


class Tables(Protocol):
    async def check(self, design: Design, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Returns if the table can be made, and each statement, with its parameters, is one that could write it.
        Nothing is kept. Raises TableRefused, QueryUnavailable."""
        ...

    async def ensure(self, key: Key, design: Design, *, after: int) -> int:
        """Make the table, if it is not there, as one that has come to `after`; how far it has come. Raises as
        `check`."""
        ...

    async def write(self, key: Key, statements: Sequence[Statement], *, through: int) -> Written:
        """Do what the statements say, in order, those behind the table's position left out, and move it to `through`;
        or to before the first one that fails. Raises TableMissing."""
        ...

    async def ask(self, key: Key, design: Design, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """What a query answers that sees this table only. Raises QueryRefused, QueryTimeout, TableMissing."""
        ...

    def scratch(self, design: Design) -> AbstractAsyncContextManager[Scratch]:
        """An empty table of the same design, confined as the lasting one is. Raises as `check`."""
        ...

    async def drop(self, key: Key) -> None:
        """One that is not there is no error."""
        ...
