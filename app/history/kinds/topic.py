"""What happens to topics: messages that are recorded and delivered, and start no function."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact


class TopicPublished(Fact, frozen=True):
    """stream message/<id>"""

    kind = "topic.published"
    id: str
    topic: str
    data: msgspec.Raw
    idempotency_key: str = ""
    run_id: str = ""


FACTS: tuple[type[Fact], ...] = (TopicPublished,)
