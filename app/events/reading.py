"""Events as they are read: whole ones by id, pages of them newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import texts
from app.errors import EventNotFound, InvalidArgument
from app.events.noun import stream
from app.history.entry import Entry
from storage import events, history
from storage.contract import Storage, Transaction

LIMIT_DEFAULT = 20
LIMIT_MAX = 500
NAMES_SCANNED = 10_000


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`names` empty means any; instants in µs."""

    names: tuple[str, ...] = ()
    source: str = ""
    search: str = ""
    since: int = 0
    until: int = 2**62


@dataclass(frozen=True, slots=True)
class EventPage:
    """Entries of kind event.emitted, newest first; cursors are positions, empty where there is no more."""

    entries: Sequence[Entry]
    next_cursor: str
    prev_cursor: str


class EventReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, environment: str, event_id: str) -> Entry:
        """Raises EventNotFound."""
        where = stream(event_id)
        found = (
            await self._storage.read(lambda tx: history.of_stream(tx, environment, where, limit=1))
            if "\0" not in event_id  # no id has one, and Postgres cannot be asked
            else ()
        )
        if not found:
            raise EventNotFound(
                f"no event {event_id[:80]!r} in environment {environment!r}",
                hint="`ironflow event list` shows the newest",
            )
        return Entry(found[0])

    async def list(
        self, environment: str, chosen: EventFilter, *, limit: int = LIMIT_DEFAULT, cursor: str = "", before: str = ""
    ) -> EventPage:
        """The events older than `cursor`, or those just newer than `before`. Raises InvalidArgument."""
        for field, text in (("source", chosen.source), ("search", chosen.search), *(("name", n) for n in chosen.names)):
            texts.check(text, field=field)
        if cursor and before:
            raise InvalidArgument("cursor and before exclude each other", field="cursor", hint="give one of them")
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        older_than = _position(cursor, "cursor") if cursor else 2**62
        newer_than = _position(before, "before") if before else 0
        return await self._storage.read(
            lambda tx: _page(tx, environment, chosen, limit, older_than, newer_than, backwards=bool(before))
        )

    async def names(self, environment: str) -> Sequence[tuple[str, int]]:
        """Names with counts over the newest NAMES_SCANNED events."""
        return await self._storage.read(lambda tx: events.names(tx, environment, scan=NAMES_SCANNED))


def _page(
    tx: Transaction,
    environment: str,
    chosen: EventFilter,
    limit: int,
    older_than: int,
    newer_than: int,
    *,
    backwards: bool,
) -> EventPage:
    found = [
        row
        for name in dict.fromkeys(chosen.names) or ("",)
        for row in events.page(
            tx,
            environment,
            name=name,
            source=chosen.source,
            search=chosen.search,
            since=chosen.since,
            until=chosen.until,
            before=older_than,
            after=newer_than,
            limit=LIMIT_MAX + 1 if backwards else limit + 1,
        )
    ]
    found.sort(key=lambda row: -row.position)
    rows = found[-limit:] if backwards else found[:limit]
    entries = [Entry(history.of_stream(tx, environment, stream(row.id), limit=1)[0]) for row in rows]
    more_older = backwards or len(found) > limit
    more_newer = len(found) > limit if backwards else older_than < 2**62
    return EventPage(
        entries,
        next_cursor=str(rows[-1].position) if rows and more_older else "",
        prev_cursor=str(rows[0].position) if rows and more_newer else "",
    )


def _position(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise InvalidArgument(f"{field} {text[:40]!r} is not one that a list returned", field=field)
    return int(text)
