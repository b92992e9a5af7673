"""Jobs as polling workers get them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.api.shapes.base import Instant, Shape, Text
from app.dispatch.pull import AVAILABLE_MAX, POLL_S_MAX

WAIT_S_MAX = 3_600


class PollJobsQuery(msgspec.Struct):
    available: Annotated[int, Meta(ge=0, le=AVAILABLE_MAX, description="how many jobs at most")] = 1
    wait: Annotated[
        int, Meta(ge=0, le=WAIT_S_MAX, description=f"seconds to hold an empty poll; {POLL_S_MAX:g} at most are held")
    ] = 0


class JobEventResponse(Shape):
    """The event that started the run."""

    id: str
    name: str
    data: msgspec.Raw
    timestamp: Instant
    version: int
    source: str
    idempotency_key: Text = UNSET
    metadata: msgspec.Raw | UnsetType = UNSET


class CompletedStepResp(Shape):
    """A step whose result is recorded: the worker returns it instead of running the step again."""

    step_id: str
    name: str
    output: msgspec.Raw
    status: str
    error: dict[str, Any] | UnsetType = UNSET


class JobContextResponse(Shape):
    """What the function is given beside its event: the secrets that it declares."""

    secrets: dict[str, str]


class JobAssignmentResponse(Shape):
    """A run for the worker, with the fence that its reports must carry."""

    job_id: str
    run_id: str
    function_id: str
    attempt: int
    event: JobEventResponse
    completed_steps: list[CompletedStepResp]
    execution_seq: int
    lease_token: str
    lease_expires_at: Instant
    step_sequence_base: int
    max_attempts: int
    on_exhausted: str
    context: JobContextResponse | UnsetType = UNSET


class JobBatchResponse(Shape):
    jobs: list[JobAssignmentResponse]
