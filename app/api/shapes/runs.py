"""Runs and their steps as REST shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.shapes.base import Cursor, Instant, NextCursor, Shape, Since, Text, Until, given
from app.errors import ErrorResponse
from app.history.kinds import Failure, Held, StepInjected, StepPatched
from app.history.kinds.run import Divergence
from app.runs.listing import LIMIT_DEFAULT, LIMIT_MAX
from app.runs.progress import Progress
from app.runs.reading import Note, RunRecord, StepRecord
from app.runs.state import Run
from app.runs.tags import listed
from storage.records import RunRow

WAIT_S_MAX = 60.0


class ListRunsQuery(msgspec.Struct):
    function_id: Annotated[str, Meta(description="of one function")] = ""
    functionId: Annotated[str, Meta(description="the same")] = ""
    status: Annotated[str, Meta(description="one, or several with commas")] = ""
    event_id: Annotated[str, Meta(description="started by one event")] = ""
    parent_run_id: Annotated[str, Meta(description="started by a step of one run")] = ""
    failure: Annotated[str, Meta(description="that failed last with the fingerprint of a group of failures")] = ""
    tag: Annotated[str, Meta(description="with this tag, or with all of several with commas")] = ""
    since: Since = ""
    until: Until = ""
    search: Annotated[str, Meta(description="part of id, function, event name or error, A-Z in either case")] = ""
    order: Annotated[
        Literal["", "newest", "oldest", "longest", "shortest", "status"],
        Meta(
            description="newest first, or oldest; those of one function that have ended also longest or shortest; by "
            "status: running, waiting, paused, waiting_for_capacity, failed, cancelled, completed, each newest first "
            "(pages go on from section to section; a run whose status changes between two of them may be on both, or "
            "on neither)"
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor = ""


class GetRunQuery(msgspec.Struct):
    wait: Annotated[
        float, Meta(ge=0, le=WAIT_S_MAX, description="seconds to hold the answer until the run has come to rest")
    ] = 0.0


class RunError(Shape):
    """Why a run or a step failed, as its worker told it; lists tell message and code."""

    message: str
    code: str
    retryable: bool | UnsetType = UNSET
    stack: Text = UNSET
    details: msgspec.Raw | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET


class OriginResponse(Shape):
    """The run that a run was forked from, and up to which position they share its history; 0: it is a replay."""

    run_id: str
    position: int


class ProgressResponse(Shape):
    """How far a run is, compensations left out. `expected`: how many steps the newest run of the same version had that
    completed; left out where none did lately, or this one has more. `at_least`: not all of it was looked at."""

    completed: int
    expected: int | UnsetType = UNSET
    at_least: bool | UnsetType = UNSET


class RunSummary(Shape):
    """A run in a list: no payloads. `version` counts its changes: a change may be asked for of that version only."""

    id: str
    version: int
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    status: str
    attempt: int
    max_attempts: int
    worker_id: str
    environment_id: str
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None
    updated_at: Instant
    error: RunError | None
    due_at: Annotated[str, Meta(description="when a waiting run goes on")] | UnsetType = UNSET
    pause_reason: Text = UNSET
    pause_requested: bool | UnsetType = UNSET
    cancellation_cause: Text = UNSET
    parent_run_id: Text = UNSET
    parent_step_id: Text = UNSET
    forked_from: OriginResponse | UnsetType = UNSET
    tags: Annotated[tuple[str, ...], Meta(description="in the order in which it was given them")] = ()
    progress: Annotated[ProgressResponse, Meta(description="in lists of runs")] | UnsetType = UNSET
    patched: Annotated[bool, Meta(description="a person gave a step of it another output")] | UnsetType = UNSET
    compensating: Annotated[bool, Meta(description="what it did is being undone")] | UnsetType = UNSET


class Unwinding(Shape):
    """What the run did is being undone."""

    cause: str
    until: Instant


class NoteResponse(Shape):
    value: msgspec.Raw
    at: Instant
    position: int


class RunResponse(RunSummary, kw_only=True):
    """A run with its payloads."""

    executions: int
    input: msgspec.Raw
    output: msgspec.Raw | None
    timeout_at: Instant | UnsetType = UNSET
    divergence: Annotated[Divergence, Meta(description="the code asked for another step than it had")] | UnsetType = (
        UNSET
    )
    unwinding: Unwinding | UnsetType = UNSET
    held: Annotated[Held, Meta(description="the breakpoint that holds it, and where")] | UnsetType = UNSET
    not_undone: Annotated[str, Meta(description="why what it did could not be undone")] | UnsetType = UNSET
    notes: dict[str, NoteResponse] | UnsetType = UNSET
    fork_reason: Text = UNSET


class StepResponse(Shape):
    """What is known of a step."""

    id: str
    step_id: str
    run_id: str
    name: str
    type: str
    status: str
    sequence: int
    attempt: int
    output: msgspec.Raw | None
    error: RunError | None
    duration_ms: int
    started_at: Instant | None
    ended_at: Instant | None
    input: msgspec.Raw | UnsetType = UNSET
    sleep_until: Instant | UnsetType = UNSET
    wait_timeout: Instant | UnsetType = UNSET
    wait_event_name: Text = UNSET
    wait_match: Text = UNSET
    event_id: Text = UNSET
    function_id: Text = UNSET
    child_run_id: Text = UNSET
    compensation_for: Text = UNSET
    patched: Annotated[bool, Meta(description="a person gave it this output")] | UnsetType = UNSET
    injected: Annotated[bool, Meta(description="the same, while the run was paused")] | UnsetType = UNSET
    patched_at: Instant | UnsetType = UNSET
    patched_by: Text = UNSET
    patch_reason: Text = UNSET
    original_output: Annotated[msgspec.Raw, Meta(description="before any correction")] | UnsetType = UNSET
    original_error: RunError | UnsetType = UNSET
    carried_from: (
        Annotated[int, Meta(description="position of the result in the history of its origin")] | UnsetType
    ) = UNSET


class ListRunsResponse(Shape):
    """Runs, newest first."""

    runs: list[RunSummary]
    total: int
    total_exact: Annotated[bool, Meta(description="whether no more match than were counted")]
    next_cursor: NextCursor = UNSET


class ListStepsResponse(Shape):
    """Steps in the order they began."""

    steps: list[StepResponse]


class RefusedRun(ErrorResponse, kw_only=True):
    """A run that a bulk operation could not change, and why."""

    run_id: str


class MadeRun(Shape):
    """A new run, and the one that it replays."""

    run_id: str
    replays: str


class BulkResponse(Shape):
    """How many runs matched and were changed, and the first of them; what a replay made."""

    dry_run: bool
    matched: int
    changed: int
    more: bool
    runs: list[RunSummary]
    refused: list[RefusedRun]
    made: list[MadeRun]
    excluded: Annotated[
        dict[str, int] | UnsetType,
        Meta(
            description="of a dry run with a filter: by status, how many fit that cannot be asked that; of the newest"
        ),
    ] = UNSET


def row_shown(row: RunRow, progress: Progress | None = None) -> RunSummary:
    """A run in a list: no payloads."""
    return RunSummary(
        id=row.id,
        version=row.version,
        function_id=row.function_id,
        function_version=row.function_version,
        event_id=row.event_id,
        event_name=row.event_name,
        status=row.status,
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        worker_id=row.worker_id,
        environment_id=row.environment,
        created_at=clock.rfc3339(row.created_at),
        started_at=_instant(row.started_at),
        ended_at=_instant(row.ended_at),
        updated_at=clock.rfc3339(row.updated_at),
        error=RunError(message=row.error_message, code=row.error_code) if row.error_message else None,
        due_at=_perhaps(row.due_at),
        pause_reason=given(row.pause_reason),
        pause_requested=given(bool(row.pause_requested)),
        cancellation_cause=given(row.cancellation_cause),
        parent_run_id=given(row.parent_run_id),
        parent_step_id=given(row.parent_step_id),
        forked_from=(
            OriginResponse(run_id=row.forked_from_run_id, position=row.forked_from_position)
            if row.forked_from_run_id
            else UNSET
        ),
        tags=listed(row.tags),
        progress=UNSET if progress is None else _progress_shown(progress),
        patched=given(bool(row.patched)),
        compensating=given(bool(row.unwinding)),
    )


def _progress_shown(progress: Progress) -> ProgressResponse:
    return ProgressResponse(
        completed=progress.completed, expected=given(progress.expected), at_least=given(progress.at_least)
    )


def run_shown(run: RunRecord) -> RunResponse:
    """A run with its payloads."""
    state: Run = run.state
    notes = {note.name: _note_shown(note) for note in run.notes.values()}
    unwinding = state.unwinding
    return RunResponse(
        id=state.id,
        version=state.version,
        function_id=state.function_id,
        function_version=state.function_version,
        event_id=state.event_id,
        event_name=state.event_name,
        status=state.status,
        attempt=state.attempt,
        max_attempts=state.retry.max_attempts,
        executions=run.executions,
        worker_id=state.worker_id,
        environment_id=state.environment,
        input=run.input,
        output=run.output,
        error=failure_shown(state.error),
        created_at=clock.rfc3339(state.created_at),
        started_at=_instant(state.started_at),
        ended_at=_instant(state.ended_at),
        updated_at=clock.rfc3339(state.updated_at),
        timeout_at=_perhaps(state.timeout_at),
        due_at=_perhaps(state.due_at),
        pause_reason=given(state.pause_reason),
        pause_requested=given(bool(state.pause_requested)),
        cancellation_cause=given(state.cancellation_cause),
        parent_run_id=given(state.parent_run_id),
        parent_step_id=given(state.parent_step_id),
        forked_from=(
            UNSET
            if state.forked_from is None
            else OriginResponse(run_id=state.forked_from.run_id, position=state.forked_from.position)
        ),
        tags=state.tags,
        patched=given(bool(state.corrected)),
        compensating=given(state.unwinding is not None),
        fork_reason=given(run.reason),
        divergence=UNSET if state.divergence is None else state.divergence,
        unwinding=(
            UNSET if unwinding is None else Unwinding(cause=unwinding.cause, until=clock.rfc3339(unwinding.deadline))
        ),
        held=UNSET if state.held is None else state.held,
        not_undone=given(state.not_undone),
        notes=given(notes),
    )


def _note_shown(note: Note) -> NoteResponse:
    return NoteResponse(value=note.value, at=clock.rfc3339(note.at), position=note.position)


def step_shown(run_id: str, step: StepRecord) -> StepResponse:
    return StepResponse(**step_told(run_id, step))


def step_told(run_id: str, step: StepRecord) -> dict[str, Any]:
    """The fields of a StepResponse; pages have thousands of them."""
    told = {
        "id": step.step_id,
        "step_id": step.step_id,
        "run_id": run_id,
        "name": step.name,
        "type": step.type,
        "status": step.status,
        "sequence": step.sequence,
        "attempt": step.attempt,
        "output": step.output,
        "error": failure_shown(step.error),
        "duration_ms": step.duration_ms,
        "started_at": _instant(step.started_at),
        "ended_at": _instant(step.ended_at),
        "input": UNSET if step.input is None else step.input,
        "sleep_until": UNSET if step.sleep_until is None else clock.rfc3339(step.sleep_until),
        "wait_timeout": UNSET if step.wait_timeout is None else clock.rfc3339(step.wait_timeout),
        "wait_event_name": step.wait_event or UNSET,
        "wait_match": step.wait_match or UNSET,
        "event_id": step.event_id or UNSET,
        "function_id": step.function_id or UNSET,
        "child_run_id": step.child_run_id or UNSET,
        "compensation_for": step.compensation_for or UNSET,
        "carried_from": step.carried_from or UNSET,
    }
    if step.corrections:
        told |= _corrections_told(step)
    return told


def _corrections_told(step: StepRecord) -> dict[str, Any]:
    first, last = step.corrections[0].before, step.corrections[-1]
    return {
        "patched": given(step.corrected_by(StepPatched.kind)),
        "injected": given(step.corrected_by(StepInjected.kind)),
        "patched_at": clock.rfc3339(last.at),
        "patched_by": given(last.actor),
        "patch_reason": last.reason,
        "original_output": UNSET if step.original is None else step.original,
        "original_error": UNSET if first is None else failure_shown(first.error) or UNSET,
    }


def failure_shown(failure: Failure | None) -> RunError | None:
    if failure is None:
        return None
    return RunError(
        message=failure.message,
        code=failure.code,
        retryable=failure.retryable,
        stack=given(failure.stack),
        details=UNSET if bytes(failure.details) == b"{}" else failure.details,
        retry_after_ms=given(failure.retry_after_ms),
    )


def _instant(us: int | None) -> str | None:
    return None if us is None else clock.rfc3339(us)


def _perhaps(us: int | None) -> Text:
    return UNSET if us is None else clock.rfc3339(us)
