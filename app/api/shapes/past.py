"""The past of runs as REST shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Instant, Moment, Shape, Text, given
from app.api.shapes.runs import RunError, RunResponse, StepResponse, failure_shown, run_shown, step_told
from app.history.kinds import NULL, StepInvoking, StepSleeping, StepWaiting
from app.runs import timeline
from app.runs.past import Moment as PastMoment
from app.runs.reading import RunRecord, StepRecord
from app.runs.record import Record
from app.runs.state import Open, step_name, step_path
from app.runs.timeline import TimelinePage

STEPS_DEFAULT = 1_000
STEPS_MAX = 10_000


class TimelineQuery(msgspec.Struct):
    after: Annotated[int, Meta(ge=0, le=2**62, description="a position: records after it")] = 0
    before: Annotated[int, Meta(ge=1, le=2**62, description="a position: records before it")] = 2**62
    direction: Annotated[
        Literal["forward", "backward"], Meta(description="which of them: the first, or the last; in order all the same")
    ] = "forward"
    at: Moment = ""
    step: Annotated[str, Meta(description="of one step: its id, its id without the run, or its name")] = ""
    kind: Annotated[str, Meta(description="such as step.failed or step.*, several with commas")] = ""
    search: Annotated[
        str,
        Meta(description="part of kind, summary, step, event, function, actor, worker, reason or error; either case"),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=timeline.LIMIT_MAX)] = timeline.LIMIT_DEFAULT


class StateQuery(msgspec.Struct):
    at: Moment = ""
    outputs: Annotated[bool, Meta(description="false: null in place of input and outputs")] = True
    step: Annotated[str, Meta(description="this step only: its id, its id without the run, or its name")] = ""
    steps_after: Annotated[int, Meta(ge=0, le=2**31, description="next_steps_after of the page before")] = 0
    limit: Annotated[int, Meta(ge=0, le=STEPS_MAX, description="steps on the page")] = STEPS_DEFAULT


class AtQuery(msgspec.Struct):
    at: Moment = ""


class RecordResponse(Shape, gc=False):
    """One entry of a run, without payloads. What does not apply is left out."""

    position: int
    version: Annotated[int, Meta(description="its place in the run, from 1")]
    kind: Annotated[str, Meta(description="such as run.started, step.completed")]
    at: Instant
    summary: Annotated[str, Meta(description="what happened, in a line")]
    significant: Annotated[bool, Meta(description="whether a person who skims wants to see it")]
    bytes: Annotated[int, Meta(description="size of the entry")]
    status: Annotated[str, Meta(description="of the step, or else of the run, after it")] | UnsetType = UNSET
    actor: Annotated[str, Meta(description="who did it, if a person or program outside did")] | UnsetType = UNSET
    worker_id: Text = UNSET
    execution: Annotated[int, Meta(description="number of the execution that told it")] | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    step_id: Text = UNSET
    path: Annotated[str, Meta(description="the step's id without the run")] | UnsetType = UNSET
    name: Annotated[str, Meta(description="of the step, or of the note")] | UnsetType = UNSET
    type: Annotated[str, Meta(description="of the step")] | UnsetType = UNSET
    started_at: Instant | UnsetType = UNSET
    duration_ms: int | UnsetType = UNSET
    until: Annotated[str, Meta(description="when a sleep, a wait or a delay is over")] | UnsetType = UNSET
    event: Annotated[str, Meta(description="name or pattern of the event")] | UnsetType = UNSET
    event_id: Text = UNSET
    function_id: Text = UNSET
    child_run_id: Text = UNSET
    compensation_for: Text = UNSET
    reason: Annotated[str, Meta(description="why somebody did it")] | UnsetType = UNSET
    code: Annotated[str, Meta(description="of the error")] | UnsetType = UNSET
    message: Annotated[str, Meta(description="of the error, its beginning")] | UnsetType = UNSET
    output_bytes: Annotated[int, Meta(description="size of the output or value")] | UnsetType = UNSET


class PlaceResponse(Shape):
    """An entry's place."""

    position: int
    version: int
    at: Instant


