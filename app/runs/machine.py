"""The life of a run, as pure functions: its executions. What it waits for is in waiting.py, what people do to it in
steering.py, how it is ended in ending.py, its steps in steps.py, and how facts fold to its state in folding.py.

                    start                      complete
    waiting_for_capacity ───► running ──────────────────────► completed
        ▲    ▲   ▲   ▲          │ │ │
        │    │   │   │ release  │ │ └ fail, not retryable ───► failed ◄── attempts exhausted (fail)
        │    │   │   └──────────┤ │                              │ resume
        │    │   └──────────────┼─┼──────────────────────────────┘
        │    │                  │ ├ fail, attempts left ───► waiting ─ start, when due ─► running
        │    └ resume ─ paused ◄┴─┼ attempts exhausted (pause), pause requested, diverged
        └ woken ────── waiting ◄──┘ suspended: sleeps, waits for events, child runs
                          └ start, when a sleep is over ─► running

    any unfinished state ── cancel, time out, wait timed out ──► unwinding ──► cancelled or failed

Unwinding is a run that is to end and was handed out once more for its compensations: it has the status of any queued
or running run, and ends at its deadline at the latest, see ending.py. It is never suspended, paused or retried past
that, so it cannot hang.

`decide_…` take a state and say which facts follow, or refuse; `folding.apply` folds a fact into the state. Every report
of a worker carries the execution_seq it was handed: once the run has been given to another, the number no longer fits
and the report is refused, so a lost worker cannot write. `now` and every instant are microseconds since 1970. The
timeout of a run is for the time it executes: time asleep, waiting or queued does not count.
"""

from __future__ import annotations

from app.errors import RunNotRunning
from app.history.kinds import (
    Divergence,
    Fact,
    Failure,
    RetryPolicy,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunReleased,
    RunRetrying,
    RunStarted,
    StepCompleted,
    StepSleeping,
)
from app.runs import ending
from app.runs.state import Run, held, known

PAUSE_REQUESTED = "requested"
DIVERGED = "diverged"


def decide_start(run: Run | None, *, worker_id: str, now: int, unwinds: bool = False, node: str = "") -> list[Fact]:
    """A worker takes the run: due sleeps are over, and a new execution begins."""
    run = known(run)
    if run.status not in ("waiting_for_capacity", "waiting"):
        raise RunNotRunning(f"{run.id} is {run.status}, it cannot be started")
    if run.status == "waiting" and (run.due_at is None or run.due_at > now):
        raise RunNotRunning(f"{run.id} is waiting and not due yet")
    if run.unwinding is not None:
        if not unwinds:
            return ending.unwound(run, run.unwinding, not_undone=f"worker {worker_id} cannot run compensations alone")
        timeout_at = run.unwinding.deadline
    else:
        timeout_at = now + max(0, run.timeout_ms * 1000 - run.used_us) if run.timeout_ms else 0
    started = RunStarted(
        execution_seq=run.execution_seq + 1,
        attempt=run.attempt,
        worker_id=worker_id,
        timeout_at=timeout_at,
        unwinds=unwinds,
        node=node,
    )
    if not run.open:
        return [started]
    return [*_woken(run, now), started]


def _woken(run: Run, now: int) -> list[Fact]:
    """The sleeps that are over."""
    return [
        StepCompleted(
            step_id=step_id,
            name=fact.name,
            type="sleep",
            execution_seq=run.execution_seq,
            attempt=run.attempt,
            started_at=at,
            duration_ms=max(0, fact.until - at) // 1000,
        )
        for step_id, (fact, _, at) in run.open.items()
        if isinstance(fact, StepSleeping) and fact.until <= now
    ]


def decide_complete(run: Run | None, fact: RunCompleted) -> list[Fact]:
    run = held(run, fact.execution_seq)
    if run.unwinding is not None:
        return ending.unwound(run, run.unwinding)
    return [fact]


def decide_fail(run: Run | None, *, execution_seq: int, error: Failure, now: int) -> list[Fact]:
    """The execution failed: try again later, pause for a person, or fail for good."""
    run = held(run, execution_seq)
    policy = run.retry
    if run.unwinding is not None and not (error.retryable and run.attempt < policy.max_attempts):
        return ending.unwound(run, run.unwinding, not_undone=error.message if error.retryable else "")
    if not error.retryable:
        return [RunFailed(execution_seq=execution_seq, error=error)]
    if run.pause_requested:
        return [paused(run, error)]
    if run.attempt < policy.max_attempts:
        due_at = now + 1000 * retry_delay_ms(policy, attempt=run.attempt, retry_after_ms=error.retry_after_ms)
        return [RunRetrying(execution_seq=execution_seq, attempt=run.attempt + 1, due_at=due_at, error=error)]
    if policy.on_exhausted == "fail":
        return [RunFailed(execution_seq=execution_seq, error=error)]
    return [RunPaused(execution_seq=execution_seq, reason="attempts exhausted", error=error)]


def decide_diverge(run: Run | None, *, execution_seq: int, divergence: Divergence) -> list[Fact]:
    """The code asked for what history contradicts: a person has to look, trying again would come to the same."""
    run = held(run, execution_seq)
    if run.unwinding is not None:
        return ending.unwound(run, run.unwinding, not_undone=f"the code diverged from history at {divergence.step_id}")
    return [diverged(run, divergence)]


def diverged(run: Run, divergence: Divergence) -> RunPaused:
    """The fact by which a run stops, with both sides."""
    message = f"step {divergence.step_id}: history has {divergence.recorded}, the code asked for {divergence.requested}"
    error = Failure(message, code="DIVERGED", retryable=False)
    return RunPaused(execution_seq=run.execution_seq, reason=DIVERGED, error=error, divergence=divergence)


def decide_release(run: Run | None, *, execution_seq: int, reason: str) -> list[Fact]:
    """The worker is gone or gave the run back."""
    run = held(run, execution_seq)
    released: list[Fact] = [RunReleased(execution_seq=execution_seq, reason=reason)]
    if run.pause_requested:
        released.append(paused(run))
    return released


def paused(run: Run, error: Failure | None = None) -> RunPaused:
    """The fact by which a run stops that was asked to, for the reason it was asked with."""
    return RunPaused(execution_seq=run.execution_seq, reason=run.pause_for or PAUSE_REQUESTED, error=error)


def decide_time_out(run: Run | None, *, now: int) -> list[Fact]:
    """The run has executed for longer than its function allows."""
    run = known(run)
    if run.status != "running" or run.timeout_at is None or run.timeout_at > now:
        return []
    if run.unwinding is not None:
        return ending.unwound(run, run.unwinding, not_undone="the compensations took too long")
    error = Failure(
        message=f"the run executed longer than its timeout of {run.timeout_ms} ms", code="RUN_TIMEOUT", retryable=False
    )
    return ending.fail(run, error, cause="timed_out", now=now)


def retry_delay_ms(policy: RetryPolicy, *, attempt: int, retry_after_ms: int = 0) -> int:
    """How long to wait after `attempt` failed: what the error asks for, else exponential; never above the cap."""
    if retry_after_ms > 0:
        return min(retry_after_ms, policy.delay_ms_max)
    exponent = min(attempt - 1, 64)
    return int(min(policy.initial_delay_ms * policy.backoff_factor**exponent, policy.delay_ms_max))
