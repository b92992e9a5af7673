"""What happens to events."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class EventEmitted(Fact, frozen=True):
    """stream event/<id>"""

    kind = "event.emitted"
    id: str
    name: str
    data: msgspec.Raw
    source: str = "api"
    version: int = 1
    idempotency_key: str = ""
    run_id: str = ""
    run_ids: tuple[str, ...] = ()


FACTS: tuple[type[Fact], ...] = (EventEmitted,)
