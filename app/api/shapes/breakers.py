"""Circuit breakers as REST shows them."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape, Text


class BreakerState(Shape):
    """Whether a push function's endpoint is called, or left alone for now."""

    key: str
    function_id: str
    endpoint: str
    environment_id: str
    state: str
    consecutive_fails: int
    last_failure: Instant | UnsetType = UNSET
    last_error: Text = UNSET
    retry_at: Annotated[str, Meta(description="when it is tried again")] | UnsetType = UNSET
