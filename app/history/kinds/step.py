"""What happens to the steps of a run: in the stream of the run, as what happens to that."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from app.history.kinds.base import NULL, Fact
from app.history.kinds.run import Asked, Failure


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
    event_id: str = ""
    child_run_id: str = ""


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

    type: ClassVar[str] = "sleep"


class StepWaiting(Fact, frozen=True):
    """The step waits for an event whose name fits the pattern `event`, and where `match` is given: which has `value`
    at that path, or for which that expression is true. See app/runs/matching.py."""

    kind = "step.waiting"
    step_id: str
    name: str
    event: str
    deadline: int
    match: str = ""
    value: str = ""
    lookback_ms: int = 0
    on_timeout: str = "fail"
    default: msgspec.Raw = NULL
    payload: msgspec.Raw = NULL
    execution_seq: int = 0

    type: ClassVar[str] = "wait_for_event"


class StepInvoking(Fact, frozen=True):
    """The step waits for a child run to end. deadline 0: for ever."""

    kind = "step.invoking"
    step_id: str
    name: str
    function_id: str
    child_run_id: str
    deadline: int = 0
    execution_seq: int = 0

    type: ClassVar[str] = "invoke_function"


class StepPatched(Fact, frozen=True):
    """A person gave the step another output, for `reason`; what it was stays in history, and counts again after
    step.restored."""

    kind = "step.patched"
    step_id: str
    name: str
    output: msgspec.Raw
    reason: str
    type: str = "invoke"
    asked: Asked | None = None


class StepInjected(Fact, frozen=True):
    """While the run was paused, a person gave the step its output: one that had ended, that waits, or (`type` tells
    what the code will ask for) that the code has not come to yet."""

    kind = "step.injected"
    step_id: str
    name: str
    output: msgspec.Raw
    reason: str
    type: str = "invoke"
    asked: Asked | None = None


class StepRestored(Fact, frozen=True):
    """The last correction of the step counts no longer: it is what it was before."""

    kind = "step.restored"
    step_id: str
    name: str
    reason: str
    asked: Asked | None = None


class StepCarried(Fact, frozen=True):
    """A fork begins with the result of this step, which its origin has at `position` of history. It is told to the
    code in the order of these entries."""

    kind = "step.carried"
    step_id: str
    name: str
    position: int
    type: str = "invoke"
    output: msgspec.Raw = NULL
    error: Failure | None = None
    attempt: int = 1
    duration_ms: int = 0
    started_at: int = 0
    event_id: str = ""
    child_run_id: str = ""


FACTS: tuple[type[Fact], ...] = (
    StepCompleted,
    StepFailed,
    StepSleeping,
    StepWaiting,
    StepInvoking,
    StepPatched,
    StepInjected,
    StepRestored,
    StepCarried,
)
