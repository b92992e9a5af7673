"""The REST pull protocol's operations: a worker registers, sends heartbeats, polls for jobs and reports on them.

The same sessions, leases and fences as a stream; a poll grants credit for the jobs it may return. A job that is not
acknowledged in time, or not listed by heartbeats, goes back to the queue at no cost of an attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from app.clock import Clock
from app.dispatch.dispatcher import Dispatcher, new_session, seen
from app.dispatch.jobs import Job
from app.dispatch.workers import Session, WorkerInfo
from app.errors import InvalidArgument, WorkerNotFound
from app.history.kinds import Failure, RunCompleted, StepCompleted, StepFailed, StepSleeping
from app.runs.engine import Engine

LEASE_TTL_S = 90.0
ACK_TTL_S = 30.0
POLL_S_MAX = 25.0
AVAILABLE_MAX = 1_000
STEPS_MAX = 500

Step = StepCompleted | StepFailed


class PullWorkers:
    def __init__(self, *, dispatcher: Dispatcher, engine: Engine, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._engine = engine
        self._clock = clock
        self._inboxes: dict[Session, asyncio.Queue[Job]] = {}

    def register(self, info: WorkerInfo) -> None:
        """The worker is there; what an earlier registration of it held goes back to the queue."""
        if not info.function_ids:
            raise InvalidArgument("a worker serves at least one function", field="function_ids")
        inbox: asyncio.Queue[Job] = asyncio.Queue()
        session = new_session(
            info,
            transport="rest",
            lease_ttl_s=LEASE_TTL_S,
            credit=0,
            now_us=self._clock.now_us(),
            assign=inbox.put_nowait,
            cancel=_untold,
        )
        self._inboxes = {known: box for known, box in self._inboxes.items() if not known.closed}
        self._inboxes[session] = inbox
        self._dispatcher.join(session)

    def heartbeat(self, environment: str, worker_id: str, job_ids: Sequence[str]) -> None:
        """Leases of the listed jobs begin anew, and only theirs. Raises WorkerNotFound."""
        seen(self._session(environment, worker_id), job_ids, now_us=self._clock.now_us())

    async def poll(self, environment: str, worker_id: str, *, available: int, wait_s: float) -> Sequence[Job]:
        """At most `available` jobs, as soon as there is one, else none after `wait_s`. Raises WorkerNotFound."""
        session = self._session(environment, worker_id)
        inbox = self._inboxes[session]
        session.last_seen_at = self._clock.now_us()
        session.credit = max(0, available - inbox.qsize())
        self._dispatcher.fill(session)
        if inbox.empty() and wait_s > 0:
            await self._arrival(session, inbox, wait_s)
        session.credit = 0
        jobs = [inbox.get_nowait() for _ in range(min(available, inbox.qsize()))]
        now = self._clock.now_us()
        for job in jobs:
            job.lease_expires_at = now + int(ACK_TTL_S * 1_000_000)
        return jobs

    def ack(self, environment: str, worker_id: str, job_id: str, *, execution_seq: int, lease_token: str) -> None:
        """The worker has the job. Raises WorkerNotFound, StaleExecution."""
        session = self._session(environment, worker_id)
        self._dispatcher.held(session, job_id, execution_seq=execution_seq, lease_token=lease_token).acknowledged = True

    def held(self, environment: str, worker_id: str, job_id: str, *, execution_seq: int, lease_token: str) -> Job:
        """The job, if the worker holds it under this fence. Raises WorkerNotFound, StaleExecution."""
        session = self._session(environment, worker_id)
        return self._dispatcher.held(session, job_id, execution_seq=execution_seq, lease_token=lease_token)

    async def progress(self, job: Job, steps: Sequence[Step]) -> None:
        """Returns once the steps are durable; those recorded before are not recorded again."""
        if len(steps) > STEPS_MAX:
            raise InvalidArgument(
                f"{len(steps)} steps are too many at once", field="steps", hint=f"at most {STEPS_MAX}"
            )
        await asyncio.gather(
            *(_answered(partial(self._engine.step, job.environment, job.run_id, step)) for step in steps)
        )

    async def complete(self, worker_id: str, job: Job, fact: RunCompleted) -> None:
        await self._end(worker_id, job, lambda done: self._engine.complete(job.environment, job.run_id, fact, done))

    async def fail(self, worker_id: str, job: Job, error: Failure) -> None:
        await self._end(
            worker_id,
            job,
            lambda done: self._engine.fail(
                job.environment, job.run_id, execution_seq=job.execution_seq, error=error, done=done
            ),
        )

    async def sleep(self, worker_id: str, job: Job, fact: StepSleeping) -> None:
        await self._end(worker_id, job, lambda done: self._engine.sleep(job.environment, job.run_id, fact, done))

    async def _end(self, worker_id: str, job: Job, submit: Any) -> None:
        """Record the end; only then is the job off the worker's hands, so that it may report again if we fail."""
        await _answered(submit)
        session = self._dispatcher.sessions.get(job.environment, worker_id)
        if session is not None and session.jobs.get(job.id) is job:
            self._dispatcher.forget(session, job)

    def _session(self, environment: str, worker_id: str) -> Session:
        session = self._dispatcher.sessions.get(environment, worker_id)
        if session is None or session not in self._inboxes:
            raise WorkerNotFound(
                f"worker {worker_id[:80]!r} is not registered", hint=f"POST /api/v1/workers/{worker_id[:80]}/register"
            )
        return session

    async def _arrival(self, session: Session, inbox: asyncio.Queue[Job], wait_s: float) -> None:
        """Returns when a job is in the inbox, or the time is over."""
        try:
            async with asyncio.timeout(wait_s):
                job = await inbox.get()
        except TimeoutError:
            return
        except asyncio.CancelledError:
            session.credit = 0
            raise
        inbox.put_nowait(job)


def _untold(job: Job, reason: str) -> None:
    """A polling worker cannot be called: it learns from the answer to its next report."""


async def _answered(submit: Any) -> Any:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def done(answer: Any, error: BaseException | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)

    submit(done)
    return await future
