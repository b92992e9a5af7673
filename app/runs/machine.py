"""The life of a run, as pure functions.

                    start                      complete
    waiting_for_capacity ───► running ──────────────────────► completed
        ▲        ▲   ▲          │ │ │
        │release │   │          │ │ └ fail, not retryable ───► failed ◄── time out, attempts exhausted (fail)
        │        │   │          │ │                              │
        └────────┼───┼──────────┘ ├ fail, attempts left ┐        │ resume
                 │   │            ├ sleep ──────────────┴► waiting ─ start, when due ─► running
                 │   └─ resume ── paused ◄── attempts exhausted (on_exhausted pause)
                 └───── resume ── failed                 any unfinished state ── cancel ──► cancelled

`decide_…` take a state and say which facts follow, or refuse; `apply` folds a fact into the state. Every report of a
worker carries the execution_seq it was handed: once the run has been given to another, the number no longer fits
and the report is refused, so a lost worker cannot write. `now` and every instant are microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from app.errors import Conflict, FailedPrecondition, RunNotFound, RunNotRunning, StaleExecution
from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    Failure,
    RetryPolicy,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepSleeping,
)

Status = Literal["waiting_for_capacity", "running", "waiting", "paused", "completed", "failed", "cancelled"]
StepStatus = Literal["completed", "failed", "sleeping"]

TERMINAL: frozenset[Status] = frozenset(("completed", "failed", "cancelled"))
STATUSES: tuple[Status, ...] = (
    "waiting_for_capacity",
    "running",
    "waiting",
    "paused",
    "completed",
    "failed",
    "cancelled",
)


@dataclass(slots=True)
class Run:
    """A run's state: names, statuses and instants. Payloads stay in history, where the positions point."""

    id: str
    environment: str
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    retry: RetryPolicy
    timeout_ms: int
    correlation: str
    created_at: int
    status: Status = "waiting_for_capacity"
    attempt: int = 1
    execution_seq: int = 0
    worker_id: str = ""
    steps: dict[str, StepStatus] = field(default_factory=dict)
    sleeping: dict[str, tuple[str, int]] = field(default_factory=dict)
    due_at: int | None = None
    timeout_at: int | None = None
    used_us: int = 0
    execution_started_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    updated_at: int = 0
    error: Failure | None = None
    pause_reason: str = ""
    cancellation_cause: str = ""
    position: int = 0
    version: int = 0


# Decisions.


def decide_start(run: Run | None, *, worker_id: str, now: int) -> list[Fact]:
    """A worker takes the run: due sleeps are over, and a new execution begins."""
    run = _known(run)
    if run.status not in ("waiting_for_capacity", "waiting"):
        raise RunNotRunning(f"{run.id} is {run.status}, it cannot be started")
    if run.status == "waiting" and (run.due_at is None or run.due_at > now):
        raise RunNotRunning(f"{run.id} is waiting and not due yet")
    woken = [
        StepCompleted(
            step_id=step_id,
            name=name,
            type="sleep",
            execution_seq=run.execution_seq,
            attempt=run.attempt,
            started_at=run.updated_at,
            duration_ms=max(0, until - run.updated_at) // 1000,
        )
        for step_id, (name, until) in run.sleeping.items()
        if until <= now
    ]
    started = RunStarted(
        execution_seq=run.execution_seq + 1,
        attempt=run.attempt,
        worker_id=worker_id,
        timeout_at=now + max(0, run.timeout_ms * 1000 - run.used_us) if run.timeout_ms else 0,
    )
    return [*woken, started]


def decide_step(run: Run | None, fact: StepCompleted | StepFailed) -> list[Fact]:
    """The result of a step. One that is recorded already is not recorded again: the first report stands."""
    run = _held(run, fact.execution_seq)
    if run.steps.get(fact.step_id) == "completed":
        return []
    return [fact]


def decide_sleep(run: Run | None, fact: StepSleeping) -> list[Fact]:
    """The execution ends, to go on at `until`; an instant in the past means at once."""
    run = _held(run, fact.execution_seq)
    if run.steps.get(fact.step_id) == "completed":
        raise Conflict(f"{run.id}: step {fact.step_id} is completed, it cannot sleep")
    if fact.step_id in run.sleeping:  # it began to sleep in an earlier execution: it does not begin anew
        fact = msgspec.structs.replace(fact, until=run.sleeping[fact.step_id][1])
    return [fact]


def decide_complete(run: Run | None, fact: RunCompleted) -> list[Fact]:
    _held(run, fact.execution_seq)
    return [fact]


def decide_fail(run: Run | None, *, execution_seq: int, error: Failure, now: int) -> list[Fact]:
    """The execution failed: try again later, pause for a person, or fail for good."""
    run = _held(run, execution_seq)
    policy = run.retry
    if not error.retryable:
        return [RunFailed(execution_seq=execution_seq, error=error)]
    if run.attempt < policy.max_attempts:
        due_at = now + 1000 * retry_delay_ms(policy, attempt=run.attempt, retry_after_ms=error.retry_after_ms)
        return [RunRetrying(execution_seq=execution_seq, attempt=run.attempt + 1, due_at=due_at, error=error)]
    if policy.on_exhausted == "fail":
        return [RunFailed(execution_seq=execution_seq, error=error)]
    return [RunPaused(execution_seq=execution_seq, reason="attempts exhausted", error=error)]


