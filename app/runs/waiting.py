"""What a run waits for, and how each wait ends, exactly once: pure decisions.

    step.sleeping ── its time ──► step.completed
    step.waiting  ── an event ──► step.completed    ── deadline ──► step.failed (WAIT_TIMEOUT), and by on_timeout:
    step.invoking ── child ends ─► step.completed or step.failed      fail: the run ends; error: the code is told;
                                                                      default: step.completed instead
Whoever ends a wait (see app/scheduler/waiting.py) does so by a command: decided under the append lock against the run's
folded state, it does nothing once the step is no longer open. So of an event, a deadline and a cancellation that come
together exactly one counts, the one that is decided first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    Fact,
    Failure,
    FunctionRegistered,
    RunSuspended,
    RunWoken,
    StepCompleted,
    StepFailed,
    StepInvoking,
    StepSleeping,
    StepWaiting,
)
from app.runs import ending, machine, matching, steps
from app.runs.state import Open, Run, held, known
from app.runs.yields import Invoke, Sleep, WaitForEvent, Yield

DEPTH_MAX = 32


class Child(NamedTuple):
    """A child run that may have to be created: ids made for it, and the function, or why it cannot be started."""

    run_id: str
    event_id: str
    function: FunctionRegistered | None
    refusal: str = ""


class Suspension(NamedTuple):
    """What follows from a report of yields, and which of the invocations create their child now."""

    facts: list[Fact]
    invoked: list[Invoke]


def decide_suspend(
    run: Run | None,
    *,
    execution_seq: int,
    yields: Sequence[Yield],
    values: Mapping[str, str],
    children: Mapping[str, Child],
    now: int,
) -> Suspension:
    """The execution ends until something it waits for has come. A step that waits already does not begin anew.
    `values` are what waits compare with, `children` what invocations would create, by step id."""
    run = held(run, execution_seq)
    if run.unwinding is not None:
        return Suspension(ending.unwound(run, run.unwinding, not_undone="the code waited instead of ending"), [])
    facts: list[Fact] = []
    invoked: list[Invoke] = []
    ready = bool(run.news)
    sleeps = [one.fact.until for one in run.open.values() if isinstance(one.fact, StepSleeping)]
    for wanted in yields:
        contradiction = _contradiction(run, wanted)
        if contradiction is not None:
            return Suspension(contradiction, [])
        if wanted.step_id in run.open or run.settled(wanted.step_id) is not None:
            continue
        match wanted:
            case Sleep():
                facts.append(StepSleeping(wanted.step_id, wanted.name, wanted.until, execution_seq))
                sleeps.append(wanted.until)
            case WaitForEvent():
                facts.append(_waiting(wanted, values.get(wanted.step_id, ""), execution_seq))
            case Invoke():
                fact = _invocation(run, wanted, children[wanted.step_id], now)
                facts.append(fact)
                ready = ready or not isinstance(fact, StepInvoking)
                if not isinstance(fact, StepFailed):
                    invoked.append(wanted)
    if run.pause_requested:
        facts.append(machine.paused(run))
    else:
        due_at = max(1, min(sleeps)) if sleeps and not ready else 0  # an instant long ago is due, not absent
        facts.append(RunSuspended(execution_seq=execution_seq, due_at=due_at, ready=ready))
    return Suspension(facts, invoked)


def _contradiction(run: Run, wanted: Yield) -> list[Fact] | None:
    """The facts that stop the run if history has another step there, or had given this one's result already."""
    here = requested(wanted)
    recorded = run.settled(wanted.step_id)
    if recorded is not None:
        if recorded.type == wanted.type and wanted.step_id in run.news:
            return None
        there = f"{recorded.type}, {recorded.status}"
    elif wanted.step_id in run.open:
        there = described(run.open[wanted.step_id])
        if here == there:
            return None
    else:
        return None
    return steps.contradicted(run, wanted.step_id, there, here)


def described(open_: Open) -> str:
    """The kind of a step that waits, and what tells it apart from others of its kind."""
    match open_.fact:
        case StepSleeping():
            return "sleep"
        case StepWaiting(event=event):
            return f"wait_for_event {event}"
        case StepInvoking(function_id=function_id):
            return f"invoke_function {function_id}"


def requested(wanted: Yield) -> str:
    """The same of a step that the code asks for."""
    match wanted:
        case Sleep():
            return "sleep"
        case WaitForEvent():
            return f"wait_for_event {wanted.event}"
        case Invoke():
            return f"{wanted.type} {wanted.function_id}"


def _waiting(wanted: WaitForEvent, value: str, execution_seq: int) -> StepWaiting:
    return StepWaiting(
        step_id=wanted.step_id,
        name=wanted.name,
        event=wanted.event,
        deadline=wanted.deadline,
        match=wanted.match,
        value=value,
        lookback_ms=wanted.lookback_ms,
        on_timeout=wanted.on_timeout,
        default=wanted.default,
        payload=wanted.payload,
        execution_seq=execution_seq,
    )


def _invocation(run: Run, wanted: Invoke, child: Child, now: int) -> StepInvoking | StepCompleted | StepFailed:
    refusal = child.refusal
    if run.depth >= DEPTH_MAX:
        refusal = f"runs are nested {DEPTH_MAX} deep already: does {wanted.function_id} invoke itself?"
    common: dict[str, Any] = {
        "step_id": wanted.step_id,
        "name": wanted.name,
        "execution_seq": run.execution_seq,
    }
    if refusal:
        error = invoke_failure(wanted.function_id, "", refusal)
        return StepFailed(type=wanted.type, error=error, attempt=run.attempt, **common)
    if wanted.detached:
        output = msgspec.Raw(msgspec.json.encode({"run_id": child.run_id}))
        return StepCompleted(type=wanted.type, output=output, attempt=run.attempt, child_run_id=child.run_id, **common)
    deadline = now + wanted.timeout_ms * 1000 if wanted.timeout_ms else 0
    return StepInvoking(function_id=wanted.function_id, child_run_id=child.run_id, deadline=deadline, **common)


