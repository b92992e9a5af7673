"""Executions and the bodies of push requests: a request is read as an assignment, reports are written as its answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ironflow.assignment import Assignment, Recorded, Unwind
from ironflow.context import Event
from ironflow.execution import Execution
from ironflow.failures import Failure
from ironflow.lines import Line, Logs
from ironflow.reports import (
    AsyncInvocation,
    Emission,
    EventWait,
    Invocation,
    KvWrite,
    Noted,
    Report,
    RunCompleted,
    RunFailed,
    Sleep,
    StepCompleted,
    StepFailed,
    Wait,
    Waiting,
)

Json = dict[str, Any]


class Refused(Exception):
    """The request is answered with a status of its own, and no function is called."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def body(self) -> bytes:
        return json.dumps({"error": {"code": self.code, "message": str(self)}}).encode()


def assignment(body: bytes) -> Assignment:
    """The execution that is asked for. Raises Refused."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "INVALID_JSON", f"the body is not JSON: {error}") from None
    _expect(request, dict, "the body")
    event = _field(request, "event", dict)
    return Assignment(
        run_id=_field(request, "run_id", str),
        function_id=_field(request, "function_id", str),
        event=Event(
            id=_field(event, "id", str, "event."),
            name=_field(event, "name", str, "event."),
            data=event.get("data"),
            timestamp=_instant(_field(event, "timestamp", str, "event.")),
            metadata=_field(event, "metadata", dict, "event.", default={}),
            version=_field(event, "version", int, "event.", default=1),
            source=_field(event, "source", str, "event.", default=""),
            idempotency_key=_field(event, "idempotency_key", str, "event.", default=""),
        ),
        steps=[_recorded(step, f"steps[{n}]") for n, step in enumerate(_field(request, "steps", list, default=[]))],
        attempt=_field(request, "attempt", int, default=1),
        max_attempts=_field(request, "max_attempts", int, default=0),
        on_exhausted=_field(request, "on_exhausted", str, default=""),
        unwind=_unwind(_field(request, "unwind", dict)) if request.get("unwind") is not None else None,
        secrets=_field(request, "secrets", dict, default={}),
        rested=request.get("rested") is True,
    )


def _unwind(told: Json) -> Unwind:
    """Why the run ends whose compensations are to be run."""
    cause = _field(told, "cause", str, "unwind.", default="failed")
    error = _field(told, "error", dict, "unwind.", default={})
    message = _field(error, "message", str, "unwind.error.", default=f"the run is {cause}")
    code = _field(error, "code", str, "unwind.error.", default=f"RUN_{cause.upper()}")
    return Unwind(cause, Failure(message, code, False, 0, _field(error, "stack", str, "unwind.error.", default="")))


class Answer:
    """Collects what an execution says into the answer's one body, which is there when it has said its last word."""

    def __init__(self) -> None:
        self.execution: Execution | None = None
        self.body = b""
        self._steps: list[bytes] = []
        self._notes: list[bytes] = []

    def report(self, report: Report) -> None:
        match report:
            case StepCompleted() | StepFailed():
                self._steps.append(_step(report))
                _acknowledge(self.execution, report.step_id)
            case Noted():
                self._notes.append(_note(report))
            case _:
                parts = {"steps": b"[" + b",".join(self._steps) + b"]"}
                if self._notes:
                    parts["notes"] = b"[" + b",".join(self._notes) + b"]"
                self.body = _outcome(report, parts)


