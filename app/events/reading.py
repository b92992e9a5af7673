"""Events as they are read: whole ones by id, pages of them newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app import patterns, texts
from app.errors import EventNotFound, InvalidArgument
from app.events import looking
from app.events.looking import Sought
from app.events.noun import stream
from app.history.entry import Entry
from storage import events, history
from storage.contract import Storage, Transaction
from storage.events import EventChoice
from storage.records import EventRow

LIMIT_DEFAULT = 20
LIMIT_MAX = 500
NAMES_MAX = 100
SAMPLE_MAX = 10_000
COUNTED_MAX = 100_000
NAMES_SCANNED = 10_000
REEMISSIONS_MAX = 100

_END = 2**62


class EventFilter(msgspec.Struct, frozen=True):
    """`names` empty means any; `search` is a part of the name or the id, A-Z in either case; instants in µs; of about
    `sample` events one, always the same ones. `pattern` and `filter` are those of subscriptions."""

    names: tuple[str, ...] = ()
    source: str = ""
    search: str = ""
    since: int = 0
    until: int = 2**62
    sample: int = 1
    pattern: str = ""
    filter: str = ""


class EventPage(msgspec.Struct, frozen=True):
    """Entries of kind event.emitted, newest first; cursors are positions, empty where there is no more. One that was
    looked for by a pattern or a filter may be short, or empty, and still have a cursor: see looking.py."""

    entries: Sequence[Entry]
    next_cursor: str
    prev_cursor: str


class EventNames(NamedTuple):
    """Names with counts, the most frequent first; and how many events were looked at."""

    counts: Sequence[tuple[str, int]]
    scanned: int


class EventReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, environment: str, event_id: str) -> Entry:
        """Raises EventNotFound."""
        found = (
            await self._storage.read(lambda tx: events.entry(tx, environment, event_id))
            if "\0" not in event_id  # no id has one, and Postgres cannot be asked
            else None
        )
        if found is None:
            raise EventNotFound(
                f"no event {event_id[:80]!r} in environment {environment!r}",
                hint="`ironflow event list` shows the newest",
            )
        return Entry(found)

    async def reemissions(self, environment: str, event_id: str) -> Sequence[str]:
        """The ids of those that were emitted anew of it, oldest first, at most REEMISSIONS_MAX."""
        rows = await self._storage.read(lambda tx: events.reemitted(tx, environment, event_id, limit=REEMISSIONS_MAX))
        return [row.id for row in rows]

    async def original(self, environment: str, event_id: str) -> str:
        """What an event that is emitted anew of it names as its cause. Raises InvalidArgument if there is none."""
        try:
            entry = await self.get(environment, event_id)
        except EventNotFound as error:
            raise InvalidArgument(error.message, field="reemitted_from", hint=error.hint) from None
        return entry.stream if entry.stream == stream(event_id) else f"{entry.stream}#{entry.version}"

    async def list(
        self, environment: str, chosen: EventFilter, *, limit: int = LIMIT_DEFAULT, cursor: str = "", before: str = ""
    ) -> EventPage:
        """The events older than `cursor`, or those just newer than `before`. Raises InvalidArgument."""
        wanted = looking.sought(chosen.pattern, chosen.filter)
        for field, text in (("source", chosen.source), ("search", chosen.search), *(("name", n) for n in chosen.names)):
            texts.check(text, field=field)
        if cursor and before:
            raise InvalidArgument("cursor and before exclude each other", field="cursor", hint="give one of them")
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        if len(chosen.names) > NAMES_MAX:
            raise InvalidArgument(
                f"{len(chosen.names)} names are too many", field="name", hint=f"at most {NAMES_MAX}, or search"
            )
        looked, choices = bool(chosen.pattern or chosen.filter), _choices(chosen, wanted)
        if before:
            newer_than = _position(before, "before")
            if looked:
                return await self._look_forth(environment, choices, wanted, limit, newer_than)
            return await self._storage.read(lambda tx: _newer(tx, environment, choices, limit, newer_than))
        older_than = _position(cursor, "cursor") if cursor else _END
        if looked:
            return await self._look_back(environment, choices, wanted, limit, older_than)
        return await self._storage.read(lambda tx: _older(tx, environment, choices, limit, older_than))

    async def _look_back(
        self, environment: str, choices: Sequence[EventChoice], wanted: Sought, limit: int, position: int
    ) -> EventPage:
        looked = await looking.look(
            self._storage,
            environment,
            lambda tx, position, count: _rows_before(tx, environment, choices, position, count),
            wanted,
            position=position,
            limit=limit,
        )
        return EventPage(
            looked.found,
            next_cursor=str(looked.reached or ""),
            prev_cursor=str(looked.found[0].position) if looked.found and position < _END else "",
        )

    async def _look_forth(
        self, environment: str, choices: Sequence[EventChoice], wanted: Sought, limit: int, position: int
    ) -> EventPage:
        looked = await looking.look(
            self._storage,
            environment,
            lambda tx, position, count: _rows_after(tx, environment, choices, position, count),
            wanted,
            position=position,
            limit=limit,
        )
        found = looked.found[::-1]
        return EventPage(
            found,
            next_cursor=str(found[-1].position if found else position + 1),
            prev_cursor=str(looked.reached or ""),
        )

    async def names(self, environment: str, *, source: str = "", since: int = 0, until: int = 2**62) -> EventNames:
        """Names with counts, of a source and a time (µs), over the newest NAMES_SCANNED events."""

        def read(tx: Transaction) -> EventNames:
            return EventNames(
                events.names(tx, environment, scan=NAMES_SCANNED, source=source, since=since, until=until),
                events.count(tx, environment, scan=NAMES_SCANNED),
            )

        return await self._storage.read(read)

    async def count_since(self, environment: str, since: int) -> int:
        """How many were recorded since an instant (µs), or COUNTED_MAX if more were."""

        def read(tx: Transaction) -> int:
            position = history.position_at(tx, since - 1)
            return events.count_after(tx, environment, position, scan=COUNTED_MAX)

        return await self._storage.read(read)


def _older(tx: Transaction, environment: str, choices: Sequence[EventChoice], limit: int, position: int) -> EventPage:
    """The newest before a position."""
    found = _rows_before(tx, environment, choices, position, limit + 1)
    rows = found[:limit]
    return EventPage(
        looking.entries(tx, environment, rows),
        next_cursor=str(rows[-1].position) if len(found) > limit else "",
        prev_cursor=str(rows[0].position) if rows and position < _END else "",
    )


def _newer(tx: Transaction, environment: str, choices: Sequence[EventChoice], limit: int, position: int) -> EventPage:
    """The oldest after a position, newest first. What one came from lies behind: there is always an older page."""
    found = _rows_after(tx, environment, choices, position, limit + 1)
    rows = found[:limit][::-1]
    return EventPage(
        looking.entries(tx, environment, rows),
        next_cursor=str(rows[-1].position if rows else position + 1),
        prev_cursor=str(rows[0].position) if len(found) > limit else "",
    )


def _choices(chosen: EventFilter, wanted: Sought) -> list[EventChoice]:
    """One for each name: each is a walk along an index."""
    place = (wanted.within, wanted.like)
    return [
        EventChoice(name, chosen.source, chosen.search, chosen.since, chosen.until, chosen.sample, *place)
        for name in dict.fromkeys(chosen.names) or ("",)
    ]


def _rows_before(
    tx: Transaction, environment: str, choices: Sequence[EventChoice], position: int, limit: int
) -> list[EventRow]:
    """The newest `limit` before a position, newest first."""
    found = [row for one in choices for row in events.before(tx, environment, position, one, limit=limit)]
    return sorted(found, key=_by_position, reverse=True)[:limit]


def _rows_after(
    tx: Transaction, environment: str, choices: Sequence[EventChoice], position: int, limit: int
) -> list[EventRow]:
    """The oldest `limit` after a position, oldest first."""
    found = [row for one in choices for row in events.after(tx, environment, position, one, limit=limit)]
    return sorted(found, key=_by_position)[:limit]


def _by_position(row: EventRow) -> int:
    return row.position


def before(tx: Transaction, environment: str, pattern: str, *, position: int, since: int, limit: int) -> list[Entry]:
    """Events of that name or pattern, recorded before the position and not before the instant, oldest first; of more
    than `limit` the newest."""
    compiled = patterns.compile(pattern)
    chosen = EventChoice(name="" if "*" in pattern or ">" in pattern else pattern)
    found: list[EventRow] = []
    while len(found) < limit:
        page = events.before(tx, environment, position, chosen, limit=LIMIT_MAX)
        found += [row for row in page if row.recorded_at >= since and compiled.matches(row.name)]
        if len(page) < LIMIT_MAX or page[-1].recorded_at < since:
            break
        position = page[-1].position
    return looking.entries(tx, environment, found[:limit][::-1])


def _position(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise InvalidArgument(f"{field} {text[:40]!r} is not one that a list returned", field=field)
    return int(text)
