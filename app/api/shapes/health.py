"""What the server says of itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from app.api.shapes.base import Instant, Shape


class HealthResponse(Shape):
    """That the server lives."""

    status: str
    timestamp: Instant
    version: str


class ReadyResponse(Shape):
    """Whether the server can serve."""

    status: str
    issues: Annotated[dict[str, str], Meta(description="what keeps it from being ready, by component")]


class CapabilitiesResponse(Shape):
    """What the server can do, and where its other face is."""

    transports: tuple[str, ...]
    features: tuple[str, ...]
    version: str
    auth_required: bool
    grpc_address: str
