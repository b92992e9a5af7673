"""What happens to runs: all of it in the stream of the run."""

from __future__ import annotations

from typing import Any

import msgspec

from app.history.kinds.base import ABSENT, EMPTY, NULL, Fact
from app.history.kinds.function import RetryPolicy


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a step or a run failed, as the worker told it. `details` is a JSON object."""

    message: str
    code: str = ""
    retryable: bool = True
    stack: str = ""
    retry_after_ms: int = 0
    details: msgspec.Raw = EMPTY

    def told(self) -> dict[str, Any]:
        """As a worker is told it: the details beside message and code."""
        details = msgspec.json.decode(self.details)
        return {"message": self.message, "code": self.code, **details}


class Divergence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What history has of a step, and what the code asked for instead."""

    step_id: str
    recorded: str
    requested: str
    location: str = ""


class CancelWhen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A later event that cancels this run: it fits the pattern, has `value` at the path `match` if there is one, and
    the expression holds."""

    event: str
    match: str = ""
    value: str = ""
    expression: str = ""


class Dispatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """What dispatch has to know of a run, computed from its event when it is created. A throttle_key of None means
    that the run is not throttled. Priority counts in seconds of waiting."""

    concurrency_key: str = ""
    throttle_key: str | None = None
    priority: float = 0.0
    actor_id: str = ""
    cancel_on: tuple[CancelWhen, ...] = ()


class Origin(msgspec.Struct, frozen=True):
    """The run that another was forked from, and the position up to which they share its history; 0: they share nothing
    but the event, it is a replay."""

    run_id: str
    position: int = 0


class Asked(msgspec.Struct, frozen=True):
    """The idempotency key that a change was asked with, and a hash of what was asked; "" where that was redacted."""

    key: str
    hash: str


class RunCreated(Fact, frozen=True):
    """stream run/<id>, as are all that follow. A detached child outlives its parent. It may start at start_at (0: at
    once). `input`: what the run was given instead of the data of its event. `tags` come of how it was started, those of
    a fork of what its origin had."""

    kind = "run.created"
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    retry: RetryPolicy
    timeout_ms: int
    parent_run_id: str = ""
    parent_step_id: str = ""
    depth: int = 0
    detached: bool = False
    dispatch: Dispatch = Dispatch()
    start_at: int = 0
    on_failure: str = ""
    forked_from: Origin | None = None
    input: msgspec.Raw = ABSENT
    reason: str = ""
    asked: Asked | None = None
    tags: tuple[str, ...] = ()


class RunStarted(Fact, frozen=True):
    """A worker was handed the run; execution_seq is the fence that its reports must carry. timeout_at 0: no limit.
    `unwinds`: the worker can run compensations when the run is ended from outside. `node` is the one that the worker
    is connected to."""

    kind = "run.started"
    execution_seq: int
    attempt: int
    worker_id: str
    timeout_at: int = 0
    unwinds: bool = False
    node: str = ""


class RunSuspended(Fact, frozen=True):
    """The execution ended because its code waits. due_at is when the first of its sleeps is over, 0: none; `ready`
    that something it waits for has come already, so that it may be handed out again at once."""

    kind = "run.suspended"
    execution_seq: int
    due_at: int = 0
    ready: bool = False


class RunWoken(Fact, frozen=True):
    """Something that the suspended run waits for has come: it may be handed out again."""

    kind = "run.woken"
    step_id: str


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
    """`not_undone` says why compensations may be missing, where they should have been run. `step_id` is the wait whose
    timeout failed the run: were it resumed, it would wait anew."""

    kind = "run.failed"
    execution_seq: int
    error: Failure
    not_undone: str = ""
    step_id: str = ""


class RunPauseRequested(Fact, frozen=True):
    """The running run is to be held when its current step is recorded."""

    kind = "run.pause_requested"
    reason: str = ""
    asked: Asked | None = None


class RunPauseExplained(Fact, frozen=True):
    """Why the run is held, or is to be: whoever asked for it said so later."""

    kind = "run.pause_explained"
    reason: str
    asked: Asked | None = None


class RunPauseWithdrawn(Fact, frozen=True):
    """The running run is not to be held after all."""

    kind = "run.pause_withdrawn"
    reason: str = ""
    asked: Asked | None = None


class Held(msgspec.Struct, frozen=True):
    """A breakpoint has stopped the run before or after (`place`) a step."""

    breakpoint_id: str
    step_id: str
    place: str


class RunPaused(Fact, frozen=True):
    """With a breakpoint the run goes on when that is gone, or a person resumes it."""

    kind = "run.paused"
    execution_seq: int
    reason: str
    error: Failure | None = None
    divergence: Divergence | None = None
    asked: Asked | None = None
    held: Held | None = None


class RunResumed(Fact, frozen=True):
    """A paused or failed run may be handed out again, with a fresh budget of attempts. Results of the step
    `from_step` and of all that were recorded after it count no longer; "" keeps all. See app/runs/forgetting.py."""

    kind = "run.resumed"
    from_step: str = ""
    reason: str = ""
    asked: Asked | None = None


class RunUnwinding(Fact, frozen=True):
    """The run is to end for `cause` (cancelled, timed_out, failed), after a worker has run its compensations, or at
    the deadline without. `detached`: children that would outlive it are cancelled too."""

    kind = "run.unwinding"
    cause: str
    deadline: int
    reason: str = ""
    origin: str = ""
    error: Failure | None = None
    detached: bool = False
    step_id: str = ""


class RunCancelled(Fact, frozen=True):
    """`detached`: its detached children are cancelled too. `not_undone` as in RunFailed."""

    kind = "run.cancelled"
    reason: str
    cause: str
    detached: bool = False
    not_undone: str = ""


class RunNoted(Fact, frozen=True):
    """A value that the code shows in the run's timeline."""

    kind = "run.noted"
    name: str
    value: msgspec.Raw = NULL
    execution_seq: int = 0


class RunLogged(Fact, frozen=True):
    """Lines that the code logged, recorded before what the worker told them with: in a step, or between steps
    (`step_id` ""). `lines` are `count` LogLines of app/runs/lines.py; there was no room for `dropped` further ones."""

    kind = "run.logged"
    lines: msgspec.Raw
    count: int
    step_id: str = ""
    execution_seq: int = 0
    attempt: int = 1
    dropped: int = 0


class RunTagged(Fact, frozen=True):
    """The run has other tags: a person gave and took some, or (with an execution_seq) its code gave some, in a step or
    between steps (`step_id` ""), recorded before what the worker told them with. There was no room for `dropped`."""

    kind = "run.tagged"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    step_id: str = ""
    execution_seq: int = 0
    dropped: int = 0
    reason: str = ""
    asked: Asked | None = None


Said = RunLogged | RunTagged
"""What code says beside what it does, recorded with what that led to."""


FACTS: tuple[type[Fact], ...] = (
    RunCreated,
    RunStarted,
    RunSuspended,
    RunWoken,
    RunReleased,
    RunRetrying,
    RunCompleted,
    RunFailed,
    RunPauseRequested,
    RunPauseExplained,
    RunPauseWithdrawn,
    RunPaused,
    RunResumed,
    RunUnwinding,
    RunCancelled,
    RunNoted,
    RunLogged,
    RunTagged,
)
