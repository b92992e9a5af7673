"""The tables of SQL projections: checked before they are registered, filled by their runners, asked by everybody."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

from app import texts
from app.errors import FailedPrecondition, InvalidArgument, SqlRefused, SqlTimeout, Unimplemented
from app.history.kinds import ProjectionDefinition
from app.history.sql import json_value
from app.projections import feed
from app.projections.noun import Projection, of_row
from app.projections.statements import Statements
from storage import history, projections
from storage.contract import QueryLimits, QueryRefused, QueryTimeout, QueryUnavailable, Storage, Table, Transaction
from storage.projections import Key
from storage.tables import Scratch, Statement, TableMissing, TableRefused, Written

LIMIT = (100, 1_000)
OFFSET_MAX = 2**31 - 1
TIMEOUT_S = 5.0
BYTES_MAX = 16 * 2**20
FOLD_EVENTS_MAX = 100_000
FOLDS_MAX = 2
"""How many events are folded for a table as of a position, and how many such tables there are at a time."""


class ProjectionTables:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._folding = asyncio.Semaphore(FOLDS_MAX)

    async def start(self) -> None:
        """Drop what is left of generations that are no more."""
        for key in await self._storage.read(_left):
            await self.drop(key)

    async def check(self, definition: ProjectionDefinition) -> None:
        """Returns if the database would take the table and its statements. Raises InvalidArgument that names the field,
        Unimplemented where the server may have no tables."""
        if definition.table is None:
            return
        statements = Statements(definition.table)
        handlers = list(statements.handlers.items())
        try:
            await self._storage.tables.check(statements.design, [(one.sql, one.names) for _, one in handlers])
        except TableRefused as refused:
            field = "table_sql" if refused.index < 0 else f"event_handlers.{handlers[refused.index][0][:80]}"
            raise InvalidArgument(str(refused), field=field, hint=refused.hint) from None
        except QueryUnavailable as unavailable:
            raise Unimplemented(str(unavailable), hint=unavailable.hint) from None

    async def ensure(self, key: Key, statements: Statements, *, after: int) -> int:
        """How far the table has come, which is made if it is not there; that there is one is noted before."""
        await self._storage.write(lambda tx: projections.note_table(tx, key))
        return await self._storage.tables.ensure(key, statements.design, after=after)

    async def write(self, key: Key, statements: Sequence[Statement], *, through: int) -> Written:
        """See Tables.write."""
        return await self._storage.tables.write(key, statements, through=through)

    async def drop(self, key: Key) -> None:
        """One that is not there is no error."""
        await self._storage.tables.drop(key)
        await self._storage.write(lambda tx: projections.forget_table(tx, key))

    async def rows(
        self,
        projection: Projection,
        *,
        where: str = "",
        order_by: str = "",
        limit: int = 0,
        offset: int = 0,
        at: int = history.END,
    ) -> tuple[Table, int]:
        """Rows of the table that serves, now or as of a position, and how many there are without the limit. Raises
        InvalidArgument, SqlRefused, SqlTimeout, FailedPrecondition for a projection that has no table, and where too
        much would have to be folded."""
        definition = projection.serving.definition
        if definition.table is None:
            raise FailedPrecondition(f"{projection.name} is {definition.mode}: it has no table", hint="get its state")
        _check(where=where, order_by=order_by, limit=limit, offset=offset)
        statements, key = Statements(definition.table), projection.key()
        design = statements.design
        chosen = f"from {design.name}" + (f" where (\n{where}\n)" if where.strip() else "")
        ordered = f" order by {order_by}\n" if order_by.strip() else ""
        page = f"select * {chosen}{ordered} limit {limit or LIMIT[0]} offset {offset}"
        count = f"select count(*) {chosen}"
        limits = QueryLimits(TIMEOUT_S, LIMIT[1], BYTES_MAX)
        tables = self._storage.tables
        try:
            if at < history.END:
                async with self._folding, tables.scratch(design) as scratch:
                    await self._fold(scratch, projection, statements, at)
                    found, counted = await scratch.ask(page, {}, limits), await scratch.ask(count, {}, limits)
            else:
                found = await tables.ask(key, design, page, {}, limits)
                counted = await tables.ask(key, design, count, {}, limits)
        except TableMissing:
            raise FailedPrecondition(f"the table of {projection.name} is not there yet", hint="ask again") from None
        except QueryRefused as refused:
            hint = f"SQL over the columns of {design.name}"
            raise SqlRefused(str(refused), field="where" if where else "order_by", hint=hint) from None
        except QueryTimeout as late:
            raise SqlTimeout(f"{late}: more than {TIMEOUT_S:g} s", field="where", hint=late.hint) from None
        shown = [tuple(map(json_value, row)) for row in found.rows]
        return found._replace(rows=shown), int(counted.rows[0][0])

    async def _fold(self, scratch: Scratch, projection: Projection, statements: Statements, at: int) -> None:
        """What the runner did with the events up to a position, once more. Raises FailedPrecondition for too many."""
        position, seen, skips = 0, 0, projection.serving.definition.on_error == "skip"
        while position < at:
            page = functools.partial(
                feed.read,
                projection=projection,
                generation=projection.serving,
                after=position,
                until=at,
                limit=feed.BATCH[1],
            )
            batch = await self._storage.read(page)
            left, position = list(batch.events), batch.through
            seen += len(left)
            if seen > FOLD_EVENTS_MAX:
                raise FailedPrecondition(
                    f"more than {FOLD_EVENTS_MAX} events lie before position {at}",
                    field="at",
                    hint="leave it out, or ask for one further back",
                )
            while left:
                written = await scratch.write(statements.of(left), through=position)
                if not written.failed:
                    break
                if not skips:
                    return  # where the projection stopped
                left = [one for one in left if one.position > written.failed]


def _left(tx: Transaction) -> list[Key]:
    """Those of no generation. One snapshot: another node may have registered one just now."""
    found = []
    for key in projections.tables(tx):
        row = projections.get(tx, key.environment, key.name)
        if row is None or of_row(row).generation(key.generation) is None:
            found.append(key)
    return found


def _check(*, where: str, order_by: str, limit: int, offset: int) -> None:
    texts.check(where, field="where")
    texts.check(order_by, field="order_by")
    if not 0 <= limit <= LIMIT[1]:
        raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT[1]}")
    if not 0 <= offset <= OFFSET_MAX:
        raise InvalidArgument(f"offset {offset} is out of range", field="offset", hint=f"0 to {OFFSET_MAX}")
