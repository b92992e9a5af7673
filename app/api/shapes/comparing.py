"""What differs in a run and between runs, as REST shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape
from app.api.shapes.runs import RunSummary, row_shown
from app.differences import ABSENT, Difference
from app.runs.comparing import LastGood, RunDiff, StepDiff
from app.runs.past import Moment
from app.runs.precedents import Precedents
from app.runs.reading import StepRecord
from app.runs.state import TERMINAL, Run

STEPS_DEFAULT = 1_000
STEPS_MAX = 10_000

PastMoment = Annotated[str, Meta(description="a position of history, or a time: RFC 3339, or such as 15m before now")]


class DiffQuery(msgspec.Struct):
    a: PastMoment
    b: Annotated[str, Meta(description="the same, by default now")] = ""
    limit: Annotated[int, Meta(ge=1, le=STEPS_MAX, description="steps on the page")] = STEPS_DEFAULT
    steps_after: Annotated[int, Meta(ge=0, le=2**31, description="next_steps_after of the page before")] = 0


class CompareQuery(msgspec.Struct):
    at: Annotated[str, Meta(description="the run as of a position or a time")] = ""
    other_at: Annotated[str, Meta(description="the other run as of a position or a time")] = ""
    changed: Annotated[bool, Meta(description="only steps that differ")] = False
    limit: Annotated[int, Meta(ge=1, le=STEPS_MAX, description="steps on the page")] = STEPS_DEFAULT
    steps_after: Annotated[int, Meta(ge=0, le=2**31, description="next_steps_after of the page before")] = 0


class DifferenceResponse(Shape):
    """One difference; before and after are left out where there is no value."""

    op: Literal["add", "remove", "replace"]
    path: Annotated[str, Meta(description="JSON Pointer (RFC 6901)")]
    before: msgspec.Raw | UnsetType = UNSET
    after: msgspec.Raw | UnsetType = UNSET


class SideResponse(Shape):
    """A run as of a position: one side of a comparison."""

    run_id: str
    function_id: str
    function_version: int
    position: int
    version: int
    at: Instant
    status: str
    duration_ms: Annotated[int | None, Meta(description="from its first start to its end, or to then")]


class StepSide(Shape):
    """A step on one side."""

    step_id: str
    type: str
    status: str
    attempt: int
    position: int
    began_after_ms: Annotated[int | None, Meta(description="from the run's first start")]
    duration_ms: int
    output_bytes: int


class StepDiffResponse(Shape):
    """How a step differs. Steps of two runs are the same by their path: the id without the run."""

    path: str
    name: str
    change: Literal["added", "removed", "changed", "same"]
    changes: list[DifferenceResponse]
    before: StepSide | None
    after: StepSide | None


class DiffResponse(Shape):
    """What leads from one side to the other."""

    a: SideResponse
    b: SideResponse
    same: bool
    run: Annotated[list[DifferenceResponse], Meta(description="of the run as a whole, its notes and waits included")]
    steps: list[StepDiffResponse]
    steps_total: int
    truncated: Annotated[bool, Meta(description="a step or the run has more differences than are told")]
    next_steps_after: int | UnsetType = UNSET


class CompareResponse(DiffResponse, kw_only=True):
    """How the other run differs from this one, step by step."""

    first_divergence: Annotated[
        str | None,
        Meta(description='path of the first step that differs, "" if the input does, null if all is the same'),
    ]


class LastGoodResponse(Shape):
    """The run to compare with; null if no run of the function completed before."""

    run: RunSummary | None
    same_version: bool
    similarity: Annotated[float, Meta(description="of the inputs, from 0 to 1")]


class PrecedentResponse(Shape):
    run_id: str
    output: msgspec.Raw


class PrecedentsResponse(Shape):
    """What the step gave in the newest runs of the function that went well, newest first: in at most 10 runs with at
    most 1,000 entries, and 256 KiB of it. `left_out` outputs were more than that, or of runs that one may not read."""

    outputs: list[PrecedentResponse]
    left_out: int


def precedents_shown(precedents: Precedents, readable: Callable[[str], bool]) -> PrecedentsResponse:
    """Those of runs that are `readable`, by their ids."""
    told = [one for one in precedents.found if readable(one.run_id)]
    outputs = [PrecedentResponse(run_id=one.run_id, output=one.output) for one in told]
    return PrecedentsResponse(outputs=outputs, left_out=precedents.left_out + len(precedents.found) - len(told))


def diff_shown(diff: RunDiff, *, limit: int, after: int) -> DiffResponse:
    return DiffResponse(**_told(diff, diff.steps, limit, after))


def comparison_shown(diff: RunDiff, *, changed: bool, limit: int, after: int) -> CompareResponse:
    steps = [step for step in diff.steps if not changed or step.change != "same"]
    return CompareResponse(**_told(diff, steps, limit, after), first_divergence=diff.first_divergence)


def last_good_shown(found: LastGood | None) -> LastGoodResponse:
    if found is None:
        return LastGoodResponse(run=None, same_version=False, similarity=0.0)
    return LastGoodResponse(
        run=row_shown(found.run), same_version=found.same_version, similarity=round(found.similarity, 3)
    )


def _told(diff: RunDiff, steps: Any, limit: int, after: int) -> dict[str, Any]:
    page = steps[after : after + limit]
    return {
        "a": _side(diff.a),
        "b": _side(diff.b),
        "same": not diff.run and all(step.change == "same" for step in diff.steps),
        "run": [_difference(one) for one in diff.run],
        "steps": [_step(one, diff) for one in page],
        "steps_total": len(steps),
        "next_steps_after": after + len(page) if after + len(page) < len(steps) else UNSET,
        "truncated": diff.truncated,
    }


def _side(moment: Moment) -> SideResponse:
    state: Run = moment.run.state
    until = state.ended_at if state.ended_at is not None and state.status in TERMINAL else moment.last.at
    return SideResponse(
        run_id=state.id,
        function_id=state.function_id,
        function_version=state.function_version,
        position=moment.position,
        version=moment.last.version,
        at=clock.rfc3339(moment.last.at),
        status=state.status,
        duration_ms=None if state.started_at is None else (until - state.started_at) // 1_000,
    )


def _step(one: StepDiff, diff: RunDiff) -> StepDiffResponse:
    known = one.after or one.before
    assert known is not None, f"{one.path} is on neither side"
    return StepDiffResponse(
        path=one.path,
        name=known.name,
        change=one.change,
        changes=[_difference(change) for change in one.changes],
        before=_step_side(one.before, diff.a.run.state),
        after=_step_side(one.after, diff.b.run.state),
    )


def _step_side(step: StepRecord | None, run: Run) -> StepSide | None:
    if step is None:
        return None
    began = None
    if step.started_at is not None and run.started_at is not None:
        began = max(0, step.started_at - run.started_at) // 1_000
    return StepSide(
        step_id=step.step_id,
        type=step.type,
        status=step.status,
        attempt=step.attempt,
        position=step.position,
        began_after_ms=began,
        duration_ms=step.duration_ms,
        output_bytes=step.output_bytes,
    )


def _difference(one: Difference) -> DifferenceResponse:
    return DifferenceResponse(op=one.op, path=one.path, before=_raw(one.before), after=_raw(one.after))


def _raw(value: Any) -> msgspec.Raw | UnsetType:
    return UNSET if value is ABSENT else msgspec.Raw(msgspec.json.encode(value))
