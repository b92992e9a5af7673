"""What happens to events."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class EventEmitted(Fact, frozen=True):
    """stream event/<id>; of an event that was appended to an entity: entity/<type>/<id>"""

    kind = "event.emitted"
    id: str
    name: str
    data: msgspec.Raw
    source: str = "api"
    version: int = 1
    idempotency_key: str = ""
    run_id: str = ""
    run_ids: tuple[str, ...] = ()


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
