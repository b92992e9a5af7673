"""Where a breakpoint holds a run: pure decisions. A run is held between steps only, never within one.

before   it is held when its code comes to a step whose name fits, and that step has not begun
after    it is held when such a step has ended, before its code goes on: a worker of ours asks before the next step
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from app import expressions
from app.history.kinds import Fact, Held, RunPaused, RunStarted, StepCompleted, StepFailed
from app.runs.forgetting import COMPENSATION
from app.runs.state import Run, held

Place = Literal["before", "after"]
PLACES: tuple[Place, ...] = ("before", "after")
REASON = "breakpoint"
VARIABLES = frozenset(("step", "run"))


class Breakpoint(msgspec.Struct, frozen=True):
    """A lease: it holds runs until `expires_at` (µs). It is for one run or for all of a function; `step` is a glob over
    names of steps, `condition` CEL over `step` and `run`, "" for always."""

    id: str
    environment: str
    run_id: str
    function_id: str
    step: str
    place: Place
    condition: str
    owner: str
    created_at: int
    expires_at: int

    def covers(self, run_id: str, function_id: str) -> bool:
        return self.run_id == run_id if self.run_id else self.function_id == function_id

    def fits(self, place: Place, name: str, variables: Mapping[str, Any]) -> bool:
        """Whether it holds a run at that step. A condition that does not fit the data holds nothing."""
        if self.place != place or not fnmatchcase(name, self.step):
            return False
        if not self.condition:
            return True
        compiled = expressions.compile(self.condition, variables=VARIABLES, field="condition")
        return compiled.true(variables, on_error=False)


def before(run: Run, breakpoints: Iterable[Breakpoint], steps: Iterable[tuple[str, str, str]]) -> list[Fact]:
    """What holds the run before one of these steps (id, name, type) that its code comes to; nothing if none does. Where
    it was held before, it passes once it was resumed."""
    if run.unwinding is not None:
        return []
    for step_id, name, kind in steps:
        if step_id in run.passed or step_id in run.open or run.settled(step_id) is not None:
            continue
        about = {"id": step_id, "name": name, "type": kind, "status": ""}
        for one in breakpoints:
            if one.fits("before", name, {"step": about, "run": _told(run)}):
                return [_paused(run, one, step_id)]
    return []


def after(run: Run, breakpoints: Iterable[Breakpoint], facts: Sequence[Fact]) -> list[Fact]:
    """The facts, and what holds the run if they end a step after which it is to be held."""
    if (
        run.status == "paused"
        or run.unwinding is not None
        or any(isinstance(fact, RunPaused | RunStarted) for fact in facts)
    ):
        return [*facts]
    for fact in facts:
        if not isinstance(fact, StepCompleted | StepFailed) or fact.type == COMPENSATION:
            continue
        variables = {"step": _ended(fact), "run": _told(run)}
        for one in breakpoints:
            if one.fits("after", fact.name, variables):
                return [*facts, _paused(run, one, fact.step_id)]
    return [*facts]


def decide_begin(
    run: Run | None, breakpoints: Iterable[Breakpoint], *, execution_seq: int, step_id: str, name: str, kind: str
) -> list[Fact]:
    """A worker is about to run a step: nothing, or what holds the run before it."""
    run = held(run, execution_seq)
    return before(run, breakpoints, [(step_id, name, kind)])


def _paused(run: Run, by: Breakpoint, step_id: str) -> RunPaused:
    return RunPaused(execution_seq=run.execution_seq, reason=REASON, held=Held(by.id, step_id, by.place))


def _ended(fact: StepCompleted | StepFailed) -> dict[str, Any]:
    about: dict[str, Any] = {"id": fact.step_id, "name": fact.name, "type": fact.type, "attempt": fact.attempt}
    if isinstance(fact, StepCompleted):
        return {**about, "status": "completed", "output": msgspec.json.decode(fact.output)}
    error = {"message": fact.error.message, "code": fact.error.code, "retryable": fact.error.retryable}
    return {**about, "status": "failed", "error": error}


def _told(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "function_id": run.function_id,
        "attempt": run.attempt,
        "event_id": run.event_id,
        "parent_run_id": run.parent_run_id,
    }
