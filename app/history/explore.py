"""Look through history: entries by kind, stream, actor, time and correlation, page by page, in order or backwards.

History has no index but its positions and its streams, so that recording stays cheap. A search without a stream looks
at so many entries at a time, and then answers what it found and where to go on.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app import patterns
from app.errors import InvalidArgument, NotFound
from app.history.entry import Entry
from app.history.kinds import KINDS
from storage import history
from storage.contract import Storage, Transaction

LIMIT_MAX = 1_000
SCANNED_MAX = 200_000


class Wanted(msgspec.Struct, frozen=True):
    """What an entry must have; empty is anything. Kinds are names or patterns such as `run.*`; instants in µs."""

    kinds: tuple[str, ...] = ()
    stream: str = ""
    actor: str = ""
    correlation: str = ""
    causation: str = ""
    since: int = 0
    until: int = 2**62


class HistoryPage(msgspec.Struct, frozen=True):
    """`cursor` is the position to go on from, 0 if there is nothing more; an empty page may have one. `reached` is the
    position up to which was looked."""

    entries: Sequence[Entry]
    cursor: int
    reached: int


class Explorer:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, environment: str, position: int) -> Entry:
        """Raises NotFound."""
        return await self._storage.read(lambda tx: get(tx, environment, position))

    async def page(
        self, environment: str, wanted: Wanted, *, cursor: int = 0, until: int = history.END, backward: bool, limit: int
    ) -> HistoryPage:
        """Entries after the cursor, or backward before it, at most `limit`, none past position `until`. Raises
        InvalidArgument."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        kinds = kinds_of(wanted.kinds)
        return await self._storage.read(
            lambda tx: _page(tx, environment, wanted, kinds, cursor, until, backward, limit)
        )


def get(tx: Transaction, environment: str, position: int) -> Entry:
    """Raises NotFound, also for an entry of another environment."""
    record = history.at(tx, position)
    if record is None or record.environment != environment:
        raise NotFound(
            f"no entry {position} in environment {environment!r}", hint="`ironflow history list` shows the newest"
        )
    return Entry(record)


def kinds_of(named: Sequence[str]) -> tuple[str, ...]:
    """The kinds meant by names and patterns. Raises InvalidArgument for one that fits none."""
    found: list[str] = []
    for name in named:
        fitting = [kind for kind in KINDS if patterns.compile(name, field="kind").matches(kind)]
        if not fitting:
            raise InvalidArgument(
                f"kind {name[:80]!r} is unknown",
                field="kind",
                hint=f"one of {', '.join(sorted(KINDS))}, or such as run.*",
            )
        found += fitting
    return tuple(dict.fromkeys(found))


def _page(
    tx: Transaction,
    environment: str,
    wanted: Wanted,
    kinds: tuple[str, ...],
    cursor: int,
    until: int,
    backward: bool,
    limit: int,
) -> HistoryPage:
    last = min(until, history.head(tx)[0])
    if wanted.until < 2**62:
        last = min(last, history.position_at(tx, wanted.until))
    first = history.position_at(tx, wanted.since - 1) + 1 if wanted.since else 1
    low, high = first - 1, last + 1  # both outside
    if cursor:
        low, high = (low, min(high, cursor)) if backward else (max(low, cursor), high)
    if not wanted.stream:  # every entry between is looked at
        low, high = (max(low, high - 1 - SCANNED_MAX), high) if backward else (low, min(high, low + 1 + SCANNED_MAX))
    records = history.page(
        tx,
        environment,
        stream=wanted.stream,
        kinds=kinds,
        actor=wanted.actor,
        correlation=wanted.correlation,
        causation=wanted.causation,
        after=low,
        before=high,
        backwards=backward,
        limit=limit,
    )
    entries = [Entry(record) for record in records]
    if len(entries) == limit:
        reached = entries[-1].position
    else:
        reached = low + 1 if backward else max(cursor, high - 1)
    more = reached > first if backward else reached < last
    return HistoryPage(entries, reached if more else 0, reached)
