"""What workers report in JSON, over HTTP: results of steps and failures, as facts to be recorded.

The shape is the same whether a polling worker sends it or a push endpoint answers it. Everything is checked here, so
that nothing of a report is recorded if a part of it cannot be.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from app import clock, jsonvalue
from app.dispatch.jobs import Job
from app.errors import InvalidArgument, IronflowError
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.kinds import Failure, Said, StepCompleted, StepFailed
from app.history.kinds.base import empty, null
from app.runs import lines, tags, writing
from app.runs.lines import LogLine
from app.values import kv

STEP_ID_CHARS_MAX = 1_024
DURATION_MS_MAX = 2**31 - 1
PUBLISHED_KINDS = ("invoke", "compensate")

Step = StepCompleted | StepFailed


class Unrecordable(Exception):
    """A value in a report that history cannot hold: it would come again the same."""

    def __init__(self, reason: IronflowError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class JobError(msgspec.Struct):
    message: str = ""
    code: str | None = None
    retryable: bool = True
    retry_after_ms: int | None = None
    stack: str | None = None


class KvWriteBody(msgspec.Struct):
    """A write that is recorded with the result of its step. What is put is the JSON `value`, or the bytes `base64`."""

    operation: str
    bucket: str
    key: str
    value: msgspec.Raw = msgspec.field(default_factory=null)
    base64: str | None = None
    revision: int | None = None
    ttl_ms: int | None = None
    by: int = 1


class LogLineBody(msgspec.Struct):
    """A line that code logged, at `at_us` in µs since 1970; `fields` is an object. Too long ones are cut."""

    at_us: int = 0
    level: str = "info"
    message: str = ""
    fields: msgspec.Raw = msgspec.field(default_factory=empty)
    logger: str = ""
    path: str = ""
    line: int = 0
    cut_bytes: int = 0


class LogsBody(msgspec.Struct):
    """Lines in order, how many further ones there was no room for, and what the code tagged the run with."""

    lines: tuple[LogLineBody, ...] = ()
    dropped: int = 0
    tags: tuple[str, ...] = ()


class StepResult(msgspec.Struct):
    """`logs` are lines of the step, `logs_before` those of the code between it and what was reported before."""

    id: str
    name: str
    status: str
    type: str = "invoke"
    output: msgspec.Raw = msgspec.field(default_factory=null)
    error: JobError | None = None
    compensation_for: str | None = None
    started_at: str | None = None
    duration_ms: float | None = None
    writes: tuple[KvWriteBody, ...] = ()
    logs: LogsBody | None = None
    logs_before: LogsBody | None = None


class Reported(NamedTuple):
    """The result of a step, with what is emitted, written and logged with it."""

    step: Step
    emissions: Sequence[NewEvent | NewMessage] = ()
    writes: Sequence[kv.Write] = ()
    logged: Sequence[Said] = ()


def step(job: Job, body: StepResult, field: str, *, kinds: Sequence[str] = PUBLISHED_KINDS) -> Step:
    """The result of a step. Raises InvalidArgument for a malformed one, Unrecordable for its output."""
    check_step_id(job, body.id, f"{field}.id")
    if body.type not in kinds:
        raise InvalidArgument(
            f"{field}.type {body.type[:40]!r} is unknown", field=f"{field}.type", hint=f"one of {', '.join(kinds)}"
        )
    if "\0" in body.name or "\0" in (body.compensation_for or ""):
        raise InvalidArgument(f"{field} has a NUL character in a name", field=field, hint="leave it out")
    common: dict[str, Any] = {
        "step_id": body.id,
        "name": body.name,
        "type": body.type,
        "execution_seq": job.execution_seq,
        "attempt": job.attempt,
        "duration_ms": round(min(max(0.0, body.duration_ms or 0.0), DURATION_MS_MAX)),
        "started_at": clock.parse_rfc3339(body.started_at, field=f"{field}.started_at") if body.started_at else 0,
        "compensation_for": body.compensation_for or "",
    }
    if body.status == "completed":
        return StepCompleted(output=checked(body.output, f"{field}.output"), **common)
    if body.status == "failed":
        return StepFailed(error=failure(body.error), **common)
    raise InvalidArgument(
        f"{field}.status {body.status[:40]!r} is unknown", field=f"{field}.status", hint="completed or failed"
    )


def writes(body: StepResult, field: str) -> Sequence[kv.Write]:
    """What the step writes with its result: nothing if it failed. Raises InvalidArgument."""
    if body.status != "completed":
        return ()
    writing.check_count(len(body.writes), f"{field}.writes")
    return [_write(one, f"{field}.writes[{number}]") for number, one in enumerate(body.writes)]


def step_logged(job: Job, body: StepResult) -> Sequence[Said]:
    """The lines and tags that came with the result of a step: those from before it, and its own."""
    return (*_logged(job, body.logs_before, ""), *_logged(job, body.logs, body.id))


def logged(job: Job, body: LogsBody | None) -> Sequence[Said]:
    """The lines and tags that came with the end of an execution."""
    return _logged(job, body, "")


def _logged(job: Job, body: LogsBody | None, step_id: str) -> Sequence[Said]:
    if body is None:
        return ()
    return said(job, (lines.told(one, bytes(one.fields)) for one in body.lines), body.dropped, body.tags, step_id)


def said(job: Job, told: Iterable[LogLine], dropped: int, given: Iterable[str], step_id: str) -> Sequence[Said]:
    """What the code said, in a step or (with step_id "") between steps: lines, of which so many were left out, and tags
    that it gave."""
    return (
        *lines.logged(told, dropped, step_id=step_id, execution_seq=job.execution_seq, attempt=job.attempt),
        *tags.told(given, step_id=step_id, execution_seq=job.execution_seq),
    )


def _write(body: KvWriteBody, field: str) -> kv.Write:
    return writing.write(
        body.operation,
        body.bucket,
        body.key,
        value=bytes(body.value) if body.base64 is None else _decoded(body.base64, f"{field}.base64"),
        expected=body.revision,
        ttl_ms=body.ttl_ms,
        by=body.by,
        field=field,
    )


def _decoded(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgument(f"{field} is not base64", field=field) from None


def failure(body: JobError | None) -> Failure:
    """The error as it is recorded: texts bounded, and free of what a store cannot hold."""
    told = body or JobError()
    return Failure(
        message=text(told.message, 4_000) or "the worker gave no message",
        code=text(told.code, 200),
        retryable=told.retryable,
        stack=text(told.stack, 16_000),
        retry_after_ms=min(max(0, told.retry_after_ms or 0), DURATION_MS_MAX),
    )


def bad_report(refusal: IronflowError) -> Failure:
    """What becomes of a run whose last report cannot be recorded."""
    return Failure(f"bad report of the worker: {refusal}", code=refusal.code, retryable=False)


def checked(raw: msgspec.Raw, field: str) -> msgspec.Raw:
    """The payload, if it can be recorded. Raises Unrecordable."""
    try:
        jsonvalue.check(bytes(raw), field=field)
    except IronflowError as error:
        raise Unrecordable(error) from None
    return raw


def text(value: str | None, chars_max: int) -> str:
    return (value or "").replace("\0", "\\0")[:chars_max]


def check_step_id(job: Job, step_id: str, field: str) -> None:
    if not step_id.startswith(f"{job.run_id}:") or len(step_id) > STEP_ID_CHARS_MAX or "\0" in step_id:
        raise InvalidArgument(
            f"step id {step_id[:100]!r} does not belong to {job.run_id}", field=field, hint="<run id>:<name>:<number>"
        )
