"""What happens to runs and their steps: all of it in the stream of the run."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import NULL, Fact
from app.history.kinds.function import RetryPolicy


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a step or a run failed, as the worker told it."""

    message: str
    code: str = ""
    retryable: bool = True
    stack: str = ""
    retry_after_ms: int = 0


class RunCreated(Fact, frozen=True):
    """stream run/<id>, as are all that follow"""

    kind = "run.created"
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    retry: RetryPolicy
    timeout_ms: int


class RunStarted(Fact, frozen=True):
    """A worker was handed the run; execution_seq is the fence that its reports must carry. timeout_at 0: no limit."""

    kind = "run.started"
    execution_seq: int
    attempt: int
    worker_id: str
    timeout_at: int = 0


class RunReleased(Fact, frozen=True):
    """The worker was lost or gave the run back: it may be handed out again. Uses no attempt."""

    kind = "run.released"
    execution_seq: int
    reason: str


class RunRetrying(Fact, frozen=True):
    """The execution failed; the next attempt may start at due_at."""

    kind = "run.retrying"
    execution_seq: int
    attempt: int
    due_at: int
    error: Failure


class RunCompleted(Fact, frozen=True):
    kind = "run.completed"
    execution_seq: int
    output: msgspec.Raw = NULL


class RunFailed(Fact, frozen=True):
    kind = "run.failed"
    execution_seq: int
    error: Failure


class RunPaused(Fact, frozen=True):
    kind = "run.paused"
    execution_seq: int
    reason: str
    error: Failure | None = None


class RunResumed(Fact, frozen=True):
    """A paused run may be handed out again, with a fresh budget of attempts."""

    kind = "run.resumed"


class RunCancelled(Fact, frozen=True):
    kind = "run.cancelled"
    reason: str
    cause: str


class StepCompleted(Fact, frozen=True):
    kind = "step.completed"
    step_id: str
    name: str
    output: msgspec.Raw = NULL
    type: str = "invoke"
    execution_seq: int = 0
    attempt: int = 1
    duration_ms: int = 0
    started_at: int = 0
    compensation_for: str = ""


class StepFailed(Fact, frozen=True):
    kind = "step.failed"
    step_id: str
    name: str
    error: Failure
    type: str = "invoke"
    execution_seq: int = 0
    attempt: int = 1
    duration_ms: int = 0
    started_at: int = 0
    compensation_for: str = ""


class StepSleeping(Fact, frozen=True):
    kind = "step.sleeping"
    step_id: str
    name: str
    until: int
    execution_seq: int = 0


FACTS: tuple[type[Fact], ...] = (
    RunCreated,
    RunStarted,
    RunReleased,
    RunRetrying,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunCancelled,
    StepCompleted,
    StepFailed,
    StepSleeping,
)
