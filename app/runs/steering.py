"""What people and programs do to a run from outside: pause it, let it go on, cancel it. Pure decisions."""

from __future__ import annotations

from collections.abc import Container

from app.errors import FailedPrecondition, InvalidArgument, RunNotRunning
from app.history.kinds import Fact, RunPaused, RunPauseExplained, RunPauseRequested, RunPauseWithdrawn, RunResumed
from app.runs import ending, machine
from app.runs.state import TERMINAL, Run, known, step_name


def decide_pause(run: Run | None, *, reason: str = "") -> list[Fact]:
    """A running run is held when its current step is recorded, any other at once. Whoever asked for it without a reason
    may tell one later."""
    run = known(run)
    if run.status in TERMINAL:
        raise RunNotRunning(f"{run.id} is {run.status} and cannot be paused")
    if run.unwinding is not None:
        raise RunNotRunning(f"{run.id} is being ended and cannot be paused")
    if run.status == "paused" and run.held is not None:  # it stays when the breakpoint is gone
        return [RunPaused(execution_seq=run.execution_seq, reason=reason or machine.PAUSE_REQUESTED)]
    if run.status == "paused" or run.pause_requested:
        unsaid = run.pause_reason == machine.PAUSE_REQUESTED if run.status == "paused" else not run.pause_for
        return [RunPauseExplained(reason=reason)] if reason and unsaid else []
    if run.status == "running":
        return [RunPauseRequested(reason=reason)]
    return [RunPaused(execution_seq=run.execution_seq, reason=reason or machine.PAUSE_REQUESTED)]


def decide_resume(run: Run | None, *, from_step: str = "", reason: str = "") -> list[Fact]:
    """A paused or failed run goes on; with `from_step`, the id or name of a step, as if it had got no further than
    that. What it waits for, it waits for still. One that runs is no longer to be held, if it was to be."""
    run = known(run)
    if run.status == "running" and run.pause_requested and not from_step:
        return [RunPauseWithdrawn(reason=reason)]
    if run.status not in ("paused", "failed"):
        raise FailedPrecondition(f"{run.id} is {run.status}; only a paused or failed run can be resumed")
    return [RunResumed(from_step=_step_meant(run, from_step) if from_step else "", reason=reason)]


def decide_retry(run: Run | None, *, reason: str = "") -> list[Fact]:
    """A run that waits for its next attempt makes it at once, with a fresh budget of attempts: it is held and let go in
    one."""
    run = known(run)
    if run.status != "waiting" or run.suspended or run.due_at is None:
        raise FailedPrecondition(
            f"{run.id} is {run.status}; only a run that waits for its next attempt can be tried again now",
            hint="a run that failed, or is paused, can be resumed",
        )
    return [*decide_pause(run, reason=reason), RunResumed(reason=reason)]


def decide_let_go(run: Run | None, *, alive: Container[str]) -> list[Fact]:
    """A run goes on that is held by a breakpoint which is not alive any more."""
    run = known(run)
    if run.status != "paused" or run.held is None or run.held.breakpoint_id in alive:
        return []
    return [RunResumed(reason=f"{run.held.breakpoint_id} is over")]


def decide_cancel(
    run: Run | None, *, reason: str, cause: str, detached: bool = False, compensate: bool = False, now: int = 0
) -> list[Fact]:
    """Cancelling a run that is being unwound ends it at once, unless compensations are wanted again."""
    run = known(run)
    if run.status == "cancelled":
        return []
    if run.status in TERMINAL:
        raise RunNotRunning(f"{run.id} is {run.status} and cannot be cancelled")
    if run.unwinding is not None:
        if compensate:
            return []
        return ending.unwound(run, run.unwinding, not_undone="cancelled before its compensations were done")
    return ending.cancel(run, reason=reason, cause=cause, detached=detached, compensate=compensate, now=now)


def decide_cancel_on(run: Run | None, event_id: str) -> list[Fact]:
    """An event cancels the run, unless it has ended."""
    if run is None or run.status in TERMINAL:
        return []
    return decide_cancel(run, reason=f"event {event_id}", cause="cancel-on-event")


def spellings(step_id: str) -> tuple[str, str, str]:
    """How a step of a run may be called: by its id, that without the run's, and its name."""
    return step_id, step_id.partition(":")[2], step_name(step_id)


def _step_meant(run: Run, given: str) -> str:
    for step_id in run.steps:
        if given in spellings(step_id):
            return step_id
    raise InvalidArgument(
        f"{run.id} has no step {given[:80]!r} that is recorded",
        field="from_step",
        hint="`ironflow run steps` lists names and ids",
    )
