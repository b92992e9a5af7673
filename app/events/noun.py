"""Events as a noun of history: an `event/<id>` stream holds one entry, and lists in the events table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.history.entry import Entry
from app.history.kinds import EventEmitted
from storage import events
from storage.contract import Transaction
from storage.records import EventRow


def stream(event_id: str) -> str:
    return f"event/{event_id}"


def fingerprint(name: str, data: bytes) -> bytes:
    """What tells two events apart that came with one idempotency key."""
    return hashlib.sha256(name.encode() + b"\0" + data).digest()


@dataclass(slots=True)
class Event:
    row: EventRow
    run_ids: tuple[str, ...]
    fingerprint: bytes


class EventNoun:
    prefix = "event"

    def apply(self, state: Event | None, entry: Entry) -> Event:
        fact = entry.fact
        assert isinstance(fact, EventEmitted), f"{entry} does not belong to an event"
        row = EventRow(
            position=entry.position,
            id=fact.id,
            environment=entry.environment,
            name=fact.name,
            source=fact.source,
            idempotency_key=fact.idempotency_key,
            run_id=fact.run_id,
            recorded_at=entry.recorded_at,
        )
        told = fingerprint(fact.name, bytes(fact.data)) if fact.idempotency_key else b""
        return Event(row=row, run_ids=fact.run_ids, fingerprint=told)

    def changed_at(self, state: Event) -> int:
        return state.row.position

    def row(self, state: Event) -> EventRow:
        return state.row

    def keep(self, state: Event) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[EventRow]) -> None:
        events.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        events.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[EventRow]:
        return events.everything(tx)
