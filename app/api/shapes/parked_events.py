"""Events that a projection goes on without, as REST shows them and is told of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.projections.noun import Passed

EventIds = Annotated[list[str], Meta(description="of those that are parked; none means all")]
Reason = Annotated[str, Meta(description="why; kept in history")]


class GoOnBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    event_id: Annotated[str, Meta(description="refuse if it is another event that has stopped it")] = ""


class ParkedBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    event_ids: EventIds = []


class ParkedEvent(Shape, kw_only=True):
    """An event that is left out until it is retried or discarded."""

    event_id: str
    position: int
    error: Annotated[str, Meta(description="how what the reducer told begins")]
    reason: str
    actor: Text = UNSET
    parked_at: Instant


class ListParkedEventsResponse(Shape):
    """The oldest first."""

    events: list[ParkedEvent]


class DiscardedResponse(Shape):
    discarded: int


def parked_shown(one: Passed) -> ParkedEvent:
    return ParkedEvent(
        event_id=one.event_id,
        position=one.position,
        error=one.error,
        reason=one.reason,
        actor=given(one.actor),
        parked_at=clock.rfc3339(one.passed_at),
    )