class Lines:
    """Says each thing at once, as a line of its own: `write` is given the lines, the outcome at last."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.execution: Execution | None = None
        self._write = write

    def report(self, report: Report) -> None:
        match report:
            case StepCompleted() | StepFailed():
                self._write(b'{"step":' + _step(report) + b"}\n")
                _acknowledge(self.execution, report.step_id)
            case Noted():
                self._write(b'{"note":' + _note(report) + b"}\n")
            case _:
                self._write(_outcome(report, {}) + b"\n")


def _acknowledge(execution: Execution | None, step_id: str) -> None:
    """An answer cannot be answered: the function goes on as soon as it has told."""
    assert execution is not None, "who carries an execution sets it first"
    execution.acknowledged(step_id)


def _step(report: StepCompleted | StepFailed) -> bytes:
    ended_at = datetime.now(UTC)
    told: Json = {
        "id": report.step_id,
        "name": report.name,
        "type": report.kind,
        "started_at": _rfc3339(ended_at - timedelta(milliseconds=report.duration_ms)),
        "ended_at": _rfc3339(ended_at),
        "duration_ms": report.duration_ms,
    }
    if report.attempt:
        told["attempt"] = report.attempt
    if report.compensation_for:
        told["compensation_for"] = report.compensation_for
    logs = _logs(logs=report.logs, logs_before=report.logs_before)
    if isinstance(report, StepFailed):
        return _with({**told, "status": "failed", "error": _error(report.failure)}, **logs)
    told["status"] = "completed"
    parts = {"output": report.output, **logs}
    if report.emissions:
        parts["emissions"] = b"[" + b",".join(map(_emission, report.emissions)) + b"]"
    if report.writes:
        parts["writes"] = b"[" + b",".join(map(_write, report.writes)) + b"]"
    return _with(told, **parts)


def _write(write: KvWrite) -> bytes:
    told: Json = {"operation": write.operation, "bucket": write.bucket, "key": write.key}
    if write.operation == "put":
        told["base64"] = base64.b64encode(write.value).decode()
    if write.operation == "incr":
        told["by"] = write.by
    for name in ("revision", "ttl_ms"):
        if (value := getattr(write, name)) is not None:
            told[name] = value
    return _encode(told)


def _emission(emission: Emission) -> bytes:
    told: Json = {"name": emission.name}
    for name in ("topic", "idempotency_key", "metadata", "version"):
        if value := getattr(emission, name):
            told[name] = value
    return _with(told, data=emission.data)


def _logs(**logs: Logs | None) -> dict[str, bytes]:
    """The fields of a report that have lines."""
    return {
        name: _with({"dropped": told.dropped, "tags": told.tags}, lines=b"[" + b",".join(map(_line, told.lines)) + b"]")
        for name, told in logs.items()
        if told is not None
    }


def _line(line: Line) -> bytes:
    told: Json = {"at_us": line.at, "level": line.level, "message": line.message}
    for name, value in (("logger", line.logger), ("path", line.path), ("line", line.line), ("cut_bytes", line.cut)):
        if value:
            told[name] = value
    return _with(told, fields=line.fields)


def _note(report: Noted) -> bytes:
    return _with({"name": report.name}, value=report.value)


def _outcome(report: Report, parts: Mapping[str, bytes]) -> bytes:
    match report:
        case RunCompleted():
            return _with({"status": "completed"}, **parts, result=report.output, **_logs(logs=report.logs))
        case RunFailed():
            told: Json = {"status": "failed", "error": _error(report.failure)}
            if report.divergence is not None:
                names = ("step_id", "recorded", "requested", "location")
                told["divergence"] = {name: getattr(report.divergence, name) for name in names}
            return _with(told, **parts, **_logs(logs=report.logs))
        case Waiting():
            first, *others = map(_yield, report.waits)
            more = {"also": b"[" + b",".join(others) + b"]"} if others else {}
            return _with({"status": "yielded"}, **parts, **{"yield": first}, **more, **_logs(logs=report.logs))
    raise AssertionError(f"{report!r} is not the last word of an execution")


def _yield(wait: Wait) -> bytes:
    told: Json = {"type": wait.kind, "step_id": wait.step_id, "step_name": wait.name}
    match wait:
        case Sleep():
            return _encode({**told, "until": _rfc3339(wait.until)})
        case EventWait():
            return _with(told, event_filter=_filter(wait))
        case Invocation() | AsyncInvocation():
            told["function_id"] = wait.function_id
            if isinstance(wait, Invocation):
                told["invoke_timeout_ms"] = wait.timeout_ms
            if wait.tags:
                told["tags"] = wait.tags
            return _with(told, input=wait.input)


def _filter(wait: EventWait) -> bytes:
    left_ms = max(1, round((wait.until - datetime.now(UTC)).total_seconds() * 1_000))
    told: Json = {"event": wait.event, "timeout": f"{left_ms}ms", "on_timeout": wait.on_timeout}
    if wait.match:
        told["match"] = wait.match
    if wait.match_value:
        told["match_value"] = wait.match_value
    if wait.lookback_ms:
        told["lookback_ms"] = wait.lookback_ms
    parts = {name: raw for name, raw in (("default", wait.default), ("payload", wait.payload)) if raw}
    return _with(told, **parts)


def _error(failure: Failure) -> Json:
    told: Json = {"message": failure.message, "code": failure.code, "retryable": failure.retryable}
    if failure.stack:
        told["stack"] = failure.stack
    if failure.retry_after_ms:
        told["retry_after_ms"] = failure.retry_after_ms
    return told


def _recorded(step: Any, place: str) -> Recorded:
    _expect(step, dict, place)
    step_id = _field(step, "id", str, f"{place}.")
    name = _field(step, "name", str, f"{place}.", default="")
    kind = _field(step, "type", str, f"{place}.", default="")
    if step.get("status", "completed") == "completed":
        return Recorded(step_id, _encode(step.get("output")), name=name, kind=kind, news=step.get("news") is True)
    error = step.get("error")
    try:
        read = json.loads(error) if isinstance(error, str) else error
    except ValueError:
        read = error
    return Recorded(
        step_id,
        name=name,
        kind=kind,
        failed=True,
        error=read if isinstance(read, dict) else {"message": str(read or step["status"])},
        attempt=_field(step, "attempt", int, f"{place}.", default=0),
        news=step.get("news") is True,
    )


def _field(of: Json, name: str, kind: type[Any], before: str = "", *, default: Any = None) -> Any:
    value = of.get(name)
    if value is None and default is not None:
        return default
    _expect(value, kind, f"{before}{name}")
    return value


def _expect(value: Any, kind: type[Any], place: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Refused(400, "VALIDATION_ERROR", f"{place} is not of the type {_TYPES[kind]}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Refused(400, "VALIDATION_ERROR", "event.timestamp is not an RFC 3339 instant")
    return instant


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with(told: Json, **parts: bytes) -> bytes:
    """The object with further fields that are JSON already."""
    raw = _encode(told)
    return raw[:-1] + b"".join(b',"%s":%s' % (name.encode(), part or b"null") for name, part in parts.items()) + b"}"


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_TYPES = {dict: "object", list: "array", str: "string", int: "integer"}
