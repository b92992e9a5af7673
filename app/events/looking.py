"""Events that a pattern and an expression let through, found by looking along the list of all.

No index knows them, so one look goes so far and no farther: through so many events, and of those that an expression is
asked of, so many bytes and steps. Then it says what it found and how far it got, and whoever wants more looks on from
there.
Patterns and expressions are those of subscriptions: what a tail shows, a look finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from app.errors import InvalidArgument
from app.events.noun import stream
from app.events.subscriptions import Filter
from app.expressions import EvaluationTooCostly
from app.history import channels
from app.history.entry import Entry
from app.history.kinds import entity
from app.patterns import Pattern
from app.runs.watching import COST_MAX
from storage import events, history
from storage.contract import Storage, Transaction
from storage.records import EventRow

ROWS_MAX = 20_000
ASKED_MAX = 2_000
"""Of so many events an expression is asked."""
BYTES_MAX = 4 * 2**20
"""After so many bytes of events an expression is asked no further."""

_TOGETHER = 200
_AT_ONCE = 20
_DECODE_SHIFT = 10  # decoding so many bytes takes about as long as a step, as a power of two

Rows = Callable[[Transaction, int, int], Sequence[EventRow]]
"""The next rows from a position on, so many at most, in the order in which is looked."""


class Sought(msgspec.Struct, frozen=True):
    """What is let through: channels that one of the patterns fits (none: all), and what the filter is true of."""

    patterns: tuple[Pattern, ...] = ()
    filter: Filter | None = None

    @property
    def within(self) -> str:
        """The channel that all of them are in, or ""."""
        prefixes = {pattern.segments[0] for pattern in self.patterns}
        return prefixes.pop() if len(prefixes) == 1 else ""

    @property
    def like(self) -> str:
        """What all names are like, or ""."""
        if self.within != channels.EVENTS or len(self.patterns) != 1:
            return ""
        return events.name_like(self.patterns[0].segments[1:])

    def fits(self, row: EventRow) -> bool:
        """Whether the patterns let it through."""
        names = row.name.split(".")
        place = (channels.ENTITY, row.entity_type, row.entity_id) if row.entity_type else (channels.EVENTS,)
        return not self.patterns or any(pattern.fits((*place, *names)) for pattern in self.patterns)


class Looked(NamedTuple):
    """What was found, in the order in which was looked; and the position up to which that was, 0 if it was the end."""

    found: Sequence[Entry]
    reached: int


def sought(pattern: str, filter: str) -> Sought:
    """Raises InvalidArgument naming `pattern` or `filter`."""
    compiled = channels.compile(pattern, field="pattern") if pattern else ()
    if any(one.segments[0] not in (channels.EVENTS, channels.ENTITY) for one in compiled):
        raise InvalidArgument(
            f"pattern {pattern[:80]!r} is of no events", field="pattern", hint='such as "order.>" or "entity:order.>"'
        )
    return Sought(compiled, Filter(filter) if filter else None)


async def look(storage: Storage, environment: str, rows: Rows, wanted: Sought, *, position: int, limit: int) -> Looked:
    """At most `limit` events that are let through, from a position on. Raises InvalidArgument for an expression that
    would take too long on one of them."""
    found: list[Entry] = []
    seen = asked = size = spent = 0
    while True:
        room = limit - len(found)
        enough = room if wanted.filter is None else _TOGETHER
        page = await storage.read(
            partial(_read, environment=environment, rows=rows, wanted=wanted, position=position, enough=enough)
        )
        if wanted.filter is None:
            told = _first(page.entries, room)
        else:
            told = await asyncio.to_thread(_asked, wanted.filter, page.entries, room, COST_MAX - spent)
            asked, size = asked + len(page.entries), size + page.size
        found += told.found
        position = told.reached or page.reached
        seen, spent = seen + page.seen, spent + told.cost
        far = seen >= ROWS_MAX or asked >= ASKED_MAX or size >= BYTES_MAX or spent >= COST_MAX
        if not position or len(found) == limit or far:
            return Looked(found, position)


class _Page(NamedTuple):
    """Events among the next rows, and their size in bytes; how many rows those were, and the position of the last, 0 if
    no more follow."""

    entries: Sequence[Entry]
    size: int
    seen: int
    reached: int


def _read(tx: Transaction, *, environment: str, rows: Rows, wanted: Sought, position: int, enough: int) -> _Page:
    """Until there are more than enough, or too many bytes: big events are not all held at once."""
    found = rows(tx, position, _TOGETHER)
    fitting = [row for row in found if wanted.fits(row)]
    read: list[Entry] = []
    size = 0
    for start in range(0, len(fitting), _AT_ONCE):
        if len(read) > enough or size >= BYTES_MAX:
            return _Page(read, size, len(found), read[-1].position)
        part = entries(tx, environment, fitting[start : start + _AT_ONCE])
        read += part
        size += sum(map(_size, part))
    return _Page(read, size, len(found), found[-1].position if len(found) == _TOGETHER else 0)


def entries(tx: Transaction, environment: str, rows: Sequence[EventRow]) -> list[Entry]:
    """The entries that recorded the events, in their order."""
    wanted = [
        (environment, entity.stream(row.entity_type, row.entity_id), max(0, row.entity_version - 1))
        if row.entity_type
        else (environment, stream(row.id), 0)
        for row in rows
    ]
    return [Entry(page[0]) for page in history.pages(tx, wanted, size=1)]


class _Told(NamedTuple):
    """`reached` is the position of the last event that was looked at, if others were left over."""

    found: Sequence[Entry]
    cost: int
    reached: int


def _first(entries: Sequence[Entry], limit: int) -> _Told:
    return _Told(entries[:limit], 0, entries[limit - 1].position if len(entries) > limit else 0)


def _asked(filter: Filter, entries: Sequence[Entry], limit: int, cost_max: int) -> _Told:
    """Those that the filter is true of, until there are enough, or it has cost too much."""
    from app import cel

    found: list[Entry] = []
    cost = position = 0
    for entry in entries:
        if len(found) == limit or cost >= cost_max:
            return _Told(found, cost, position)
        budget, position = cel.Budget(), entry.position
        try:
            if filter.lets(entry, budget):
                found.append(entry)
        except EvaluationTooCostly as error:
            raise InvalidArgument(
                f"the filter {error}, at position {position}", field="filter", hint="make it simpler"
            ) from None
        cost += budget.spent + (_size(entry) >> _DECODE_SHIFT)
    return _Told(found, cost, 0)


def _size(entry: Entry) -> int:
    return len(entry.record.data) + len(entry.record.metadata)
