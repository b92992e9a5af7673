"""Recordings of runs as REST tells them: the shape in which push endpoints are handed a run, and how it ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from app import clock
from app.api.shapes.base import Instant, Shape, Text, given
from app.history.kinds import NULL, EventEmitted
from app.runs.memo import Memo, Memos
from app.runs.reading import RunRecord


class RecordedEvent(Shape):
    id: str
    name: str
    data: msgspec.Raw
    timestamp: Instant
    version: int
    source: str
    metadata: msgspec.Raw
    idempotency_key: Text = UNSET


class RecordedStep(Shape):
    """A step that has ended: its output, or why it failed, and in which attempt."""

    id: str
    name: str
    type: str
    status: str
    output: msgspec.Raw | UnsetType = UNSET
    error: dict[str, Any] | UnsetType = UNSET
    attempt: int | UnsetType = UNSET


class RecordedUnwind(Shape):
    """Why the run is undone."""

    cause: str
    error: dict[str, Any] | UnsetType = UNSET


class RecordingResponse(Shape):
    """A run as it can be replayed; steps are in the order in which its code was told of them."""

    schema: Literal["ironflow.recording/v1"]
    run_id: str
    function_id: str
    function_version: int
    status: str
    attempt: int
    max_attempts: int
    on_exhausted: str
    event: RecordedEvent
    steps: list[RecordedStep]
    output: msgspec.Raw | None
    error: dict[str, Any] | None
    unwind: RecordedUnwind | UnsetType = UNSET


def recording_shown(run: RunRecord, memos: Memos) -> RecordingResponse:
    state, event = run.state, run.event
    assert event is not None, "a run was read with its event"
    emitted = event.fact
    assert isinstance(emitted, EventEmitted)
    return RecordingResponse(
        schema="ironflow.recording/v1",
        run_id=state.id,
        function_id=state.function_id,
        function_version=state.function_version,
        status=state.status,
        attempt=max(state.attempt, 1),
        max_attempts=state.retry.max_attempts,
        on_exhausted=state.retry.on_exhausted,
        event=RecordedEvent(
            id=emitted.id,
            name=emitted.name,
            data=emitted.data,
            timestamp=clock.rfc3339(event.recorded_at),
            version=emitted.version,
            source=emitted.source,
            metadata=msgspec.Raw(event.metadata),
            idempotency_key=given(emitted.idempotency_key),
        ),
        steps=[_step(memo) for memo in memos.given(max(state.attempt, 1))],
        output=run.output,
        error=None if state.error is None else {**state.error.told(), "retryable": state.error.retryable},
        unwind=_unwind(memos),
    )


def _step(memo: Memo) -> RecordedStep:
    step = RecordedStep(id=memo.step_id, name=memo.name, type=memo.type, status=memo.status)
    if memo.error is None:
        step.output = memo.output or NULL
    else:
        step.error = memo.told_error()
        step.attempt = UNSET if memo.awaited else memo.attempt
    return step


def _unwind(memos: Memos) -> RecordedUnwind | UnsetType:
    if memos.unwinding is None:
        return UNSET
    error = memos.unwinding.error
    return RecordedUnwind(cause=memos.unwinding.cause, error=UNSET if error is None else error.told())
