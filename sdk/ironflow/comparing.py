"""What differs: in a run between two points of its past, and between two runs, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ironflow.calls import Call, Json, Plan, chosen, quoted
from ironflow.past import At, made, run_path

STEPS_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, at a JSON Pointer (RFC 6901). `before` is None where there was nothing (`add`), `after` where
    there is nothing any more (`remove`)."""

    op: Literal["add", "remove", "replace"]
    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Side:
    """A run as of a position: one side of a comparison."""

    run_id: str
    function_id: str
    function_version: int
    position: int
    version: int
    at: datetime
    status: str
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StepSide:
    """A step on one side. `began_after_ms` counts from the run's first start."""

    step_id: str
    type: str
    status: str
    attempt: int
    position: int
    began_after_ms: int | None = None
    duration_ms: int = 0
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StepDiff:
    """How a step differs; on one side there may be none. `path` is its id without the run."""

    path: str
    name: str
    change: Literal["added", "removed", "changed", "same"]
    changes: Sequence[Difference] = ()
    before: StepSide | None = None
    after: StepSide | None = None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What leads from side `a` to side `b`. `run` is of the run as a whole, its notes and waits included. For two runs,
    `first_divergence` is the path of the first step that differs, "" if the input does, None if nothing does.
    `truncated`: a step or the run has more differences than are told."""

    a: Side
    b: Side
    same: bool
    run: Sequence[Difference]
    steps: Sequence[StepDiff]
    truncated: bool = False
    first_divergence: str | None = None


@dataclass(frozen=True, slots=True)
class LastGood:
    """A completed run to compare with, as a list shows it; `similarity` of the inputs is from 0 to 1."""

    run: Json
    same_version: bool
    similarity: float


def diff(run_id: str, a: At, b: At = None) -> Plan[RunDiff]:
    """What changed in the run between two points of its past, `b` by default now: the steps that did. Raises NotFound,
    also if the run did not exist by then."""
    return (yield from _diff(f"{run_path(run_id)}/diff", chosen(a=a, b=b), "a", "b"))


def compare(run_id: str, other: str, *, at: At = None, other_at: At = None, changed: bool = False) -> Plan[RunDiff]:
    """How the other run differs from this one, each as of a point of its past; with `changed` only steps that do.
    Raises NotFound."""
    params = chosen(at=at, other_at=other_at) | ({"changed": "true"} if changed else {})
    return (yield from _diff(f"{run_path(run_id)}/compare/{quoted(other)}", params, "at", "other_at"))


def last_good(run_id: str) -> Plan[LastGood | None]:
    """The run to compare with: of the last that completed before this one, one of its version and with a similar input
    if there is one. None if none did. Raises NotFound."""
    answer = yield Call("GET", f"{run_path(run_id)}/last-good", again=True)
    return made(LastGood, answer) if answer["run"] else None


def _diff(path: str, params: Json, a: str, b: str) -> Plan[RunDiff]:
    params = {**params, "limit": STEPS_PAGE}
    answer = yield Call("GET", path, params, again=True)
    steps, after = list(answer["steps"]), answer.get("next_steps_after")
    pinned = {**params, a: answer["a"]["position"], b: answer["b"]["position"]}
    while after is not None:
        more = yield Call("GET", path, {**pinned, "steps_after": after}, again=True)
        steps += more["steps"]
        after = more.get("next_steps_after")
    return diff_of({**answer, "steps": steps})


def diff_of(told: Json) -> RunDiff:
    """A diff as REST tells it."""
    return replace(
        made(RunDiff, told),
        a=made(Side, told["a"]),
        b=made(Side, told["b"]),
        run=tuple(made(Difference, one) for one in told["run"]),
        steps=tuple(_step(one) for one in told["steps"]),
    )


def _step(told: Json) -> StepDiff:
    return replace(
        made(StepDiff, told),
        changes=tuple(made(Difference, one) for one in told["changes"]),
        before=made(StepSide, told["before"]) if told["before"] else None,
        after=made(StepSide, told["after"]) if told["after"] else None,
    )