class TimelineResponse(Shape):
    """Records of a run, in order."""

    run_id: str
    records: list[RecordResponse]
    newest: Annotated[PlaceResponse, Meta(description="the run's last entry: version tells how many there are")]
    before: Annotated[int, Meta(description="give as before, direction backward: the page before")] | UnsetType = UNSET
    after: Annotated[int, Meta(description="give as after: the page after")] | UnsetType = UNSET


class StepState(StepResponse, kw_only=True, gc=False):
    """What is known of a step by then."""

    path: Annotated[str, Meta(description="the step's id without the run")]
    position: Annotated[int, Meta(description="of the entry that made it what it is")]
    began_position: Annotated[int, Meta(description="of the first entry that tells of it")]
    output_bytes: int


class WaitState(Shape):
    """What the run waits for."""

    step_id: str
    path: str
    name: str
    type: str
    since: Instant
    position: int
    until: Instant | UnsetType = UNSET
    event: Text = UNSET
    match: Text = UNSET
    value: Text = UNSET
    function_id: Text = UNSET
    child_run_id: Text = UNSET


class ChildState(Shape):
    """A run that this one has invoked; status is that of the step that waits for it, or waited."""

    run_id: str
    step_id: str
    path: str
    name: str
    function_id: str
    status: str
    awaited: bool


class StateResponse(RunResponse, kw_only=True):
    """A run as of a position: everything here is as it was then."""

    position: Annotated[int, Meta(description="as of which it is")]
    at: Annotated[str, Meta(description="when the last of them was recorded")]
    record: Annotated[RecordResponse, Meta(description="that last one")]
    next: Annotated[RecordResponse | None, Meta(description="what happened to it next; null at the end")]
    newest: PlaceResponse
    behind: Annotated[int, Meta(description="how many entries came later")]
    steps: list[StepState]
    steps_total: int
    next_steps_after: int | UnsetType = UNSET
    waits: list[WaitState]
    children: list[ChildState]


class StepOutputResponse(Shape):
    """What a step had given by then."""

    run_id: str
    step_id: str
    path: str
    name: str
    status: str
    attempt: int
    output: msgspec.Raw | None
    error: RunError | None
    position: Annotated[int, Meta(description="of the entry that made it so")]
    at: Instant | None


def record_shown(record: Record) -> RecordResponse:
    """Of what a record can have, most does not apply to it: setting what does is twice as quick as telling of all."""
    shown = RecordResponse(
        position=record.position,
        version=record.version,
        kind=record.kind,
        at=clock.rfc3339(record.at),
        summary=record.summary,
        significant=record.significant,
        bytes=record.bytes,
        status=record.status or UNSET,
        actor=record.actor or UNSET,
    )
    if record.worker_id:
        shown.worker_id = record.worker_id
    if record.execution:
        shown.execution = record.execution
    if record.attempt:
        shown.attempt = record.attempt
    if record.step_id:
        shown.step_id, shown.path = record.step_id, step_path(record.step_id)
    if record.name:
        shown.name = record.name
    if record.type:
        shown.type = record.type
    if record.started_at is not None:
        shown.started_at = clock.rfc3339(record.started_at)
    if record.duration_ms is not None:
        shown.duration_ms = record.duration_ms
    if record.output_bytes is not None:
        shown.output_bytes = record.output_bytes
    _show_causes(shown, record)
    return shown


def _show_causes(shown: RecordResponse, record: Record) -> None:
    """What it waits for, comes from or leads to, and why."""
    if record.until is not None:
        shown.until = clock.rfc3339(record.until)
    if record.event:
        shown.event = record.event
    if record.event_id:
        shown.event_id = record.event_id
    if record.function_id:
        shown.function_id = record.function_id
    if record.child_run_id:
        shown.child_run_id = record.child_run_id
    if record.compensation_for:
        shown.compensation_for = record.compensation_for
    if record.reason:
        shown.reason = record.reason
    if record.code:
        shown.code = record.code
    if record.message:
        shown.message = record.message


