"""What waits for capacity and what executes, as REST shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from app.api.shapes.base import Instant, Shape

LIMIT_MAX = 10_000


class CapacityQuery(msgspec.Struct):
    function: Annotated[str, Meta(description="one function's only")] = ""
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 100


class DispatchSegment(Shape):
    """A run that waits, and what for."""

    environment_id: str
    function_id: str
    run_id: str
    lane_id: str
    blocking_reason: str
    priority: float
    created_at: Instant
    first_enqueued_at: Instant
    execution_mode: str


class ConcurrencyLane(Shape):
    """How much of its limit a concurrency key takes up now, how many runs wait for it, and what for."""

    environment_id: str
    function_id: str
    lane_id: str
    active_reserved: int
    limit: int
    config_version: int
    queued: int
    oldest_queue_age_seconds: float
    blocking_reason: Annotated[str, Meta(description="of the oldest: paused, concurrency, throttle or worker")]


class CapacityStat(Shape):
    """What waits and executes of a function."""

    environment_id: str
    function_id: str
    queued: int
    active_leases: int
    reservations: int
    lane_limit: int
    oldest_queue_age_seconds: float


class ConcurrencyLease(Shape):
    """A run in a worker's hands, and until when without a sign of life."""

    environment_id: str
    function_id: str
    run_id: str
    execution_seq: int
    lease_id: str
    worker_id: str
    activated_at: Instant
    expires_at: Instant


class WorkerSession(Shape):
    """A worker that is connected, and how many more runs it wants."""

    environment_id: str
    session_id: str
    worker_id: str
    created_at: Instant
    draining: bool
    credit: int
    heartbeat_expiry: Instant
    labels: dict[str, str]