def invoke_failure(function_id: str, child_run_id: str, cause: str) -> Failure:
    """What the parent's code is told of a child that failed, or could not be started."""
    details: dict[str, str] = {"function_id": function_id, "cause": cause}
    if child_run_id:
        details["child_run_id"] = child_run_id
    return Failure(
        message=f"{function_id} failed: {cause}",
        code="INVOKE_FAILED",
        retryable=False,
        details=msgspec.Raw(msgspec.json.encode(details)),
    )


def decide_event(run: Run | None, step_id: str, candidates: Sequence[Entry], *, lookback: bool, now: int) -> list[Fact]:
    """An event has come for a wait. Nothing, if the wait is over. Looking back, it is the first of the candidates that
    no earlier wait of the run has taken, and that is not the run's own."""
    run = known(run)
    open_ = run.open.get(step_id)
    if open_ is None or not isinstance(open_.fact, StepWaiting):
        return []
    for entry in candidates:
        event = entry.fact
        assert isinstance(event, EventEmitted)
        if lookback and (event.id in run.events or event.id == run.event_id):
            continue
        completed = StepCompleted(
            step_id=step_id,
            name=open_.fact.name,
            output=matching.event_output(entry),
            type=StepWaiting.type,
            execution_seq=run.execution_seq,
            attempt=run.attempt,
            duration_ms=max(0, now - open_.at) // 1000,
            started_at=open_.at,
            event_id=event.id,
        )
        return _resolving(run, completed)
    return []


def decide_child_ended(
    run: Run | None, step_id: str, child_run_id: str, *, output: msgspec.Raw | None, cause: str, now: int
) -> list[Fact]:
    """The child run has ended, with an output or else for a cause. Nothing, if the step does not wait for it."""
    run = known(run)
    open_ = run.open.get(step_id)
    if open_ is None or not isinstance(open_.fact, StepInvoking) or open_.fact.child_run_id != child_run_id:
        return []
    if output is None:
        return _failing(run, open_, invoke_failure(open_.fact.function_id, child_run_id, cause), now)
    completed = StepCompleted(
        step_id=step_id,
        name=open_.fact.name,
        output=output,
        type=StepInvoking.type,
        execution_seq=run.execution_seq,
        attempt=run.attempt,
        duration_ms=max(0, now - open_.at) // 1000,
        started_at=open_.at,
        child_run_id=child_run_id,
    )
    return _resolving(run, completed)


def decide_deadline(run: Run | None, step_id: str, *, now: int) -> list[Fact]:
    """The time of a wait, of an invocation, or (step id "") of unwinding is over. While the run is paused nothing is:
    its waits are looked at again when it is resumed."""
    run = known(run)
    if not step_id:
        unwinding = run.unwinding
        if unwinding is None or unwinding.deadline > now:
            return []
        return ending.unwound(run, unwinding, not_undone="no worker ran the compensations in time")
    open_ = run.open.get(step_id)
    if open_ is None or run.status == "paused" or isinstance(open_.fact, StepSleeping):
        return []
    if not 0 < open_.fact.deadline <= now:
        return []
    if isinstance(open_.fact, StepInvoking):
        waited_ms = (open_.fact.deadline - open_.at) // 1000
        cause = f"timed out after {waited_ms} ms"
        return _failing(run, open_, invoke_failure(open_.fact.function_id, open_.fact.child_run_id, cause), now)
    return _wait_timed_out(run, open_, open_.fact, now)


def _wait_timed_out(run: Run, open_: Open, wait: StepWaiting, now: int) -> list[Fact]:
    error = Failure(
        message=f"no event {wait.event} came for step {wait.name} in time", code="WAIT_TIMEOUT", retryable=False
    )
    match wait.on_timeout:
        case "default":
            completed = StepCompleted(
                step_id=wait.step_id,
                name=wait.name,
                output=wait.default,
                type=StepWaiting.type,
                execution_seq=run.execution_seq,
                attempt=run.attempt,
                duration_ms=max(0, now - open_.at) // 1000,
                started_at=open_.at,
            )
            return _resolving(run, completed)
        case "error":
            return _failing(run, open_, error, now)
        case _:
            failed = _failing(run, open_, error, now)[:1]
            return [*failed, *ending.fail(run, error, cause="failed", now=now, step_id=wait.step_id)]


def _failing(run: Run, open_: Open, error: Failure, now: int) -> list[Fact]:
    fact = open_.fact
    failed = StepFailed(
        step_id=fact.step_id,
        name=fact.name,
        error=error,
        type=fact.type,
        execution_seq=run.execution_seq,
        attempt=run.attempt,
        duration_ms=max(0, now - open_.at) // 1000,
        started_at=open_.at,
    )
    return _resolving(run, failed)


def _resolving(run: Run, fact: StepCompleted | StepFailed) -> list[Fact]:
    """The end of a wait, and what wakes the run if that is what it is suspended for."""
    return [fact, RunWoken(step_id=fact.step_id)] if run.suspended else [fact]
