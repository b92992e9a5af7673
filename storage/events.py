"""The events table: what users emitted, for lists; the events themselves are in history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storage import history
from storage.contract import Transaction
from storage.records import EntryRecord, EventRow
from storage.runs import contains, escaped

PAGE = 2_000


class EventChoice(NamedTuple):
    """Which events; empty texts mean any. `search` is a part of the name or the id, A-Z in either case; instants in
    µs; of `sample` events one. `within` is `entity` for those that were appended to one, `events` for all others;
    `like` what a name has to be like: it lets through all that `name_like` says, on SQLite in either case."""

    name: str = ""
    source: str = ""
    search: str = ""
    since: int = 0
    until: int = 2**62
    sample: int = 1
    within: str = ""
    like: str = ""


def save(tx: Transaction, rows: Sequence[EventRow]) -> None:
    tx.each("save_event", rows)


def before(tx: Transaction, environment: str, position: int, chosen: EventChoice, *, limit: int) -> list[EventRow]:
    """Those before a position, newest first."""
    query = "events_named_before" if chosen.name else "events_before"
    rows = tx.many(query, environment=environment, before=position, limit=limit, **_parameters(chosen))
    return [EventRow._make(row) for row in rows]


def after(tx: Transaction, environment: str, position: int, chosen: EventChoice, *, limit: int) -> list[EventRow]:
    """Those after a position, oldest first."""
    query = "events_named_after" if chosen.name else "events_after"
    rows = tx.many(query, environment=environment, after=position, limit=limit, **_parameters(chosen))
    return [EventRow._make(row) for row in rows]


def entry(tx: Transaction, environment: str, event_id: str) -> EntryRecord | None:
    """The entry of history that recorded an event: in a stream of its own, or in that of the entity it was appended
    to. None if there is no such event."""
    own = history.of_stream(tx, environment, f"event/{event_id}", limit=1)
    if own and own[0].kind == "event.emitted":
        return own[0]
    place = tx.one("event_of_entity", environment=environment, id=event_id)
    if place is None:
        return None
    type_, entity_id, version = place
    stream = f"entity/{type_}/{entity_id}"
    return history.of_stream(tx, environment, stream, after_version=version - 1, limit=1)[0]


def entities_of_run(tx: Transaction, environment: str, run_id: str, *, limit: int) -> list[tuple[str, str]]:
    """Types and ids of the entities that a run appended to, in their order."""
    rows = tx.many("entities_of_run", environment=environment, run_id=run_id, limit=limit)
    return sorted((row[0], row[1]) for row in rows)


def of_run(tx: Transaction, environment: str, run_id: str, *, limit: int) -> list[EventRow]:
    """What a run emitted and appended to entities, oldest first."""
    rows = tx.many("events_of_run", environment=environment, run_id=run_id, limit=limit)
    return [EventRow._make(row) for row in rows]


def reemitted(tx: Transaction, environment: str, event_id: str, *, limit: int) -> list[EventRow]:
    """Those that were emitted anew of one, oldest first."""
    rows = tx.many("events_reemitted", environment=environment, event_id=event_id, limit=limit)
    return [EventRow._make(row) for row in rows]


def names(
    tx: Transaction, environment: str, *, scan: int, source: str = "", since: int = 0, until: int = 2**62
) -> list[tuple[str, int]]:
    """Names and counts of those of a source and a time among the newest `scan` events, the most frequent first."""
    rows = tx.many("event_names", environment=environment, scan=scan, source=source, since=since, until=until)
    return [(row[0], int(row[1])) for row in rows]


def count(tx: Transaction, environment: str, *, scan: int) -> int:
    """How many events there are, at most `scan`."""
    row = tx.one("count_events", environment=environment, scan=scan)
    return int(row[0]) if row else 0


def count_after(tx: Transaction, environment: str, position: int, *, scan: int) -> int:
    """How many came after a position, at most `scan`."""
    row = tx.one("count_events_after", environment=environment, after=position, scan=scan)
    return int(row[0]) if row else 0


def clear(tx: Transaction) -> None:
    tx.execute("clear_events")


def everything(tx: Transaction) -> Iterator[EventRow]:
    after = 0
    while rows := tx.many("all_events", after=after, limit=PAGE):
        yield from map(EventRow._make, rows)
        after = rows[-1][0]


def name_like(segments: Sequence[str]) -> str:
    """Names that may fit the segments of a pattern, and others: a wildcard stands for dots here, too."""
    return ".".join("%" if one in ("*", ">") else escaped(one) for one in segments)


def _parameters(chosen: EventChoice) -> dict[str, str | int]:
    return {**chosen._asdict(), "search": contains(chosen.search)}
