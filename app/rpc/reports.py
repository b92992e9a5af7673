"""What a worker's stream reports, as facts to be recorded. Everything is checked here; a report that cannot be recorded
raises InvalidArgument or PayloadTooLarge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from app import jsonvalue
from app.clock import INSTANT_US_MAX, INSTANT_US_MIN
from app.dispatch.jobs import Job
from app.dispatch.reports import said
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.kinds import NULL, Divergence, Failure, RunNoted, Said, StepCompleted, StepFailed
from app.rpc import convert
from app.runs import lines, writing
from app.runs.state import AWAITED, step_name
from app.runs.yields import WAIT_DEFAULT_US, YIELDS_MAX, Invoke, Sleep, WaitForEvent, Yield
from app.values import kv
from ironflow.v1 import types_pb2, worker_pb2

STEP_ID_CHARS_MAX = 1_024
EMISSIONS_MAX = 1_000
NOTE_BYTES_MAX = 64 * 2**10
SOURCE = "sdk"


def completed(job: Job, message: worker_pb2.StepCompleted, *, now: int) -> StepCompleted:
    check_step_id(job, message.step_id)
    duration_ms = max(0, message.duration_ms)
    return StepCompleted(
        step_id=message.step_id,
        name=message.name or step_name(message.step_id),
        output=output(message),
        type=_reported(message.type) if message.type else "invoke",
        execution_seq=job.execution_seq,
        attempt=job.attempt,
        duration_ms=duration_ms,
        started_at=now - duration_ms * 1000,
        compensation_for=message.compensation_for,
    )


def failed(job: Job, message: worker_pb2.StepFailed, *, now: int) -> StepFailed:
    check_step_id(job, message.step_id)
    duration_ms = max(0, message.duration_ms)
    return StepFailed(
        step_id=message.step_id,
        name=message.name or step_name(message.step_id),
        error=failure(message.error),
        type=_reported(message.type) if message.type else "invoke",
        execution_seq=job.execution_seq,
        attempt=job.attempt,
        duration_ms=duration_ms,
        started_at=now - duration_ms * 1000,
        compensation_for=message.compensation_for,
    )


def executed(job: Job, step: worker_pb2.ExecutedStep, *, now: int) -> StepCompleted | StepFailed:
    """A compensation that came with the end of the run."""
    check_step_id(job, step.id)
    common: dict[str, Any] = {
        "step_id": step.id,
        "name": step.name or step_name(step.id),
        "type": _reported(step.type) if step.type else "compensate",
        "execution_seq": job.execution_seq,
        "attempt": job.attempt,
        "duration_ms": max(0, step.duration_ms),
        "started_at": now - max(0, step.duration_ms) * 1000,
        "compensation_for": step.compensation_for,
    }
    if step.status == "failed":
        return StepFailed(error=failure(step.error), **common)
    return StepCompleted(**common)


def noted(job: Job, message: worker_pb2.RunNoted) -> RunNoted:
    value = message.value_json or bytes(NULL)
    jsonvalue.check(value, field="value_json", size_max=NOTE_BYTES_MAX)
    return RunNoted(name=text(message.name, 200), value=msgspec.Raw(value), execution_seq=job.execution_seq)


def step_logged(job: Job, message: worker_pb2.StepCompleted | worker_pb2.StepFailed) -> Sequence[Said]:
    """The lines and tags that came with the result of a step: those from before it, and its own."""
    if not (message.HasField("logs") or message.HasField("logs_before")):  # most have none
        return ()
    facts = (*_logged(job, message.logs_before, ""), *_logged(job, message.logs, message.step_id))
    return [job.redacted(fact) for fact in facts]


def logged(
    job: Job, message: worker_pb2.StepYielded | worker_pb2.JobCompleted | worker_pb2.JobFailed
) -> Sequence[Said]:
    """The lines and tags that came with the end of an execution."""
    return [job.redacted(fact) for fact in _logged(job, message.logs, "")] if message.HasField("logs") else ()


def _logged(job: Job, told: worker_pb2.Logs, step_id: str) -> Sequence[Said]:
    return said(job, (lines.told(one, one.fields_json) for one in told.lines), told.dropped, told.tags, step_id)


def emissions(job: Job, message: worker_pb2.StepCompleted) -> Sequence[NewEvent | NewMessage]:
    """What the step emits and publishes with its result."""
    if len(message.emissions) > EMISSIONS_MAX:
        raise InvalidArgument(
            f"{len(message.emissions)} emissions are too many for a step",
            field="emissions",
            hint=f"at most {EMISSIONS_MAX}",
        )
    return [_emission(job, emission) for emission in message.emissions]


def writes(message: worker_pb2.StepCompleted) -> Sequence[kv.Write]:
    """What the step writes with its result."""
    writing.check_count(len(message.writes), "writes")
    return [_write(one, f"writes[{number}]") for number, one in enumerate(message.writes)]


def _write(message: worker_pb2.KvWrite, field: str) -> kv.Write:
    return writing.write(
        message.operation,
        message.bucket,
        message.key,
        value=message.value,
        expected=message.revision if message.HasField("revision") else None,
        ttl_ms=message.ttl_ms if message.HasField("ttl_ms") else None,
        by=message.by if message.HasField("by") else 1,
        field=field,
    )


def _emission(job: Job, emission: worker_pb2.Emission) -> NewEvent | NewMessage:
    data = emission.data_json or bytes(NULL)
    if emission.topic:
        return NewMessage(job.environment, emission.topic, data, emission.idempotency_key, run_id=job.run_id)
    metadata = b"{}"
    if emission.HasField("metadata"):
        metadata = jsonvalue.encode(convert.plain(emission.metadata, field="metadata"), field="metadata")
    return NewEvent(
        environment=job.environment,
        name=emission.name,
        data=data,
        idempotency_key=emission.idempotency_key,
        metadata=metadata,
        version=emission.version or 1,
        source=SOURCE,
        run_id=job.run_id,
    )


def yields(job: Job, message: worker_pb2.StepYielded, *, now: int) -> Sequence[Yield]:
    """What the execution waits for: the message's own step, and those side by side with it."""
    if len(message.also) >= YIELDS_MAX:
        raise InvalidArgument(
            f"{len(message.also)} steps side by side are too many", field="also", hint=f"at most {YIELDS_MAX - 1}"
        )
    return [_yield(job, one, now) for one in (message, *message.also)]


