"""The runs that a worker was handed: acknowledged, carried out, parked while they wait, given up when it is told so.

offered ──► declined: draining, at capacity, or no longer parked
   └──► taken ──► its memo's pages come in ──► running ──► released: it has ended, or is parked
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from ironflow import wire
from ironflow.execution import Execution
from ironflow.failures import Failure
from ironflow.function import Function
from ironflow.outbox import Outbox
from ironflow.parking import Parking
from ironflow.reports import RunFailed
from ironflow.threads import Threads
from ironflow.v1 import worker_pb2

log = logging.getLogger("ironflow.worker")

CLEANUP_TIMEOUT_S = 1.0
_LOST = frozenset((worker_pb2.LEASE_STATE_STALE, worker_pb2.LEASE_STATE_UNKNOWN))


@dataclass(slots=True)
class Job:
    """A run that this worker was handed. Until `pages_left` pages of its memo have come there is no `execution`, or it
    is one that was parked."""

    message: worker_pb2.JobAssignment
    execution: Execution | None
    pages_left: int
    more: list[worker_pb2.CompletedStep] = field(default_factory=list)


class Jobs:
    """At most `slots` at a time; parked ones do not count."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        slots: int,
        outbox: Outbox,
        handlers: Threads,
        threads: Threads,
        parking: Parking,
        draining: Callable[[], bool],
    ) -> None:
        self._functions = functions
        self._slots = slots
        self._outbox = outbox
        self._handlers = handlers
        self._threads = threads
        self._parking = parking
        parking.on_evicted = self._evicted
        self._draining = draining
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[worker_pb2.JobAssignment]:
        return iter([job.message for job in self._jobs.values()])

    def take(self, message: worker_pb2.JobAssignment) -> None:
        """Acknowledge it and begin, or decline it. The same again is ignored."""
        held = self._jobs.get(message.job_id)
        if held is not None:
            if message.execution_seq <= held.message.execution_seq:
                return
            self._give_up(held, "it was handed out again")
        if self._draining():
            self._decline(message, worker_pb2.JOB_NACK_REASON_DRAINING)
            return
        if len(self._jobs) >= self._slots:
            self._decline(message, worker_pb2.JOB_NACK_REASON_AT_CAPACITY)
            return
        parked = None
        if message.resumes_job_id:
            parked = self._parking.take(message.resumes_job_id)
            if parked is None:
                self._decline(message, worker_pb2.JOB_NACK_REASON_NOT_PARKED)
                return
        ack = self._outbox.add().job_ack
        ack.job_id = message.job_id
        ack.run_id = message.run_id
        ack.execution_seq = message.execution_seq
        ack.lease_token = message.lease_token
        job = self._jobs[message.job_id] = Job(message, parked, max(0, message.memo_pages))
        if not job.pages_left:
            self._begin(job)

    def turn_page(self, page: worker_pb2.MemoPage) -> None:
        """Part of a long memo; the last one lets the run begin."""
        job = self._jobs.get(page.job_id)
        if job is None or not job.pages_left:
            return
        job.more += page.completed_steps
        job.pages_left -= 1
        if not job.pages_left:
            self._begin(job)

    def acknowledged(self, ack: worker_pb2.StepAck) -> None:
        """A step's result is durable, or that it failed of what it writes. Or it was refused: the run is another
        worker's then."""
        job = self._jobs.get(ack.job_id)
        if job is None or job.execution is None:
            return
        if ack.accepted:
            job.execution.acknowledged(ack.step_id)
        elif ack.HasField("failure"):
            told = ack.failure
            job.execution.acknowledged(ack.step_id, Failure(told.message, told.code, told.retryable, 0, ""))
        else:
            self._give_up(job, ack.error or "the result of a step was refused")

    def announce(self, job_id: str) -> None:
        """The steps of the job are to be announced from now on."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.message.announce_steps = True
            if job.execution is not None:
                job.execution.announces = True

    def cancel(self, job_id: str, reason: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None:
            self._give_up(job, reason or "cancelled")
        elif self._parking.drop(job_id):
            log.info("job %s is given up while it waits: %s", job_id, reason or "cancelled")

    def refresh(self, result: worker_pb2.LeaseRefreshResult) -> None:
        """Give up those whose leases are lost."""
        lost = {(one.run_id, one.execution_seq) for one in result.segments if one.state in _LOST}
        for job in [*self._jobs.values()] if lost else ():
            if (job.message.run_id, job.message.execution_seq) in lost:
                self._give_up(job, "its lease is lost")

    async def finished(self, timeout_s: float) -> None:
        """Returns when there are none, at the latest after the time; those that are left are given up then."""
        if self._jobs:
            self._idle = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._idle], timeout=timeout_s)
        for job in list(self._jobs.values()):
            log.warning("run %s did not finish in time; another worker goes on with it", job.message.run_id)
            self._drop(job)

    def abandon(self) -> None:
        """Give up all, also those that are parked: whoever handed them out is gone."""
        for job in list(self._jobs.values()):
            self._drop(job)
        self._parking.clear()

    async def cleaned_up(self) -> None:
        """Handlers get a moment to clean up; one that ignores its cancellation is left behind."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLEANUP_TIMEOUT_S)

    def _begin(self, job: Job) -> None:
        sink = wire.JobSink(self._outbox, job.message)
        try:
            assignment = wire.assignment(job.message, job.more)
        except (ValueError, OverflowError) as error:  # the stream and the other jobs are not to suffer from it
            message = f"the worker cannot read the assignment: {error}"
            sink.report(RunFailed(Failure(message, "BAD_ASSIGNMENT", retryable=True, retry_after_ms=0, stack="")))
            self._drop(job)
            return
        job.more.clear()
        if job.execution is not None:
            job.execution.resume(assignment, sink)
            return
        job.execution = Execution(
            assignment,
            function=self._functions.get(assignment.function_id),
            sink=sink,
            handlers=self._handlers,
            threads=self._threads,
            on_end=self._release,
            parks=self._parks,
        )
        task = job.execution.start()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _parks(self) -> bool:
        return not self._draining() and self._parking.admits()

    def _evicted(self, execution: Execution) -> None:
        """Say so: else the run would be handed out as if it were still here, and again with all it needs."""
        cast("wire.JobSink", execution.sink).decline(execution.run_id, worker_pb2.JOB_NACK_REASON_NOT_PARKED)

    def _decline(self, message: worker_pb2.JobAssignment, reason: worker_pb2.JobNackReason) -> None:
        wire.JobSink(self._outbox, message).decline(message.run_id, reason)

    def _give_up(self, job: Job, reason: str) -> None:
        log.info("run %s is given up: %s", job.message.run_id, reason)
        self._drop(job)

    def _drop(self, job: Job) -> None:
        if job.execution is not None:
            job.execution.abandon()
        self._forget(job.message.job_id)

    def _release(self, execution: Execution) -> None:
        job_id = cast("wire.JobSink", execution.sink).job_id
        if execution.parked:
            self._parking.put(job_id, execution)
        job = self._jobs.get(job_id)
        if job is not None and job.execution is execution:
            self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)
        if not self._jobs and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
