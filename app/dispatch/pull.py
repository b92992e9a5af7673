"""The REST pull protocol's operations: a worker registers, sends heartbeats, polls for jobs and reports on them.

The same sessions, leases and fences as a stream. A poll grants credit for the jobs it may return; what is assigned
lies on the worker's desk until a poll fetches it. A job that is not acknowledged in time, or not listed by heartbeats,
goes back to the queue at no cost of an attempt, so a poll whose answer is lost loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from app.clock import Clock
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.jobs import Job
from app.dispatch.reports import Reported
from app.dispatch.workers import Session, WorkerInfo, new_session, seen
from app.errors import InvalidArgument, StaleExecution, WorkerNotFound
from app.history.committer import submitted
from app.history.kinds import Failure, RunCompleted, Said, StepFailed
from app.runs.engine import Engine
from app.runs.writing import WriteRefused
from app.runs.yields import Yield

LEASE_TTL_S = 90.0
ACK_TTL_S = 30.0
POLL_S_MAX = 25.0
AVAILABLE_MAX = 1_000
STEPS_MAX = 500

Submit = Callable[[Callable[[Any, BaseException | None], None]], None]


class _Desk(msgspec.Struct, eq=False):
    """What lies ready for one worker. `poll` is set to wake the poll that waits, if one does. `failed` has, for each
    job, the answers to its reports of failed steps by step id: one that comes again is answered as the first was."""

    session: Session
    jobs: deque[Job] = msgspec.field(default_factory=deque)
    poll: asyncio.Event | None = None
    failed: dict[str, dict[str, asyncio.Future[Any]]] = msgspec.field(default_factory=dict)

    def wake(self) -> None:
        if self.poll is not None:
            self.poll.set()


class PullWorkers:
    def __init__(self, *, dispatcher: Dispatcher, engine: Engine, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._engine = engine
        self._clock = clock
        self._desks: dict[Session, _Desk] = {}

    def register(self, info: WorkerInfo) -> None:
        """The worker is there; what an earlier registration of it held goes back to the queue. Raises
        InvalidArgument."""
        session = new_session(
            info,
            transport="rest",
            lease_ttl_s=LEASE_TTL_S,
            credit=0,
            now_us=self._clock.now_us(),
            assign=lambda job: self._assign(desk, job),
            cancel=lambda job, _: _clear(desk, job),  # a polling worker cannot be told: its next report is refused
            disconnect=lambda reason: self._disconnect(desk, reason),
        )
        desk = _Desk(session)
        self._desks[session] = desk
        self._dispatcher.join(session)
        for known in [known for known in self._desks if known.closed]:
            self._desks.pop(known).wake()

    def heartbeat(self, environment: str, worker_id: str, begun: Mapping[str, int | None]) -> bool:
        """Leases of the jobs begin anew, and of no others; with each, when it began by the worker's clock, if it says
        so. Whether the worker is to drain. Raises WorkerNotFound."""
        session = self._desk(environment, worker_id).session
        seen(session, list(begun), now_us=self._clock.now_us())
        for job_id, worker_us in begun.items():
            if worker_us is not None:
                session.began(job_id, worker_us)
        return session.draining

    async def poll(self, environment: str, worker_id: str, *, available: int, wait_s: float) -> Sequence[Job]:
        """At most `available` jobs, as soon as there is one, else none after `wait_s`. A worker polls once at a time:
        an earlier poll that still waits was given up by its caller, and ends with none. Raises WorkerNotFound."""
        desk = self._desk(environment, worker_id)
        desk.wake()
        desk.poll = mine = asyncio.Event()
        try:
            desk.session.credit = max(0, available - len(desk.jobs) - desk.session.starting)
            self._dispatcher.fill(desk.session)
            if not desk.jobs and wait_s > 0:
                await self._clock.wait_until(self._clock.now_us() + int(wait_s * 1_000_000), mine)
            return self._fetched(desk, available) if desk.poll is mine and not desk.session.closed else ()
        finally:
            if desk.poll is mine:
                desk.poll = None
                desk.session.credit = 0

    def ack(self, environment: str, worker_id: str, job_id: str, *, execution_seq: int, lease_token: str) -> None:
        """The worker has the job. Raises WorkerNotFound, StaleExecution."""
        job = self.held(environment, worker_id, job_id, execution_seq=execution_seq, lease_token=lease_token)
        self._desk(environment, worker_id).session.answered(self._clock.now_us(), job_id)
        job.acknowledged = True

    def held(self, environment: str, worker_id: str, job_id: str, *, execution_seq: int, lease_token: str) -> Job:
        """The job, if the worker holds it under this fence; its lease begins anew. Raises WorkerNotFound,
        StaleExecution."""
        session = self._desk(environment, worker_id).session
        return self._dispatcher.held(session, job_id, execution_seq=execution_seq, lease_token=lease_token)

    async def progress(
        self, environment: str, worker_id: str, job: Job, steps: Sequence[Reported]
    ) -> Sequence[tuple[str, Failure]]:
        """Returns once the steps are durable, in order: the ids of those that are recorded as failed because what they
        write was refused, with why. A step that this job told before is not recorded again: its id says which it is,
        whatever its place in a list. Raises InvalidArgument, StaleExecution."""
        if len(steps) > STEPS_MAX:
            raise InvalidArgument(
                f"{len(steps)} steps are too many at once", field="steps", hint=f"at most {STEPS_MAX}"
            )
        failed = self._desk(environment, worker_id).failed.setdefault(job.id, {})
        answers = await asyncio.gather(
            *(asyncio.shield(self._told(failed, job, told)) for told in steps), return_exceptions=True
        )
        refused: list[tuple[str, Failure]] = []
        for told, answer in zip(steps, answers, strict=True):
            if isinstance(answer, WriteRefused):
                refused.append((told.step.step_id, answer.failure))
            elif isinstance(answer, BaseException):
                raise answer
        return refused

    async def complete(self, worker_id: str, job: Job, fact: RunCompleted, logged: Sequence[Said] = ()) -> None:
        record = partial(self._engine.complete, job.environment, job.run_id, fact, logged=logged)
        await self._end(worker_id, job, record)

    async def fail(self, worker_id: str, job: Job, error: Failure, logged: Sequence[Said] = ()) -> None:
        await self._end(
            worker_id,
            job,
            lambda done: self._engine.fail(
                job.environment,
                job.run_id,
                execution_seq=job.execution_seq,
                error=job.redacted(error),
                done=done,
                logged=logged,
            ),
        )

    async def suspend(self, worker_id: str, job: Job, wanted: Yield, logged: Sequence[Said] = ()) -> None:
        """Raises InvalidArgument for what cannot be waited for; nothing is recorded then."""
        submit = self._engine.suspend(
            job.environment, job.run_id, (wanted,), execution_seq=job.execution_seq, event=job.event, logged=logged
        )
        await self._end(worker_id, job, submit)

    async def _end(self, worker_id: str, job: Job, submit: Submit) -> None:
        """Record the end; only then is the job off the worker's hands, so that it may report again if we fail."""
        try:
            await submitted(submit)
        except StaleExecution:
            self._forget(worker_id, job)
            raise
        self._forget(worker_id, job)

    def _forget(self, worker_id: str, job: Job) -> None:
        session = self._dispatcher.sessions.get(job.environment, worker_id)
        if session is not None and session.jobs.get(job.id) is job:
            self._dispatcher.forget(session, job)
        if session in self._desks:
            _clear(self._desks[session], job)

    def _desk(self, environment: str, worker_id: str) -> _Desk:
        """The worker's desk; whoever comes to it lives. Raises WorkerNotFound."""
        session = self._dispatcher.sessions.get(environment, worker_id)
        if session is None or session not in self._desks:
            raise WorkerNotFound(
                f"worker {worker_id[:80]!r} is not registered", hint=f"POST /api/v1/workers/{worker_id[:80]}/register"
            )
        session.last_seen_at = self._clock.now_us()
        return self._desks[session]

    def _disconnect(self, desk: _Desk, reason: str) -> None:
        """Its next request is told that it is not registered; a poll that waits ends with nothing."""
        self._dispatcher.leave(desk.session, reason=reason)
        self._desks.pop(desk.session, None)
        desk.wake()

    def _assign(self, desk: _Desk, job: Job) -> None:
        self._lend(job)
        desk.jobs.append(job)
        desk.wake()

    def _fetched(self, desk: _Desk, available: int) -> Sequence[Job]:
        jobs = [desk.jobs.popleft() for _ in range(min(available, len(desk.jobs)))]
        for job in jobs:
            self._lend(job)
        desk.session.asked_at = self._clock.now_us() if jobs else 0
        return jobs

    def _lend(self, job: Job) -> None:
        """The time to acknowledge begins."""
        job.lease_expires_at = self._clock.now_us() + int(ACK_TTL_S * 1_000_000)

    def _told(self, failed: dict[str, asyncio.Future[Any]], job: Job, told: Reported) -> asyncio.Future[Any]:
        """The answer to a report: a completed step is known by the run's state, a failed one by what is kept here."""
        step = told.step
        known = failed.get(step.step_id)
        if known is not None and isinstance(step, StepFailed):
            return known
        record = partial(self._engine.step, job.environment, job.run_id, step, writes=told.writes, logged=told.logged)
        answer = submitted(record)
        if isinstance(step, StepFailed):
            failed[step.step_id] = answer
            answer.add_done_callback(partial(_unless_durable, failed, step.step_id))
        return answer


def _unless_durable(failed: dict[str, asyncio.Future[Any]], step_id: str, answer: asyncio.Future[Any]) -> None:
    """What could not be recorded may be reported again."""
    if answer.exception() is not None:
        failed.pop(step_id, None)


def _clear(desk: _Desk, job: Job) -> None:
    """The job is no longer the worker's."""
    if job in desk.jobs:
        desk.jobs.remove(job)
    desk.failed.pop(job.id, None)
