"""Between protobuf messages and the server's own records (objects travel in `x`, other JSON in `x_value`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from app import jsonvalue
from app.dispatch.workers import PUSH_WORKER
from app.errors import FailedPrecondition, InvalidArgument, IronflowError
from app.events.invoke import RunResult
from app.history.kinds import Failure, StepInjected
from app.rpc import structs
from app.runs import tags as run_tags
from app.runs.reading import RunRecord, StepRecord
from ironflow.v1 import ironflow_pb2, types_pb2
from storage.records import RunRow

_STEP_TYPES = {
    "invoke": types_pb2.STEP_TYPE_INVOKE,
    "sleep": types_pb2.STEP_TYPE_SLEEP,
    "wait_for_event": types_pb2.STEP_TYPE_WAIT_FOR_EVENT,
    "compensate": types_pb2.STEP_TYPE_COMPENSATE,
    "invoke_function": types_pb2.STEP_TYPE_INVOKE_FUNCTION,
    "invoke_function_async": types_pb2.STEP_TYPE_INVOKE_FUNCTION,
}
_MODES = {"pull": types_pb2.EXECUTION_MODE_PULL, "push": types_pb2.EXECUTION_MODE_PUSH}

LEVELS_MAX = 96
"""Of the 100 levels of messages within messages that protobuf parsers read; the rest is for what a payload is in."""


def run(record: RunRecord) -> types_pb2.Run:
    """A run with its payloads. Raises FailedPrecondition for one that protobuf cannot carry."""
    message = run_head(record)
    put(message, "input", record.input)
    if record.output is not None:
        put(message, "output", record.output)
    return message


def run_head(record: RunRecord) -> types_pb2.Run:
    """A run without its payloads."""
    state = record.state
    message = _run_common(state, state.environment, state.retry.max_attempts, state.tags)
    if state.error is not None:
        message.error.CopyFrom(error(state.error))
    return message


def run_row(row: RunRow) -> types_pb2.Run:
    """A run of a list, without payloads."""
    message = _run_common(row, row.environment, row.max_attempts, run_tags.listed(row.tags))
    if row.error_message:
        message.error.message, message.error.code = row.error_message, row.error_code
    return message


def _run_common(state: Any, environment: str, max_attempts: int, tags: Sequence[str]) -> types_pb2.Run:
    message = types_pb2.Run(
        id=state.id,
        function_id=state.function_id,
        function_version=state.function_version,
        event_id=state.event_id,
        event_name=state.event_name,
        execution_mode=_MODES["push" if state.worker_id.startswith(PUSH_WORKER) else "pull"],
        worker_id=state.worker_id,
        status=status(state.status),
        attempt=state.attempt,
        max_attempts=max_attempts,
        pause_reason=state.pause_reason,
        cancellation_cause=state.cancellation_cause,
        pause_requested=bool(state.pause_requested),
        parent_run_id=state.parent_run_id,
        parent_step_id=state.parent_step_id,
        environment_id=environment,
        version=state.version,
        tags=tags,
    )
    for name in ("created_at", "started_at", "ended_at", "updated_at", "timeout_at"):
        instant = getattr(state, name)
        if instant is not None:
            getattr(message, name).FromMicroseconds(instant)
    return message


def step(run_id: str, record: StepRecord) -> types_pb2.Step:
    """A step with its output. Raises FailedPrecondition for one that protobuf cannot carry."""
    message = step_head(run_id, record)
    if record.input is not None:
        put(message, "input", record.input)
    if record.output is not None:
        put(message, "output", record.output)
    if record.original is not None:
        put(message, "original_output", record.original)
    return message


def paused_step(record: StepRecord) -> ironflow_pb2.PausedStepInfo:
    """A step of a paused run, its payloads as JSON bytes."""
    message = ironflow_pb2.PausedStepInfo(
        id=record.step_id,
        name=record.name,
        output=bytes(record.output or b""),
        step_type=record.type,
        status=record.status,
        injected=record.corrected_by(StepInjected.kind),
    )
    if record.error is not None:
        message.error = msgspec.json.encode(record.error.told())
    if record.ended_at is not None:
        message.completed_at.FromMicroseconds(record.ended_at)
    return message


def step_head(run_id: str, record: StepRecord) -> types_pb2.Step:
    """A step without its output."""
    message = types_pb2.Step(
        id=record.step_id,
        run_id=run_id,
        step_id=record.step_id,
        step_type=_STEP_TYPES.get(record.type, types_pb2.STEP_TYPE_INVOKE),
        sequence=record.sequence,
        status=getattr(types_pb2, f"STEP_STATUS_{record.status.upper()}"),
        attempt=record.attempt,
        duration_ms=min(record.duration_ms, 2**31 - 1),
        compensation_for=record.compensation_for,
        wait_event_name=record.wait_event,
        child_run_id=record.child_run_id,
    )
    if record.error is not None:
        message.error.CopyFrom(error(record.error))
    if record.corrections:
        message.patched_at.FromMicroseconds(record.corrections[-1].at)
        message.patched_by = record.corrections[-1].actor
    for name in ("started_at", "ended_at", "sleep_until", "wait_timeout"):
        instant = getattr(record, name)
        if instant is not None:
            getattr(message, name).FromMicroseconds(instant)
    return message


def result(result: RunResult) -> ironflow_pb2.RunResult:
    """How far a run has come. Raises FailedPrecondition for an output that protobuf cannot carry."""
    message = ironflow_pb2.RunResult(
        run_id=result.run_id,
        function_id=result.function_id,
        status=status(result.status),
        wait_timed_out=result.timed_out,
        duration_ms=min(2**31 - 1, result.duration_ms),
    )
    if result.output is not None:
        put(message, "output", result.output)
    if result.error is not None:
        message.error.CopyFrom(error(result.error))
    return message


def error(failure: Failure) -> types_pb2.Error:
    message = types_pb2.Error(
        message=failure.message,
        code=failure.code,
        stack=failure.stack,
        retryable=failure.retryable,
        retry_after_ms=failure.retry_after_ms,
    )
    if bytes(failure.details) != b"{}":
        message.details.update(msgspec.json.decode(failure.details))
    return message


def refusal(error: IronflowError) -> types_pb2.Error:
    """Why one event of a batch was not recorded."""
    return types_pb2.Error(message=str(error), code=error.code, retryable=error.retryable)


def status(name: str) -> types_pb2.RunStatus:
    return getattr(types_pb2, f"RUN_STATUS_{name.upper()}")  # type: ignore[no-any-return]


def status_name(value: int) -> str:
    """Raises InvalidArgument for a number that is no status."""
    if value not in types_pb2.RunStatus.values():
        raise InvalidArgument(f"status {value} is unknown", field="status", hint="see RunStatus in types.proto")
    return str(types_pb2.RunStatus.Name(value)).removeprefix("RUN_STATUS_").lower()


def instant(request: Any, name: str, default: int) -> int:
    """A Timestamp of the request in µs, or the default if it is not set. Raises InvalidArgument."""
    if not request.HasField(name):
        return default
    try:
        return int(getattr(request, name).ToMicroseconds())
    except ValueError:
        raise InvalidArgument(f"{name} is not an instant", field=name, hint="the years 1 to 9999") from None


def seconds(request: Any, field: str, default: float) -> float:
    """A duration in seconds; the default where the request has none."""
    if not request.HasField(field):
        return default
    found: float = getattr(request, field).ToMicroseconds() / 1_000_000
    return found


def timestamp(us: int) -> Timestamp:
    made = Timestamp()
    made.FromMicroseconds(us)
    return made


def put(message: Any, name: str, raw: msgspec.Raw) -> None:
    """Set a payload: an object in `name`, anything else in `name`_value. Raises FailedPrecondition if it is deeper
    than protobuf parsers read."""
    value = msgspec.json.decode(raw)
    if structs.levels(value) > LEVELS_MAX:
        raise FailedPrecondition(
            f"{name} is nested too deep for protobuf", field=name, hint="ask for application/json, or over REST"
        )
    if isinstance(value, dict):
        structs.fill(getattr(message, name), value)
    else:
        structs.put(getattr(message, f"{name}_value"), value)


def payload(message: Any, name: str) -> bytes:
    """The JSON of a payload that came in `name`_value or `name`; null if in neither. Raises InvalidArgument."""
    for field in (f"{name}_value", name):
        if message.HasField(field):
            return jsonvalue.encode(plain(getattr(message, field), field=name), field=name)
    return b"null"


def metadata(request: Any) -> bytes:
    """The JSON of a request's metadata. Raises InvalidArgument."""
    if not request.HasField("metadata"):
        return b"{}"
    return jsonvalue.encode(plain(request.metadata, field="metadata"), field="metadata")


def plain(message: Struct | Value | ListValue, *, field: str) -> Any:
    """A Struct or Value as Python data. Its numbers are doubles; those that are whole were integers. Raises
    InvalidArgument for NaN and infinities, which JSON does not have."""
    try:
        return structs.plain(message)
    except ValueError as error:
        raise InvalidArgument(f"{field} cannot be written as JSON: {error}", field=field) from None