def _yield(job: Job, message: worker_pb2.StepYielded, now: int) -> Yield:
    step_id = message.step_id
    check_step_id(job, step_id)
    name = message.name or step_name(step_id)
    match message.WhichOneof("yield_info"):
        case "sleep":
            return Sleep(step_id, name, _instant(message.sleep.until, step_id, "sleep.until"))
        case "wait_event":
            wait = message.wait_event
            deadline = now + WAIT_DEFAULT_US
            if wait.HasField("timeout"):
                deadline = _instant(wait.timeout, step_id, "wait_event.timeout")
            return WaitForEvent(
                step_id=step_id,
                name=name,
                event=wait.event_name,
                deadline=deadline,
                match=wait.match_expression,
                match_value=wait.match_value,
                lookback_ms=wait.lookback_ms,
                on_timeout=wait.on_timeout or "fail",
                default=msgspec.Raw(wait.default_json) if wait.default_json else NULL,
                payload=msgspec.Raw(wait.payload_json) if wait.payload_json else NULL,
            )
        case "invoke_function":
            invoke = message.invoke_function
            sent = msgspec.Raw(invoke.input_json) if invoke.input_json else NULL
            return Invoke(step_id, name, invoke.function_id, sent, invoke.invoke_timeout_ms, tags=tuple(invoke.tags))
        case "invoke_function_async":
            detached = message.invoke_function_async
            sent = msgspec.Raw(detached.input_json) if detached.input_json else NULL
            return Invoke(step_id, name, detached.function_id, sent, detached=True, tags=tuple(detached.tags))
        case other:
            raise InvalidArgument(f"step {step_id}: it waits for {other or 'nothing'}", field="yield_info")


def divergence(message: worker_pb2.Divergence) -> Divergence:
    return Divergence(
        step_id=text(message.step_id, STEP_ID_CHARS_MAX),
        recorded=text(message.recorded, 1_000),
        requested=text(message.requested, 1_000),
        location=text(message.location, 1_000),
    )


def output(message: worker_pb2.StepCompleted | worker_pb2.JobCompleted) -> msgspec.Raw:
    """The JSON of a result: our own bytes, or the published Struct and Value."""
    if message.output_json:
        jsonvalue.check(message.output_json, field="output")
        return msgspec.Raw(message.output_json)
    return msgspec.Raw(convert.payload(message, "output"))


def failure(error: types_pb2.Error) -> Failure:
    """The error as it is recorded: texts bounded, and free of what JSON cannot hold."""
    return Failure(
        message=text(error.message, 4_000) or "the worker gave no message",
        code=text(error.code, 200),
        retryable=error.retryable,
        stack=text(error.stack, 16_000),
        retry_after_ms=max(0, error.retry_after_ms),
    )


def text(value: str, chars_max: int) -> str:
    return value.replace("\0", "\\0")[:chars_max]


def check_step_id(job: Job, step_id: str) -> None:
    if not step_id.startswith(f"{job.run_id}:") or len(step_id) > STEP_ID_CHARS_MAX or "\0" in step_id:
        raise InvalidArgument(
            f"step id {step_id[:100]!r} does not belong to {job.run_id}",
            field="step_id",
            hint="step ids are <run id>:<name>:<number>",
        )


def _reported(kind: str) -> str:
    if kind in AWAITED or not kind.isidentifier():
        raise InvalidArgument(f"type {kind[:40]!r} is not one that a worker reports", field="type", hint="invoke")
    return kind


def _instant(at: Any, step_id: str, field: str) -> int:
    us: int = at.ToMicroseconds()
    if not INSTANT_US_MIN <= us <= INSTANT_US_MAX:
        raise InvalidArgument(f"step {step_id}: it cannot wait until then", field=field)
    return us