def timeline_shown(run_id: str, page: TimelinePage) -> TimelineResponse:
    return TimelineResponse(
        run_id=run_id,
        records=[record_shown(record) for record in page.records],
        newest=place_shown(page.newest),
        before=given(page.before),
        after=given(page.after),
    )


def place_shown(record: Record) -> PlaceResponse:
    return PlaceResponse(position=record.position, version=record.version, at=clock.rfc3339(record.at))


def state_shown(moment: PastMoment, query: StateQuery, chosen: StepRecord | None = None) -> StateResponse:
    """The state, with the page of steps that was asked for, or one chosen step."""
    run = moment.run
    steps = [step for step in run.steps.values() if step.sequence > query.steps_after] if chosen is None else [chosen]
    page = steps[: query.limit]
    told = _fields(run_shown(run))
    if not query.outputs:
        told["input"], told["output"] = NULL, None
    told |= {
        "position": moment.position,
        "at": clock.rfc3339(moment.last.at),
        "record": record_shown(moment.last),
        "next": None if moment.next is None else record_shown(moment.next),
        "newest": place_shown(moment.newest),
        "behind": moment.behind,
        "steps": [step_state_shown(run.state.id, step, outputs=query.outputs) for step in page],
        "steps_total": len(run.steps),
        "next_steps_after": page[-1].sequence if page and len(steps) > len(page) else UNSET,
        "waits": waits_shown(run),
        "children": _children(run),
    }
    return StateResponse(**told)


def step_output_shown(run_id: str, step: StepRecord) -> StepOutputResponse:
    return StepOutputResponse(
        run_id=run_id,
        step_id=step.step_id,
        path=step_path(step.step_id),
        name=step.name,
        status=step.status,
        attempt=step.attempt,
        output=step.output,
        error=failure_shown(step.error),
        position=step.position,
        at=None if step.ended_at is None else clock.rfc3339(step.ended_at),
    )


def step_state_shown(run_id: str, step: StepRecord, *, outputs: bool = True) -> StepState:
    told = step_told(run_id, step)
    if not outputs:
        told["output"], told["input"] = None, UNSET
    return StepState(
        **told,
        path=step_path(step.step_id),
        position=step.position,
        began_position=step.began_position,
        output_bytes=step.output_bytes,
    )


def waits_shown(run: RunRecord) -> list[WaitState]:
    return [_wait_shown(step_id, open_) for step_id, open_ in run.state.open.items()]


def _wait_shown(step_id: str, open_: Open) -> WaitState:
    fact = open_.fact
    wait = WaitState(
        step_id=step_id,
        path=step_path(step_id),
        name=fact.name or step_name(step_id),
        type=fact.type,
        since=clock.rfc3339(open_.at),
        position=open_.position,
    )
    match fact:
        case StepSleeping():
            wait.until = clock.rfc3339(fact.until)
        case StepWaiting():
            wait.until = clock.rfc3339(fact.deadline)
            wait.event, wait.match, wait.value = fact.event, given(fact.match), given(fact.value)
        case StepInvoking():
            wait.until = _perhaps(fact.deadline or None)
            wait.function_id, wait.child_run_id = fact.function_id, fact.child_run_id
    return wait


def _children(run: RunRecord) -> list[ChildState]:
    return [
        ChildState(
            run_id=step.child_run_id,
            step_id=step.step_id,
            path=step_path(step.step_id),
            name=step.name,
            function_id=step.function_id or step.name,
            status=step.status,
            awaited=step.type == StepInvoking.type,
        )
        for step in run.steps.values()
        if step.child_run_id
    ]


def _fields(shape: Shape) -> dict[str, Any]:
    """The fields of a shape, as those of one that has more."""
    return {name: getattr(shape, name) for name in shape.__struct_fields__}


def _perhaps(us: int | None) -> Text:
    return UNSET if us is None else clock.rfc3339(us)
