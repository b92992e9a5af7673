"""What every store promises. One suite, tests/contract, holds all of them to it.

A unit of work is a plain function of a `Transaction`; the store runs it in a thread, in one transaction, and
commits when it returns or rolls back when it raises. There is one writer; reads run beside it on a snapshot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from storage.records import EntryRecord, Record

if TYPE_CHECKING:
    from storage.tables import Tables

Row = tuple[Any, ...]
Scalar = str | int | float | bool | None
T = TypeVar("T")


class StorageError(Exception):
    """The store refused or failed."""

    code = "STORAGE_FAILED"
    hint = "look at the server's log; nothing of this request was recorded"


class StorageUnavailable(StorageError):
    """The store cannot be reached or opened."""

    code = "STORAGE_UNAVAILABLE"
    hint = "check that the database is running and reachable, then try again"


class StorageFull(StorageError):
    """The disk is full: nothing can be written until there is space."""

    code = "STORAGE_FULL"
    hint = "free space on the disk that holds the data; reading goes on"


class StorageConflict(StorageError):
    """The store holds a row that contradicts the one to be written."""

    code = "STORAGE_CONFLICT"


class SchemaTooNew(StorageError):
    """The store was written by a newer release."""

    code = "SCHEMA_TOO_NEW"
    hint = "start the newer ironflow that wrote this data, or point this one to other data"


class SchemaMissing(StorageError):
    """The store was never migrated, or not as far as this code needs."""

    code = "SCHEMA_OUTDATED"
    hint = "run `ironflow migrate`, or start `ironflow serve`, which migrates"


class QueryRefused(StorageError):
    """A query is not one, or asks for what it may not; the message says what the database said."""

    code = "SQL_REFUSED"
    hint = "one SELECT over the views that `ironflow sql` lists"


class QueryTimeout(StorageError):
    """A query took longer than it may."""

    code = "SQL_TIMEOUT"
    hint = "ask for less: positions and streams are indexed, everything else is looked through"


class QueryUnavailable(StorageError):
    """Postgres does not let the server make the role that queries run as."""

    code = "SQL_UNAVAILABLE"
    hint = "have a superuser of the database run sql/postgres/sandbox.sql once, see docs/guides/sql.md"


class VectorsUnavailable(StorageError):
    """The database cannot compare vectors; the message says why."""

    code = "VECTORS_UNAVAILABLE"
    hint = "nearness is computed by the server itself, among the newest failures only"


class QueryLimits(NamedTuple):
    """How long a query may take, and how much of its answer is given."""

    timeout_s: float
    rows_max: int
    bytes_max: int


class Table(NamedTuple):
    """What a query answered. `truncated`: there was more than the limits allow."""

    columns: Sequence[str]
    rows: Sequence[Row]
    truncated: bool


class Statements:
    """How many statements units of work have had the database run, beginnings and ends of transactions among them.
    Threads share it without a lock, so that it may miss one now and then."""

    __slots__ = ("run",)

    def __init__(self) -> None:
        self.run = 0


class Transaction(Protocol):
    """One unit of work: named queries of sql/<dialect>/queries, with keyword parameters. What the store refuses of
    `each` and `append` may be raised later: when something is asked, or at the end of the work at the latest."""

    def one(self, query: str, **params: Any) -> Row | None: ...
    def many(self, query: str, **params: Any) -> list[Row]: ...
    def execute(self, query: str, **params: Any) -> int: ...
    def each(self, query: str, rows: Sequence[Record]) -> None:
        """Run an `:each` query once a row, in order, or an `:all` query for all of them; the rows' fields are its
        parameters, in the order it names them."""
        ...

    def lock(self) -> Row | None:
        """Wait to be the only appender until this transaction ends; then the row of `history_head`."""
        ...

    def append(self, entries: Sequence[EntryRecord]) -> None:
        """Add entries to history as they are, positions and digests included; the bulk path."""
        ...

    def erase(self) -> None:
        """From here on, what this transaction replaces or removes shall not stay behind in files, as far as the store
        can see to that."""
        ...


class Storage(Protocol):
    """A store of history and what is derived from it; `tables` are those of SQL projections."""

    dialect: str
    statements: Statements

    @property
    def tables(self) -> Tables: ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, once it is durable. Units of work follow one another; no two overlap."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, from one snapshot. It must not write."""
        ...

    async def read_once(self, work: Callable[[Transaction], T]) -> T:
        """As `read`, for work that asks for one thing only: nothing is begun or ended for it."""
        ...

    async def query(self, environment: str, sql: str, params: Mapping[str, Scalar], limits: QueryLimits) -> Table:
        """What a user's query answers, who sees the rows of one environment in the views `sql_*`, under their names
        without the prefix, and can do nothing else: the database itself sees to that. Parameters are named, `:name`.
        Values are numbers, texts, booleans, None, bytes or lists of them. Raises QueryRefused, QueryTimeout,
        QueryUnavailable."""
        ...

    async def index_vectors(self, *, build: bool) -> str:
        """Let `near_failures` be answered by the database itself, as far as it can; how: "exact", or "approximate", by
        an index. `build` it, which takes a while, if there are many vectors. Raises VectorsUnavailable."""
        ...

    async def migrate(self) -> Sequence[str]:
        """Names of the migrations applied now, oldest first. Raises SchemaTooNew."""
        ...

    async def check_schema(self) -> None:
        """Returns if the schema is the one this code was written for, else raises SchemaTooNew or SchemaMissing."""
        ...

    def announce(self, position: int) -> None:
        """Tell other nodes, soon and coalesced, that history has reached `position`."""
        ...

    def heed(self, *, others: bool) -> None:
        """Whether other nodes are there to be told; at first they are taken to be. Those that come are told at once how
        far history has reached by what was announced, and so learn that this node is there."""
        ...

    def listen(self) -> AsyncIterator[int]:
        """Positions that other nodes announce. A store with one process yields nothing."""
        ...

    async def close(self) -> None: ...
