"""How a run is ended from outside or for good, undoing first what it did where its worker can do that.

cancel (compensate), time out, wait timed out ──► unwinding: handed out once more, its compensations run
     │ nothing to undo, or no worker that can           │ reported  │ worker lost: again   │ deadline
     └───────────────► cancelled / failed ◄─────────────┴───────────────────────────────────┘ not_undone
"""

from __future__ import annotations

from app.history.kinds import Fact, Failure, RunCancelled, RunFailed, RunUnwinding
from app.runs.state import Run

UNWIND_US_MAX = 3_600_000_000
"""How long a worker is waited for, and may take, to run compensations. Cancelling again ends it at once."""


def fail(run: Run, error: Failure, *, cause: str, now: int, step_id: str = "") -> list[Fact]:
    """End the run as failed; the code is not asked, so what it did may have to be undone. `step_id` is the wait that
    failed it, if one did."""
    if can_unwind(run):
        return [RunUnwinding(cause=cause, deadline=now + UNWIND_US_MAX, error=error, step_id=step_id)]
    return [RunFailed(execution_seq=run.execution_seq, error=error, step_id=step_id)]


def cancel(run: Run, *, reason: str, cause: str, detached: bool, compensate: bool, now: int) -> list[Fact]:
    """End the run as cancelled, with its compensations if that is wanted and possible."""
    if compensate and can_unwind(run):
        return [
            RunUnwinding(
                cause="cancelled",
                deadline=now + UNWIND_US_MAX,
                reason=reason,
                origin=cause,
                detached=detached,
            )
        ]
    return [RunCancelled(reason=reason, cause=cause, detached=detached)]


def can_unwind(run: Run) -> bool:
    """Whether the run did something, and the worker that had it last can undo things."""
    return run.worked and run.unwinds and run.unwinding is None


def unwound(run: Run, unwinding: RunUnwinding, *, not_undone: str = "") -> list[Fact]:
    """The end that unwinding leads to."""
    if unwinding.cause == "cancelled":
        cancelled = RunCancelled(
            reason=unwinding.reason, cause=unwinding.origin, detached=unwinding.detached, not_undone=not_undone
        )
        return [cancelled]
    error = unwinding.error or Failure(f"the run ended: {unwinding.cause}", retryable=False)
    failed = RunFailed(execution_seq=run.execution_seq, error=error, not_undone=not_undone, step_id=unwinding.step_id)
    return [failed]
