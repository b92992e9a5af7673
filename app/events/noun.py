"""Events as a noun of history: an `event/<id>` stream holds one entry, and lists in the events table.

An event that was appended to an entity is in the entity's stream, and lists all the same. If it came with an
idempotency key, the `event/<id>` stream tells of the append.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from app.history.entry import Entry
from app.history.kinds import AppendedPart, EventEmitted, EventKeyed, Outcome
from app.history.kinds.entity import entity_of
from storage import events
from storage.contract import Transaction
from storage.records import EventRow

_NO_ENTITY = ("", "", 0)


def stream(event_id: str) -> str:
    return f"event/{event_id}"


def fingerprint(name: str, data: bytes) -> bytes:
    """What tells two events apart that came with one idempotency key."""
    return hashlib.sha256(name.encode() + b"\0" + data).digest()


class Event(msgspec.Struct):
    """`row` is None, and `parts` tell what was appended, where the event's key was used for an append to entities."""

    row: EventRow | None
    run_ids: tuple[str, ...]
    fingerprint: bytes
    parts: tuple[AppendedPart, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def row_of(entry: Entry) -> EventRow:
    """How an entry of kind event.emitted is listed."""
    fact = entry.fact
    assert isinstance(fact, EventEmitted), f"{entry} is not an event"
    record = entry.record
    entity = entity_of(record.stream)
    return EventRow(
        record.position,
        fact.id,
        record.environment,
        fact.name,
        fact.source,
        fact.idempotency_key,
        fact.run_id,
        record.recorded_at,
        *((*entity, record.version) if entity else _NO_ENTITY),
        fact.reemitted_from,
    )


class EventNoun:
    prefix = "event"

    def apply(self, state: Event | None, entry: Entry) -> Event:
        match entry.fact:
            case EventEmitted() as fact:
                told = fingerprint(fact.name, bytes(fact.data)) if fact.idempotency_key else b""
                return Event(row_of(entry), fact.run_ids, told, outcomes=fact.outcomes)
            case EventKeyed() as keyed:
                return Event(None, keyed.run_ids, bytes.fromhex(keyed.fingerprint), keyed.parts)
            case _:
                raise AssertionError(f"{entry} does not belong to an event")

    def changed_at(self, state: Event) -> int:
        return state.row.position if state.row else 0

    def row(self, state: Event) -> EventRow | None:
        return state.row

    def keep(self, state: Event) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[EventRow]) -> None:
        events.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        events.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[EventRow]:
        return events.everything(tx)