def decide_release(run: Run | None, *, execution_seq: int, reason: str) -> list[Fact]:
    """The worker is gone or gave the run back."""
    _held(run, execution_seq)
    return [RunReleased(execution_seq=execution_seq, reason=reason)]


def decide_time_out(run: Run | None, *, now: int) -> list[Fact]:
    """The run has executed for longer than its function allows."""
    run = _known(run)
    if run.status != "running" or run.timeout_at is None or run.timeout_at > now:
        return []
    error = Failure(
        message=f"the run executed longer than its timeout of {run.timeout_ms} ms", code="RUN_TIMEOUT", retryable=False
    )
    return [RunFailed(execution_seq=run.execution_seq, error=error)]


def decide_cancel(run: Run | None, *, reason: str, cause: str) -> list[Fact]:
    run = _known(run)
    if run.status == "cancelled":
        return []
    if run.status in TERMINAL:
        raise RunNotRunning(f"{run.id} is {run.status} and cannot be cancelled")
    return [RunCancelled(reason=reason, cause=cause)]


def decide_resume(run: Run | None) -> list[Fact]:
    run = _known(run)
    if run.status not in ("paused", "failed"):
        raise FailedPrecondition(f"{run.id} is {run.status}; only a paused or failed run can be resumed")
    return [RunResumed()]


def retry_delay_ms(policy: RetryPolicy, *, attempt: int, retry_after_ms: int = 0) -> int:
    """How long to wait after `attempt` failed: what the error asks for, else exponential; never above the cap."""
    if retry_after_ms > 0:
        return min(retry_after_ms, policy.delay_ms_max)
    exponent = min(attempt - 1, 64)
    return int(min(policy.initial_delay_ms * policy.backoff_factor**exponent, policy.delay_ms_max))


def _known(run: Run | None) -> Run:
    if run is None:
        raise RunNotFound("no such run")
    return run


def _held(run: Run | None, execution_seq: int) -> Run:
    """The run, if the execution that reports is the one that holds it."""
    run = _known(run)
    if run.execution_seq != execution_seq:
        raise StaleExecution(f"{run.id}: execution {execution_seq} was superseded by {run.execution_seq}")
    if run.status != "running":
        raise StaleExecution(f"{run.id} is {run.status}; execution {execution_seq} no longer holds it")
    return run


# Folding.


def apply(run: Run | None, entry: Entry) -> Run:
    """The run after `entry`. Takes over `run` and may change it."""
    fact = entry.fact
    if isinstance(fact, RunCreated):
        run = _created(entry, fact)
    assert run is not None, f"{entry}: a run begins with {RunCreated.kind}"
    match fact:
        case StepCompleted():
            run.steps[fact.step_id] = "completed"
            run.sleeping.pop(fact.step_id, None)
            return run
        case StepFailed():
            run.steps[fact.step_id] = "failed"
            return run
        case RunCreated():
            pass
        case RunStarted():
            run.status = "running"
            run.execution_seq, run.attempt, run.worker_id = fact.execution_seq, fact.attempt, fact.worker_id
            run.execution_started_at = entry.recorded_at
            run.started_at = run.started_at or entry.recorded_at
            run.due_at = None
            run.timeout_at = fact.timeout_at or None
        case RunReleased():
            _end_execution(run, entry)
            run.status = "waiting_for_capacity"
        case StepSleeping():
            _end_execution(run, entry)
            run.status = "waiting"
            run.steps[fact.step_id] = "sleeping"
            run.sleeping[fact.step_id] = (fact.name, fact.until)
            run.due_at = min(until for _, until in run.sleeping.values())
        case RunRetrying():
            _end_execution(run, entry)
            run.status, run.attempt, run.due_at, run.error = "waiting", fact.attempt, fact.due_at, fact.error
        case RunPaused():
            _end_execution(run, entry)
            run.status, run.pause_reason, run.error = "paused", fact.reason, fact.error
        case RunResumed():
            run.status, run.attempt, run.pause_reason, run.error = "waiting_for_capacity", 1, "", None
            run.used_us, run.ended_at = 0, None
        case RunCompleted():
            _end_execution(run, entry)
            run.status, run.ended_at, run.error = "completed", entry.recorded_at, None
        case RunFailed():
            _end_execution(run, entry)
            run.status, run.ended_at, run.error = "failed", entry.recorded_at, fact.error
        case RunCancelled():
            _end_execution(run, entry)
            run.status, run.ended_at = "cancelled", entry.recorded_at
            run.cancellation_cause = fact.cause
        case _:
            raise AssertionError(f"{entry} does not belong to a run")
    run.updated_at, run.position, run.version = entry.recorded_at, entry.position, entry.version
    return run


def _created(entry: Entry, fact: RunCreated) -> Run:
    return Run(
        id=entry.stream.partition("/")[2],
        environment=entry.environment,
        function_id=fact.function_id,
        function_version=fact.function_version,
        event_id=fact.event_id,
        event_name=fact.event_name,
        retry=fact.retry,
        timeout_ms=fact.timeout_ms,
        correlation=entry.correlation,
        created_at=entry.recorded_at,
    )


def _end_execution(run: Run, entry: Entry) -> None:
    if run.status == "running":
        run.used_us += entry.recorded_at - run.execution_started_at
    run.due_at = run.timeout_at = None
