"""Workers as REST shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

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
    draining: bool
    registered_at: Instant
    last_heartbeat: Instant


class ListWorkersResponse(Shape):
    workers: list[WorkerInfoResponse]
    count: int
