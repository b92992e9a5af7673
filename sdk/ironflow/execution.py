"""One execution of a run: the function is called from its beginning, recorded steps answer from memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict

from ironflow.context import Context, Event
from ironflow.errors import NonRetryableError, RetryAfterError, StepError
from ironflow.function import Function
from ironflow.step import Abandoned, Step, SyncStep, Yielded, encode, stack_of, text_of
from ironflow.v1 import types_pb2, worker_pb2


class Link(Protocol):
    """What an execution needs of the stream."""

    def send(self, message: worker_pb2.WorkerMessage) -> None: ...
    def acknowledgement(self, step_id: str) -> asyncio.Future[None]: ...


InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


@dataclass(slots=True)
class Job:
    """A run handed to this worker. Once `abandoned`, nothing of it is reported any more."""

    id: str
    run_id: str
    function_id: str
    execution_seq: int
    lease_token: str
    attempt: int
    max_attempts: int
    event: types_pb2.Event
    memo: Mapping[str, bytes]
    abandoned: bool = False

    @classmethod
    def received(cls, assignment: worker_pb2.JobAssignment) -> Job:
        return cls(
            id=assignment.job_id,
            run_id=assignment.run_id,
            function_id=assignment.function_id,
            execution_seq=assignment.execution_seq,
            lease_token=assignment.lease_token,
            attempt=assignment.attempt,
            max_attempts=assignment.max_attempts,
            event=assignment.event,
            memo={step.step_id: _memo(step) for step in assignment.completed_steps if step.status != "failed"},
        )


async def execute(function: Function | None, job: Job, link: Link, in_thread: InThread) -> None:
    """Run the function and report how it ended. Raises Abandoned when the run is no longer this worker's."""
    if function is None:
        missing = NonRetryableError(f"this worker has no function {job.function_id!r}", code="FUNCTION_NOT_FOUND")
        _send_failed(link, job, missing)
        return
    step = Step(
        run_id=job.run_id,
        memo=job.memo,
        report=_Reports(job, link),
        timeout_s=function.step_timeout_s,
        in_thread=in_thread,
    )
    try:
        output = encode(await _call(function, _context(job, step), step, in_thread))
    except Yielded as yielded:
        await step.settled()
        _send_yielded(link, job, yielded)
    except Exception as error:  # noqa: BLE001 - whatever user code raises is reported
        await step.settled()
        _send_failed(link, job, error)
    else:
        _send_completed(link, job, output)


async def _call(function: Function, ctx: Context, step: Step, in_thread: InThread) -> Any:
    if function.is_async:
        return await function.handler(ctx)
    blocking = Context(
        event=ctx.event,
        step=SyncStep(step, asyncio.get_running_loop()),  # type: ignore[arg-type]
        run_id=ctx.run_id,
        function_id=ctx.function_id,
        attempt=ctx.attempt,
        max_attempts=ctx.max_attempts,
    )

    def call() -> tuple[Any, BaseException | None]:
        try:
            return function.handler(blocking), None
        except (Yielded, Abandoned, Exception) as error:  # noqa: BLE001 - out of the thread as a value: Yielded is no Exception
            return None, error

    result, error = await in_thread(call)
    if error is not None:
        raise error
    return result


class _Reports:
    """Reports step results and waits until they are durable."""

    def __init__(self, job: Job, link: Link) -> None:
        self._job = job
        self._link = link

    async def completed(self, step_id: str, name: str, output: bytes, duration_ms: int) -> None:
        message = worker_pb2.WorkerMessage()
        report = message.step_completed
        report.job_id = self._job.id
        report.step_id = step_id
        report.name = name
        report.output_json = output
        report.duration_ms = duration_ms
        report.execution_seq = self._job.execution_seq
        report.lease_token = self._job.lease_token
        await self._durable(step_id, message)

    async def failed(self, step_id: str, name: str, error: StepError, stack: str, duration_ms: int) -> None:
        message = worker_pb2.WorkerMessage()
        report = message.step_failed
        report.job_id = self._job.id
        report.step_id = step_id
        report.name = name
        report.error.CopyFrom(_error(error, stack))
        report.duration_ms = duration_ms
        report.execution_seq = self._job.execution_seq
        report.lease_token = self._job.lease_token
        await self._durable(step_id, message)

    async def _durable(self, step_id: str, message: worker_pb2.WorkerMessage) -> None:
        if self._job.abandoned:
            raise Abandoned
        acknowledged = self._link.acknowledgement(step_id)
        self._link.send(message)
        await acknowledged


def _send_completed(link: Link, job: Job, output: bytes) -> None:
    if job.abandoned:
        return
    message = worker_pb2.WorkerMessage()
    report = message.job_completed
    report.job_id = job.id
    report.output_json = output
    report.execution_seq = job.execution_seq
    report.lease_token = job.lease_token
    link.send(message)


def _send_failed(link: Link, job: Job, error: Exception) -> None:
    if job.abandoned:
        return
    message = worker_pb2.WorkerMessage()
    report = message.job_failed
    report.job_id = job.id
    report.error.CopyFrom(_error(error, stack_of(error)))
    report.execution_seq = job.execution_seq
    report.lease_token = job.lease_token
    link.send(message)


def _send_yielded(link: Link, job: Job, yielded: Yielded) -> None:
    if job.abandoned:
        return
    message = worker_pb2.WorkerMessage()
    report = message.step_yielded
    report.job_id = job.id
    report.step_id = yielded.step_id
    report.name = yielded.name
    report.sleep.until.FromDatetime(yielded.until)
    report.execution_seq = job.execution_seq
    report.lease_token = job.lease_token
    link.send(message)


def _error(error: Exception, stack: str) -> types_pb2.Error:
    code, retryable, retry_after_ms = type(error).__name__, True, 0
    if isinstance(error, NonRetryableError):
        code, retryable = error.code, False
    elif isinstance(error, RetryAfterError):
        retry_after_ms = int(error.seconds * 1_000)
    elif isinstance(error, StepError):
        code, retryable, retry_after_ms = error.code, error.retryable, error.retry_after_ms
    return types_pb2.Error(
        message=_clean(text_of(error)),
        code=code,
        retryable=retryable,
        stack=_clean(stack),
        retry_after_ms=retry_after_ms,
    )


def _clean(text: str) -> str:
    """Protobuf strings are UTF-8: a lone surrogate in a message becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def _context(job: Job, step: Step) -> Context:
    event = job.event
    return Context(
        event=Event(
            id=event.id,
            name=event.name,
            data=_data(event),
            timestamp=event.timestamp.ToDatetime(UTC),
            metadata=MessageToDict(event.metadata),
            version=event.version,
            source=event.source,
            idempotency_key=event.idempotency_key,
        ),
        step=step,
        run_id=job.run_id,
        function_id=job.function_id,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
    )


def _data(event: types_pb2.Event) -> Any:
    if event.data_json:
        return json.loads(event.data_json)
    if event.HasField("data_value"):
        return MessageToDict(event.data_value)
    return MessageToDict(event.data)


def _memo(step: worker_pb2.CompletedStep) -> bytes:
    if step.output_json:
        return bytes(step.output_json)
    if step.HasField("output_value"):
        return json.dumps(MessageToDict(step.output_value)).encode()
    return json.dumps(MessageToDict(step.output)).encode() if step.HasField("output") else b"null"
