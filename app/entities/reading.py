"""Entities as they are read: their events forward and backward, what is known of them, lists, and what they caused.

Every question can be asked as of a position of history: the answer is then what it was when that was the last entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app import texts
from app.errors import AmbiguousId, InvalidArgument, RunNotFound, StreamNotFound
from app.history.entry import Entry
from app.history.kinds import EntityDeleted, EventEmitted
from app.history.kinds.entity import stream
from app.runs import reading as run_reading
from app.runs.reading import RunRecord
from storage import entities, events, history
from storage.contract import Storage, Transaction
from storage.records import EntityRow

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
COUNT_MAX = 10_000
DIRECTIONS = ("forward", "backward")


class Key(NamedTuple):
    """Which entity. Without a type, the one of that id; `at` is a position."""

    environment: str
    id: str
    type: str = ""
    at: int = history.END


class StreamPage(msgspec.Struct, frozen=True):
    """`entries` are events, and at the end of a deleted entity its deletion. `next_version` is where to read on, 0 at
    the end."""

    info: EntityRow
    entries: Sequence[Entry]
    next_version: int


class Told(msgspec.Struct, frozen=True):
    """An event with the runs it started, as far as they have come."""

    entry: Entry
    runs: Sequence[RunRecord] = msgspec.field(default_factory=list)


class EntityPage(msgspec.Struct, frozen=True):
    """`total` counts no further than COUNT_MAX."""

    rows: Sequence[EntityRow]
    next_cursor: str
    total: int


class EntityReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def info(self, key: Key) -> EntityRow:
        """Raises StreamNotFound, AmbiguousId."""
        return await self._storage.read(lambda tx: info(tx, key))

    async def read(
        self, key: Key, *, from_version: int = 0, limit: int = LIMIT_DEFAULT, direction: str = "forward"
    ) -> StreamPage:
        """Entries from a version on, inclusive; 0 is the first, or backward the last. Raises StreamNotFound,
        AmbiguousId, InvalidArgument."""
        _check(from_version, limit, direction)
        return await self._storage.read(lambda tx: _read(tx, key, from_version, limit, direction))

    async def history(
        self, key: Key, *, from_version: int = 0, limit: int = LIMIT_DEFAULT, direction: str = "forward"
    ) -> tuple[StreamPage, Sequence[Told]]:
        """The same, with the runs that each event started, and their steps."""
        _check(from_version, limit, direction)

        def work(tx: Transaction) -> tuple[StreamPage, Sequence[Told]]:
            page = _read(tx, key, from_version, limit, direction)
            return page, [_told(tx, entry, key.at) for entry in page.entries]

        return await self._storage.read(work)

    async def of_run(self, environment: str, run_id: str) -> Sequence[tuple[str, str]]:
        """Types and ids of the entities that a run appended to, at most LIMIT_MAX."""
        return await self._storage.read(lambda tx: events.entities_of_run(tx, environment, run_id, limit=LIMIT_MAX))

    async def list(
        self,
        environment: str,
        *,
        type: str = "",
        search: str = "",
        include_deleted: bool = False,
        limit: int = LIMIT_DEFAULT,
        cursor: str = "",
        offset: int = 0,
    ) -> EntityPage:
        """In the order of their ids. Raises InvalidArgument."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        for name, text in (("search", search), ("type", type), ("cursor", cursor)):
            texts.check(text, field=name)
        after_type, _, after_id = cursor.partition("/")
        if cursor and not after_id:
            raise InvalidArgument(f"cursor {cursor[:40]!r} is not one that a list returned", field="cursor")

        def work(tx: Transaction) -> EntityPage:
            rows = entities.page(
                tx,
                environment,
                type=type,
                search=search,
                include_deleted=include_deleted,
                after=(after_id, after_type),
                limit=limit + 1,
                offset=offset,
            )
            total = entities.count(
                tx, environment, type=type, search=search, include_deleted=include_deleted, limit=COUNT_MAX
            )
            last = rows[limit - 1] if len(rows) > limit else None
            return EntityPage(rows[:limit], f"{last.type}/{last.id}" if last else "", total)

        return await self._storage.read(work)


def info(tx: Transaction, key: Key) -> EntityRow:
    """What is known of the entity as of `key.at`: all of it follows from its first and last entry until then."""
    row = _find(tx, key)
    if row.position <= key.at:
        return row
    where = stream(row.type, row.id)
    last = history.of_stream_backwards(tx, key.environment, where, until=key.at, limit=1)
    if not last:
        raise StreamNotFound(f"{row.type}/{row.id} did not exist at position {key.at}")
    entry = last[0]
    deleted = entry.kind == EntityDeleted.kind
    return row._replace(
        version=entry.version,
        event_count=entry.version - deleted,
        updated_at=entry.recorded_at,
        deleted_at=entry.recorded_at if deleted else None,
        position=entry.position,
    )


def _find(tx: Transaction, key: Key) -> EntityRow:
    environment, id, type, _ = key
    if "\0" in id + type:
        found = []  # no name has one, and Postgres cannot be asked
    elif type:
        row = entities.get(tx, environment, type, id)
        found = [row] if row else []
    else:
        found = entities.of_id(tx, environment, id)
    if not found:
        raise StreamNotFound(f"nothing was appended to {type or 'an entity'}/{id[:80]} in environment {environment}")
    if len(found) > 1:
        types = ", ".join(row.type for row in found)
        raise AmbiguousId(f"{len(found)} types have an entity {id!r}: {types}", field="entity_type", hint="name one")
    return found[0]


def _read(tx: Transaction, key: Key, from_version: int, limit: int, direction: str) -> StreamPage:
    row = info(tx, key)
    where = stream(row.type, row.id)
    if direction == "forward":
        after = max(0, from_version - 1)
        records = history.of_stream(tx, key.environment, where, after_version=after, until=key.at, limit=limit)
        next_version = records[-1].version + 1 if records and records[-1].version < row.version else 0
    else:
        before = from_version + 1 if from_version else history.END
        records = history.of_stream_backwards(
            tx, key.environment, where, before_version=before, until=key.at, limit=limit
        )
        next_version = records[-1].version - 1 if records else 0
    return StreamPage(row, [Entry(record) for record in records], next_version)


def _told(tx: Transaction, entry: Entry, at: int) -> Told:
    fact = entry.fact
    runs: list[RunRecord] = []
    for run_id in fact.run_ids if isinstance(fact, EventEmitted) else ():
        try:
            runs.append(run_reading.load(tx, entry.environment, run_id, until=at))
        except RunNotFound:  # as of a position between the event and its runs
            continue
    return Told(entry, runs)


def _check(from_version: int, limit: int, direction: str) -> None:
    if direction not in DIRECTIONS:
        raise InvalidArgument(f"direction {direction[:40]!r} is unknown", field="direction", hint="forward or backward")
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
    if not 0 <= from_version < history.END:
        raise InvalidArgument(f"from_version {from_version} is out of range", field="from_version", hint="1 or more")
