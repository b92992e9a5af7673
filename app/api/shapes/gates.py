"""Events that wait to become a run, as REST shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape, Text


class DropEntryQuery(msgspec.Struct):
    reason: Annotated[str, Meta(description="why; kept in history")] = ""


class GateEntry(Shape):
    """Events that wait at a key, and when they become a run."""

    environment_id: str
    function_id: str
    event_id: str
    count: int
    armed_at: Instant
    fires_at: Instant
    function_version: int
    debounce_key: Text = UNSET
    batch_key: Text = UNSET
    period_ms: int | UnsetType = UNSET


class DroppedResponse(Shape):
    cancelled: Annotated[int, Meta(description="how many events were dropped")]
