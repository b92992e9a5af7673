"""What happens to events."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an event at a function that it did not simply start: debounced or batched (it waits, until
    `due_at`), rate_limited or skipped (it starts nothing; `run_id` is the run in its way), duplicate (`run_id` is the
    run of the same idempotency value), replaced (its run took the place of the one before)."""

    function_id: str
    outcome: str
    run_id: str = ""
    due_at: int = 0


class EventEmitted(Fact, frozen=True):
    """stream event/<id>; of an event that was appended to an entity: entity/<type>/<id>. `tags` were given with it, and
    are here if the event waits at a gate for the run that gets them. `reemitted_from` is the event that it was emitted
    anew of."""

    kind = "event.emitted"
    id: str
    name: str
    data: msgspec.Raw
    source: str = "api"
    version: int = 1
    idempotency_key: str = ""
    run_id: str = ""
    run_ids: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    tags: tuple[str, ...] = ()
    reemitted_from: str = ""


class AppendedPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an append added to one entity: `version` is that of the last of its events."""

    type: str
    id: str
    version: int
    event_ids: tuple[str, ...] = ()


class EventKeyed(Fact, frozen=True):
    """stream event/<id>. The idempotency key that the id is derived from was used by an append to entities; the events
    are in their streams. `fingerprint` tells two appends of one key apart."""

    kind = "event.keyed"
    id: str
    fingerprint: str
    parts: tuple[AppendedPart, ...]
    run_ids: tuple[str, ...] = ()


FACTS: tuple[type[Fact], ...] = (EventEmitted, EventKeyed)
