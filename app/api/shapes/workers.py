"""Workers as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape


class RefusedStepResponse(Shape):
    """A step that is recorded as failed, because a write that came with it was refused."""

    id: str
    message: str
    code: Annotated[str, Meta(description="REVISION_CONFLICT, BUCKET_NOT_FOUND …")]
    retryable: bool


class WorkerStatusResponse(Shape):
    """That what a worker said was taken."""

    status: str
    refused: list[RefusedStepResponse] | UnsetType = UNSET


class WorkerVersionResponse(Shape):
    sdk: str
    runtime: str


class WorkerInfoResponse(Shape):
    """A worker that is connected, by whatever transport."""

    id: str
    hostname: str
    function_ids: list[str]
    active_jobs: int
    max_concurrent: int
    labels: Mapping[str, str]
    version: WorkerVersionResponse
    transport: Annotated[str, Meta(description="stream or rest")]
    draining: Annotated[bool, Meta(description="it takes no more jobs; without active ones it has drained")]
    registered_at: Instant
    last_heartbeat: Instant
    rtt_ms: Annotated[float | UnsetType, Meta(description="to the worker and back, the last time; if it is known")] = (
        UNSET
    )
    skew_ms: Annotated[
        float | UnsetType,
        Meta(description="how far its clock is ahead of the server's, give or take half of rtt_ms; if it is known"),
    ] = UNSET
    skewed: Annotated[bool, Meta(description="its clock differs by more than that can be, and 100 ms")] = False


class DepartedWorkerResponse(WorkerInfoResponse, kw_only=True):
    """A worker that was connected to this node within the last hour."""

    left_at: Instant
    reason: str


class TurnedAwayResponse(Shape):
    """Attempts to connect that were refused for the same reason, within the last hour, at this node."""

    key: Annotated[str, Meta(description="its kind and end, such as ifkey_…ab; empty if none was sent")]
    code: str
    message: str
    address: Annotated[str, Meta(description="from which the last one came")]
    times: int
    first_at: Instant
    last_at: Instant


class SteerWorkerBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class SteeredWorkerResponse(Shape):
    """What was asked of a worker is recorded."""

    worker_id: str
    status: Annotated[
        str,
        Meta(description="draining, drained, disconnected; or asked: if it is another node's, that one tells it"),
    ]
    active_jobs: Annotated[int, Meta(description="that it finishes yet, when it drains")]


class ListWorkersResponse(Shape):
    workers: list[WorkerInfoResponse]
    count: int
    departed: Annotated[list[DepartedWorkerResponse], Meta(description="those that left last, the last first")]
    rejected: list[TurnedAwayResponse]
