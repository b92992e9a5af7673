"""The events table: what users emitted, for lists; the events themselves are in history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.contract import Transaction
from storage.records import EventRow
from storage.runs import contains

PAGE = 2_000


def save(tx: Transaction, rows: Sequence[EventRow]) -> None:
    tx.each("save_event", rows)


def page(
    tx: Transaction,
    environment: str,
    *,
    name: str = "",
    source: str = "",
    search: str = "",
    since: int = 0,
    until: int = 2**62,
    before: int = 2**62,
    after: int = 0,
    limit: int,
) -> list[EventRow]:
    """Newest first; `before` and `after` are positions. `search` is a part of the name or the id."""
    rows = tx.many(
        "events_page",
        environment=environment,
        name=name,
        source=source,
        search=contains(search),
        since=since,
        until=until,
        before=before,
        after=after,
        limit=limit,
    )
    return [EventRow._make(row) for row in rows]


def names(tx: Transaction, environment: str, *, scan: int) -> list[tuple[str, int]]:
    """Names and counts over the newest `scan` events, the most frequent first."""
    return [(row[0], int(row[1])) for row in tx.many("event_names", environment=environment, scan=scan)]


def clear(tx: Transaction) -> None:
    tx.execute("clear_events")


def everything(tx: Transaction) -> Iterator[EventRow]:
    after = 0
    while rows := tx.many("all_events", after=after, limit=PAGE):
        yield from map(EventRow._make, rows)
        after = rows[-1][0]
