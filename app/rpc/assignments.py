"""A job as the messages by which a worker's stream is told of it. A long memo follows in pages of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from app.dispatch.jobs import Job
from app.history.kinds import NULL
from app.rpc import convert
from app.runs.memo import Memo
from ironflow.v1 import types_pb2, worker_pb2

PAGE_STEPS_MAX = 2_000
PAGE_BYTES_MAX = 2**20
STEP_BYTES = 100


def published(job: Job) -> worker_pb2.EngineMessage:
    """The assignment for a worker that knows the published fields only: payloads as Struct and Value, all in one."""
    message = _assignment(job)
    convert.put(message.job.event, "data", job.emitted.data)
    for memo in job.memos:
        if memo.error is None or memo.awaited:
            step = message.job.completed_steps.add()
            _tell(step, memo)
            if memo.error is None:
                convert.put(step, "output", memo.output or NULL)
    return message


def messages(job: Job) -> list[worker_pb2.EngineMessage]:
    """The assignment for a worker of ours, and the pages of its memo if it has more than one message should carry."""
    memos = job.memos
    parts = list(_paged(memos)) if len(memos) > 1 else [memos]
    message = _assignment(job)
    if not job.resumes:
        message.job.event.data_json = bytes(job.emitted.data)
    if len(parts) <= 1:
        for memo in memos:
            _tell(message.job.completed_steps.add(), memo)
        return [message]
    message.job.memo_pages = len(parts)
    return [
        message,
        *(_page(job, part) for part in parts),
    ]


def _page(job: Job, memos: Sequence[Memo]) -> worker_pb2.EngineMessage:
    message = worker_pb2.EngineMessage()
    page = message.memo_page
    page.job_id = job.id
    for memo in memos:
        _tell(page.completed_steps.add(), memo)
    return message


def _paged(memos: Sequence[Memo]) -> Iterator[Sequence[Memo]]:
    """The memos in order, in pages of bounded count and, one step's own size apart, of bounded size."""
    start = size = 0
    for number, memo in enumerate(memos):
        if number - start >= PAGE_STEPS_MAX or size >= PAGE_BYTES_MAX:
            yield memos[start:number]
            start, size = number, 0
        size += STEP_BYTES + len(memo.step_id) + (0 if memo.output is None else len(bytes(memo.output)))
    if start < len(memos):
        yield memos[start:]


def _tell(step: worker_pb2.CompletedStep, memo: Memo) -> None:
    step.step_id = memo.step_id
    step.name = memo.name
    step.status = memo.status
    step.output_json = bytes(memo.output or NULL)
    step.type = memo.type
    if memo.news:
        step.news = True
    if memo.error is not None:
        step.error_json = msgspec.json.encode(memo.told_error())
        step.attempt = memo.attempt


def _put_event(event: types_pb2.Event, job: Job) -> None:
    """All but the event's data."""
    emitted = job.emitted
    event.id = emitted.id
    event.name = emitted.name
    event.source = emitted.source
    event.version = emitted.version
    event.idempotency_key = emitted.idempotency_key
    event.timestamp.FromMicroseconds(job.event.recorded_at)
    if len(job.event.metadata) > 2:
        event.metadata.update(msgspec.json.decode(job.event.metadata))


def _assignment(job: Job) -> worker_pb2.EngineMessage:
    message = worker_pb2.EngineMessage()
    assignment = message.job
    assignment.job_id = job.id
    assignment.run_id = job.run_id
    assignment.function_id = job.function_id
    assignment.attempt = job.attempt
    assignment.execution_seq = job.execution_seq
    assignment.lease_token = job.lease_token
    assignment.max_attempts = job.retry.max_attempts
    assignment.on_exhausted = job.retry.on_exhausted
    assignment.lease_expires_at.FromMicroseconds(job.lease_expires_at)
    if not job.resumes:  # else the worker has it
        _put_event(assignment.event, job)
    assignment.function_version = job.function_version
    assignment.resumes_job_id = job.resumes
    assignment.always_replay = job.always_replay
    assignment.announce_steps = job.announces
    assignment.rested = job.rested
    if job.secrets:
        assignment.context.secrets.update(job.secrets)
    if job.unwind is not None:
        assignment.unwind.cause = job.unwind.cause
        if job.unwind.error is not None:
            assignment.unwind.error.CopyFrom(convert.error(job.unwind.error))
    return message
