"""Executions and the messages of the worker's stream: assignments are read, reports are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ironflow import jsonvalue
from ironflow.assignment import Assignment, Recorded, Unwind
from ironflow.context import Event
from ironflow.failures import Failure
from ironflow.lines import Logs
from ironflow.outbox import Outbox
from ironflow.reports import (
    RESULT,
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
    StepStarted,
    Wait,
    Waiting,
)
from ironflow.v1 import types_pb2, worker_pb2


class JobSink:
    """The reports of one job, each under its fence."""

    __slots__ = ("_execution_seq", "_lease_token", "_outbox", "job_id")

    def __init__(self, outbox: Outbox, message: worker_pb2.JobAssignment) -> None:
        self._outbox = outbox
        self.job_id = message.job_id
        self._execution_seq = message.execution_seq
        self._lease_token = message.lease_token

    def report(self, report: Report) -> None:
        match report:
            case StepCompleted():
                size = len(report.output) + sum(len(one.data) for one in report.emissions)
                size += sum(len(one.value) for one in report.writes) + _logged(report.logs, report.logs_before)
                _completed(self._begin("step_completed", size), report)
            case StepStarted():
                message = self._begin("step_started", 0)
                message.step_id, message.name = report.step_id, report.name
            case StepFailed():
                size = len(report.failure.stack) + _logged(report.logs, report.logs_before)
                _failed(self._begin("step_failed", size), report)
            case Waiting():
                message = self._begin("step_yielded", sum(map(_size, report.waits)) + _logged(report.logs))
                _yield(message, report.waits[0])
                message.parked = report.parked
                _log(message, "logs", report.logs)
                for wait in report.waits[1:]:
                    _yield(message.also.add(), wait)
            case RunCompleted():
                message = self._begin("job_completed", len(report.output) + _logged(report.logs))
                message.output_json = report.output
                _log(message, "logs", report.logs)
            case RunFailed():
                message = self._begin("job_failed", len(report.failure.stack) + _logged(report.logs))
                _fill(message.error, report.failure)
                _log(message, "logs", report.logs)
                if report.divergence is not None:
                    for name in ("step_id", "recorded", "requested", "location"):
                        setattr(message.divergence, name, getattr(report.divergence, name))
            case Noted():
                message = self._begin("noted", len(report.value))
                message.name = report.name
                message.value_json = report.value

    def decline(self, run_id: str, reason: worker_pb2.JobNackReason) -> None:
        """The job is not, or no longer, here."""
        nack = self._begin("job_nack", 0)
        nack.run_id = run_id
        nack.reason = reason

    def _begin(self, kind: str, size_bytes: int) -> Any:
        message = getattr(self._outbox.add(size_bytes), kind)
        message.job_id = self.job_id
        message.execution_seq = self._execution_seq
        message.lease_token = self._lease_token
        return message


def assignment(message: worker_pb2.JobAssignment, more: Iterable[worker_pb2.CompletedStep] = ()) -> Assignment:
    """The assignment, its memo followed by what came in pages of its own."""
    return Assignment(
        run_id=message.run_id,
        function_id=message.function_id,
        event=_event(message.event) if message.HasField("event") else _NO_EVENT,
        steps=[*map(recorded, message.completed_steps), *map(recorded, more)],
        attempt=message.attempt,
        max_attempts=message.max_attempts,
        on_exhausted=message.on_exhausted,
        unwind=Unwind(message.unwind.cause, _failure(message.unwind)) if message.HasField("unwind") else None,
        always_replay=message.always_replay,
        announces=message.announce_steps,
        rested=message.rested,
        secrets=dict(message.context.secrets) if message.HasField("context") else {},
    )


def recorded(step: worker_pb2.CompletedStep) -> Recorded:
    output = step.output_json
    if not output and step.HasField("output_value"):
        output = json.dumps(jsonvalue.of_struct(step.output_value)).encode()
    elif not output and step.HasField("output"):
        output = json.dumps(jsonvalue.of_struct(step.output)).encode()
    if step.status != "failed":
        return Recorded(step.step_id, output, name=step.name, kind=step.type, news=step.news)
    error = jsonvalue.decode(step.error_json) if step.error_json else {}
    return Recorded(
        step.step_id,
        output,
        name=step.name,
        kind=step.type,
        failed=True,
        error=error if isinstance(error, dict) else {"message": str(error)},
        attempt=step.attempt,
        news=step.news,
    )


def _event(event: types_pb2.Event) -> Event:
    return Event(
        id=event.id,
        name=event.name,
        data=_data(event),
        timestamp=event.timestamp.ToDatetime(UTC),
        metadata=jsonvalue.of_struct(event.metadata) if event.HasField("metadata") else {},
        version=event.version,
        source=event.source,
        idempotency_key=event.idempotency_key,
    )


_NO_EVENT = Event(id="", name="", data=None, timestamp=datetime.fromtimestamp(0, UTC), metadata={})
"""Of an execution that was parked, and has its own."""


def _data(event: types_pb2.Event) -> Any:
    if event.data_json:
        return jsonvalue.decode(event.data_json)
    if event.HasField("data_value"):
        return jsonvalue.of_struct(event.data_value)
    return jsonvalue.of_struct(event.data) if event.HasField("data") else None


def _failure(unwind: worker_pb2.Unwind) -> Failure:
    error = unwind.error
    cause = unwind.cause or "failed"
    return Failure(error.message or f"the run is {cause}", error.code or f"RUN_{cause.upper()}", False, 0, error.stack)


def _completed(message: worker_pb2.StepCompleted, report: StepCompleted) -> None:
    message.step_id = report.step_id
    message.name = report.name
    message.output_json = report.output
    message.duration_ms = report.duration_ms
    if report.kind != RESULT:
        message.type = report.kind
        message.compensation_for = report.compensation_for
    if report.attempt:
        message.attempt = report.attempt
    for emission in report.emissions:
        _emission(message.emissions.add(), emission)
    for write in report.writes:
        _write(message.writes.add(), write)
    _log(message, "logs", report.logs)
    _log(message, "logs_before", report.logs_before)


def _write(message: worker_pb2.KvWrite, write: KvWrite) -> None:
    message.operation = write.operation
    message.bucket = write.bucket
    message.key = write.key
    message.value = write.value
    if write.revision is not None:
        message.revision = write.revision
    if write.ttl_ms is not None:
        message.ttl_ms = write.ttl_ms
    if write.operation == "incr":
        message.by = write.by


def _emission(message: worker_pb2.Emission, emission: Emission) -> None:
    message.name = emission.name
    message.topic = emission.topic
    message.data_json = emission.data
    message.idempotency_key = emission.idempotency_key
    message.version = emission.version
    if emission.metadata is not None:
        message.metadata.update(dict(emission.metadata))


def _failed(message: worker_pb2.StepFailed, report: StepFailed) -> None:
    message.step_id = report.step_id
    message.name = report.name
    _fill(message.error, report.failure)
    message.duration_ms = report.duration_ms
    if report.kind != RESULT:
        message.type = report.kind
        message.compensation_for = report.compensation_for
    if report.attempt:
        message.attempt = report.attempt
    _log(message, "logs", report.logs)
    _log(message, "logs_before", report.logs_before)


def _log(message: Any, field: str, logs: Logs | None) -> None:
    """Nothing is written for nothing."""
    if logs is None:
        return
    told: worker_pb2.Logs = getattr(message, field)
    told.dropped = logs.dropped
    told.tags.extend(logs.tags)
    for one in logs.lines:
        told.lines.add(
            at_us=one.at,
            level=one.level,
            message=one.message,
            fields_json=one.fields if one.fields != b"{}" else b"",
            logger=one.logger,
            path=one.path,
            line=one.line,
            cut_bytes=one.cut,
        )


def _logged(*logs: Logs | None) -> int:
    return sum(one.size_bytes for one in logs if one is not None)


def _yield(message: worker_pb2.StepYielded, wait: Wait) -> None:
    message.step_id = wait.step_id
    message.name = wait.name
    match wait:
        case Sleep():
            message.sleep.until.FromDatetime(wait.until)
        case EventWait():
            _event_wait(message.wait_event, wait)
        case Invocation():
            message.invoke_function.function_id = wait.function_id
            message.invoke_function.input_json = wait.input
            message.invoke_function.invoke_timeout_ms = wait.timeout_ms
            message.invoke_function.tags.extend(wait.tags)
        case AsyncInvocation():
            message.invoke_function_async.function_id = wait.function_id
            message.invoke_function_async.input_json = wait.input
            message.invoke_function_async.tags.extend(wait.tags)


def _event_wait(message: worker_pb2.WaitEventYield, wait: EventWait) -> None:
    message.event_name = wait.event
    message.match_expression = wait.match
    message.match_value = wait.match_value
    message.timeout.FromDatetime(wait.until)
    message.payload_json = wait.payload
    message.lookback_ms = wait.lookback_ms
    message.on_timeout = wait.on_timeout
    message.default_json = wait.default


def _size(wait: Wait) -> int:
    match wait:
        case EventWait():
            return len(wait.payload) + len(wait.default)
        case Invocation() | AsyncInvocation():
            return len(wait.input)
        case Sleep():
            return 0


def _fill(message: types_pb2.Error, failure: Failure) -> None:
    message.message = failure.message
    message.code = failure.code
    message.retryable = failure.retryable
    message.stack = failure.stack
    message.retry_after_ms = failure.retry_after_ms
