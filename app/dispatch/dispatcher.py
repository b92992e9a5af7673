"""The dispatcher: follows history for runs that can start, and hands each to a worker with a free slot.

A run never started before is handed out as soon as its creation is durable; its `run.started` rides along with the
next commit, which cannot contain a report of it that was not decided after it. Any later execution is recorded
first and then handed out with the results recorded so far. A worker that leaves, or stays silent past its lease,
loses its jobs to the queue at once: their fences no longer fit.

A worker may keep the execution of a suspended run in memory (it is parked). If it has a free slot when the run can go
on, it is handed only what is new, under a fence of its own like any execution; else the run goes where there is room,
with all its results, and the parked execution is given up. History does not tell the two apart.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from app.clock import Clock
from app.dispatch.backlog import Backlog
from app.dispatch.jobs import Job
from app.dispatch.queue import Lane, Queue, Ready
from app.dispatch.workers import Session, Sessions, WorkerInfo, check
from app.errors import IronflowError, StaleExecution
from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunResumed,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    RunWoken,
)
from app.history.tail import Tail
from app.ids import Ids
from app.runs import memo
from app.runs.engine import Engine
from app.runs.functions import Functions
from app.runs.memo import Memos
from app.runs.reading import RunReader
from storage import runs
from storage.contract import Storage, StorageError

log = structlog.get_logger(__name__)

RETRY_STORE_S = 1.0
SWEEP_US = 1_000_000

_ENDED = frozenset((RunCompleted.kind, RunFailed.kind, RunPaused.kind, RunCancelled.kind, RunUnwinding.kind))
_AVAILABLE = frozenset((RunReleased.kind, RunResumed.kind, RunWoken.kind, RunUnwinding.kind))
_KEPT = frozenset((RunPaused.kind, RunUnwinding.kind))


class Dispatcher:
    def __init__(
        self,
        *,
        storage: Storage,
        tail: Tail,
        engine: Engine,
        functions: Functions,
        reader: RunReader,
        ids: Ids,
        clock: Clock,
        always_replay: bool = False,
    ) -> None:
        self._storage = storage
        self._tail = tail
        self._engine = engine
        self._functions = functions
        self._reader = reader
        self._ids = ids
        self._clock = clock
        self._always_replay = always_replay
        self._sessions = Sessions()
        self._backlog = Backlog(storage=storage, clock=clock, sessions=self._sessions)
        self._offering: set[Lane] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._jobs: dict[str, tuple[Session, Job]] = {}
        self._parked: dict[str, tuple[Session, Job]] = {}
        self._joined = asyncio.Event()
        self._position = 0

    @property
    def sessions(self) -> Sessions:
        return self._sessions

    @property
    def queue(self) -> Queue:
        return self._backlog.queue

    @property
    def queued(self) -> int:
        return len(self._backlog)

    @property
    def jobs_active(self) -> int:
        return len(self._jobs)

    async def start(self) -> None:
        """Take up what an earlier process left: queued runs are queued, running ones given back first."""
        self._position = self._tail.head
        await self._backlog.allow(self._functions.everything())
        after = ""
        while rows := await self._storage.read(lambda tx, after=after: runs.unfinished(tx, after=after)):  # type: ignore[misc]
            for row in rows:
                self._backlog.take_up(row)
                if row.status == "running":
                    record = await self._reader.get(row.environment, row.id)
                    self._give_back(row.environment, row.id, record.state.execution_seq, "server restarted")
            after = rows[-1].id

    async def run(self) -> None:
        """Dispatch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for session in self._sessions:  # those that joined while the node was starting
                self.fill(session)
            tasks.create_task(self._follow(), name="dispatch-follow")
            tasks.create_task(self._sweep(), name="dispatch-sweep")
            tasks.create_task(self._unthrottle(), name="dispatch-throttles")

    # What transports call.

    def join(self, session: Session) -> None:
        """A worker is there and can take jobs. An older session of the same worker is closed first."""
        older = self._sessions.get(session.info.environment, session.info.id)
        if older is not None:
            self.leave(older, reason="the worker registered again")
        self._sessions.add(session)
        self._joined.set()
        self.fill(session)

    def leave(self, session: Session, *, reason: str) -> None:
        """The worker is gone: its jobs go back to the queue at once."""
        session.closed = True
        self._sessions.remove(session)
        if self._parked:
            self._parked = {run_id: parked for run_id, parked in self._parked.items() if parked[0] is not session}
        for job in list(session.jobs.values()):
            self.forget(session, job)
            self._give_back(job.environment, job.run_id, job.execution_seq, reason)
        for lane in session.lanes():  # runs of its actors may go to others now
            self._offer(lane)

    def retire(self, session: Session) -> None:
        """The worker takes no more jobs; those it has, it may finish. Others get what waits in its lanes."""
        session.draining = True
        self._sessions.remove(session)
        for lane in session.lanes():
            for other in self._sessions.serving(lane):
                self.fill(other)

    def fill(self, session: Session) -> None:
        """Hand out runs until the session has no credit or its lanes are empty. Nothing before `run` is there."""
        while session.free and self._tasks is not None:
            for lane in session.lanes():
                ready = self._backlog.next(session, lane) if self._sessions.serves(session, lane) else None
                if ready is not None:
                    self._hand_out(self._keeper(ready, session), lane, ready)
                    break
            else:
                return

    def held(self, session: Session, job_id: str, *, execution_seq: int, lease_token: str) -> Job:
        """The job, if this session holds it under this fence; its lease begins anew. Raises StaleExecution."""
        job = session.jobs.get(job_id)
        if (
            job is None
            or job.execution_seq != execution_seq
            or not secrets.compare_digest(job.lease_token.encode(), lease_token.encode())
        ):
            raise StaleExecution(
                f"job {job_id[:80]!r} is not held by worker {session.info.id[:80]!r} under this fence",
                hint="drop the job; the run has been given to another worker or has ended",
            )
        job.lease_expires_at = self._clock.now_us() + session.lease_ttl_us
        return job

    def finish(
        self, session: Session, job: Job, record: Callable[[Callable[[Any, BaseException | None], None]], None]
    ) -> None:
        """The execution is over: free the slot and record its end with `record(done)`, again and again while the
        store fails, because nobody else will."""
        self.forget(session, job)
        self._record(record)
        if session.standing:
            session.credit += 1
        self.fill(session)

    def park(self, session: Session, job: Job) -> None:
        """The worker keeps the execution in memory, whose end `finish` is about to record."""
        if not self._always_replay:
            job.memos = ()
            self._parked[job.run_id] = (session, job)

    def hand_out_whole(self, session: Session, job: Job) -> None:
        """The worker no longer has what the job was to go on with: send it again, under the same fence, with all."""
        assert self._tasks is not None, "the dispatcher is not running"
        self._tasks.create_task(self._hand_out_whole(session, job))

    def give_back(self, session: Session, job: Job, *, reason: str) -> None:
        """The worker does not want the job, or its report could not be recorded."""
        self.forget(session, job)
        self._give_back(job.environment, job.run_id, job.execution_seq, reason)

    def ready(self, environment: str, run_id: str) -> None:
        """A run may start now: a timer is due. One that ended meanwhile is left alone."""
        self._offer(self._backlog.again(run_id))

    # Following history.

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position):
            events: dict[str, Entry] = {}
            for entry in batch:
                kind = entry.kind
                if kind == RunCreated.kind:
                    self._offer(self._backlog.create(entry, events.get(entry.correlation)))
                    continue
                self._offer(self._backlog.learn(entry))
                if kind == EventEmitted.kind:
                    events[entry.correlation] = entry
                elif kind == RunSuspended.kind:
                    suspended = entry.fact
                    assert isinstance(suspended, RunSuspended)
                    if suspended.ready:
                        await self._available_again(entry)
                else:
                    if kind in _ENDED:
                        self._ended(entry)
                    if kind in _AVAILABLE:
                        await self._available_again(entry)
            self._position = batch[-1].position

    async def _available_again(self, entry: Entry) -> None:
        run_id = entry.stream[4:]
        if not self._backlog.known(run_id):
            self._backlog.know(await self._reader.row(entry.environment, run_id))
        self._offer(self._backlog.again(run_id))

    def _ended(self, entry: Entry) -> None:
        run_id = entry.stream[4:]
        self._unpark(run_id, entry.kind)
        held = self._jobs.get(run_id)
        if held is not None:  # it ended by something other than its worker's report: cancelled, timed out
            session, job = held
            self.forget(session, job)
            session.cancel(job, entry.kind)
            if session.standing:
                session.credit += 1
            self.fill(session)

    # Handing out.

    def _offer(self, lane: Lane | None) -> None:
        """Hand out what the function has to workers with credit, while it has capacity."""
        if lane is None or self._tasks is None or lane in self._offering:  # a refused start would ask for the next
            return
        self._offering.add(lane)
        try:
            while self._offer_one(lane):
                pass
        finally:
            self._offering.discard(lane)

    def _offer_one(self, lane: Lane) -> bool:
        for session in self._sessions.with_credit(lane):
            ready = self._backlog.next(session, lane)
            if ready is not None:
                self._hand_out(self._keeper(ready, session), lane, ready)
                return True
        return False

    async def _unthrottle(self) -> None:
        """Go on with throttled functions when their time has come."""
        while True:
            self._backlog.throttled.clear()
            for lane in self.queue.wake(self._clock.now_us()):
                self._offer(lane)
            await self._clock.wait_until(self.queue.next_at(), self._backlog.throttled)

    def _keeper(self, ready: Ready, session: Session) -> Session:
        """Who is handed the run: the worker that keeps it parked, if it has a free slot, else the one given."""
        parked = self._parked.get(ready.run_id)
        return parked[0] if parked is not None and parked[0].free else session

    def _hand_out(self, session: Session, lane: Lane, ready: Ready) -> None:
        session.credit -= 1
        if ready.created is not None and ready.event is not None:
            self._hand_out_fresh(session, lane, ready.run_id, ready.created, ready.event)
        else:
            assert self._tasks is not None, "the dispatcher is not running"
            self._tasks.create_task(self._hand_out_again(session, lane, ready.run_id))

    def _hand_out_fresh(self, session: Session, lane: Lane, run_id: str, created: RunCreated, event: Entry) -> None:
        job = self._job(session, lane, run_id, execution_seq=1, attempt=1, event=event, created=created)

        def started(answer: RunStarted | None, error: BaseException | None) -> None:
            if error is not None:
                self._not_started(session, job, error)

        self._engine.start(
            lane[0], run_id, worker_id=session.info.id, unwinds=session.unwinds, done=started, urgent=False
        )
        if session.jobs.get(job.id) is job:
            session.assign(job)

    def _not_started(self, session: Session, job: Job, error: BaseException) -> None:
        """The run was cancelled in between, another node was first, or the store failed."""
        if session.jobs.get(job.id) is job:
            self.forget(session, job)
            session.cancel(job, str(error))
            self._regain(session)
        if not isinstance(error, IronflowError) or error.retryable:
            self._later(lambda: self.ready(job.environment, job.run_id))

    async def _hand_out_again(self, session: Session, lane: Lane, run_id: str) -> None:
        environment = lane[0]
        answered: asyncio.Future[RunStarted | None] = asyncio.get_running_loop().create_future()

        def started(answer: RunStarted | None, error: BaseException | None) -> None:
            if error is not None:
                answered.set_exception(error)
            else:
                answered.set_result(answer)

        self._engine.start(environment, run_id, worker_id=session.info.id, unwinds=session.unwinds, done=started)
        try:
            fact = await answered
        except IronflowError as refusal:
            log.debug("run not started", run_id=run_id, reason=str(refusal))
            self._not_handed_out(session, lane, run_id)
            if refusal.retryable:
                self._later(lambda: self.ready(environment, run_id))
            return
        except StorageError as error:
            log.warning("run not started", run_id=run_id, error=str(error))
            self._not_handed_out(session, lane, run_id)
            self._later(lambda: self.ready(environment, run_id))
            return
        if fact is None:  # it was to be unwound, by a worker that cannot do that: it has ended
            self._not_handed_out(session, lane, run_id)
            return
        seq = fact.execution_seq
        parked = self._unpark(run_id, "resumed elsewhere", unless=session)
        resumes = ""
        try:
            memos = None if parked is None else await self._news(environment, run_id, parked, seq)
            if memos is not None and parked is not None:
                resumes = parked.id
            else:
                memos = await self._memos(environment, run_id, seq)
        except StorageError as error:
            log.warning("run not handed out", run_id=run_id, error=str(error))
            memos = None
        if memos is None or session.closed:
            self._not_handed_out(session, lane, run_id)
            self._give_back(environment, run_id, seq, "the worker left before it was handed the run")
            return
        created, event = (parked, parked.event) if resumes and parked else (memos.created, memos.event)
        assert created is not None
        assert event is not None
        job = self._job(session, lane, run_id, execution_seq=seq, attempt=fact.attempt, event=event, created=created)
        job.resumes = resumes
        _give(job, memos)
        session.assign(job)

    async def _hand_out_whole(self, session: Session, job: Job) -> None:
        try:
            memos = await self._memos(job.environment, job.run_id, job.execution_seq)
        except StorageError as error:
            log.warning("run not handed out", run_id=job.run_id, error=str(error))
            memos = None
        if session.jobs.get(job.id) is not job:
            return  # it was taken from the worker meanwhile
        if memos is None:
            self.give_back(session, job, reason="what it needs could not be read")
            self._regain(session)
            return
        job.resumes = ""
        _give(job, memos)
        session.assign(job)

    async def _memos(self, environment: str, run_id: str, execution_seq: int) -> Memos | None:
        return await self._storage.read(lambda tx: memo.load(tx, environment, run_id, execution_seq=execution_seq))

    async def _news(self, environment: str, run_id: str, parked: Job, execution_seq: int) -> Memos | None:
        return await self._storage.read(
            lambda tx: memo.news(tx, environment, run_id, after_version=parked.version, execution_seq=execution_seq)
        )

    def _unpark(self, run_id: str, reason: str, *, unless: Session | None = None) -> Job | None:
        """Forget where the run is parked, and let that worker drop it; or its job there, if the session is that one."""
        session, job = self._parked.pop(run_id, (None, None))
        if session is None or job is None or session is unless:
            return job
        session.cancel(job, reason)
        return None

    def _job(
        self, session: Session, lane: Lane, run_id: str, *, execution_seq: int, attempt: int, event: Entry, created: Any
    ) -> Job:
        now = self._clock.now_us()
        job = Job(
            id=self._ids.job(),
            environment=lane[0],
            run_id=run_id,
            function_id=lane[1],
            execution_seq=execution_seq,
            lease_token=secrets.token_hex(8),
            attempt=attempt,
            retry=created.retry,
            event=event,
            function_version=created.function_version,
            always_replay=self._always_replay,
            lease_expires_at=now + session.lease_ttl_us,
            started_at=now,
        )
        session.jobs[job.id] = job
        self._jobs[run_id] = (session, job)
        return job

    def forget(self, session: Session, job: Job) -> None:
        """The job is off the worker's hands."""
        session.jobs.pop(job.id, None)
        if self._jobs.get(job.run_id, (None, None))[1] is job:
            del self._jobs[job.run_id]
            self.queue.release(job.run_id)
            self._offer((job.environment, job.function_id))

    def _not_handed_out(self, session: Session, lane: Lane, run_id: str) -> None:
        self.queue.release(run_id)
        self._offer(lane)
        self._regain(session)

    def _regain(self, session: Session) -> None:
        session.credit += 1
        self.fill(session)

    # Giving back.

    def _give_back(self, environment: str, run_id: str, execution_seq: int, reason: str) -> None:
        self._record(
            lambda done: self._engine.release(
                environment, run_id, execution_seq=execution_seq, reason=reason, done=done
            )
        )

    def _record(self, record: Callable[[Callable[[Any, BaseException | None], None]], None]) -> None:
        def done(answer: Any, error: BaseException | None) -> None:
            if isinstance(error, IronflowError):
                log.info("report refused", code=error.code, reason=str(error))
            elif error is not None:
                self._later(lambda: record(done))

        record(done)

    def _later(self, action: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(RETRY_STORE_S, action)

    async def _sweep(self) -> None:
        """Take back jobs whose lease ran out, and close sessions that fell silent."""
        while True:
            if not len(self._sessions):
                self._joined.clear()
                await self._joined.wait()
            now = self._clock.now_us()
            for session in self._sessions:
                if session.last_seen_at + session.lease_ttl_us < now:
                    log.warning("worker silent, its jobs go to others", worker_id=session.info.id)
                    self.leave(session, reason="the worker fell silent")
                    continue
                for job in [job for job in session.jobs.values() if job.lease_expires_at < now]:
                    session.cancel(job, "lease expired")
                    self.give_back(session, job, reason="lease expired")
            await self._clock.wait_until(now + SWEEP_US, asyncio.Event())


def new_session(
    info: WorkerInfo,
    *,
    transport: str,
    lease_ttl_s: float,
    credit: int,
    now_us: int,
    assign: Callable[[Job], None],
    cancel: Callable[[Job, str], None],
    unwinds: bool = False,
) -> Session:
    """A session for a worker that just registered. Raises InvalidArgument for one that cannot be."""
    if transport != "push":
        check(info)
    return Session(
        info=info,
        transport=transport,
        lease_ttl_us=int(lease_ttl_s * 1_000_000),
        assign=assign,
        cancel=cancel,
        credit=credit,
        registered_at=now_us,
        last_seen_at=now_us,
        unwinds=unwinds,
    )


def _give(job: Job, memos: Memos) -> None:
    job.memos, job.version, job.unwind = memos.given(job.attempt), memos.version, memos.unwinding
    job.step_sequence_base = len(memos.steps) + 1


def seen(session: Session, job_ids: Sequence[str], *, now_us: int) -> tuple[Sequence[str], Sequence[str]]:
    """A heartbeat: leases of the listed jobs begin anew. The jobs it still holds, and those it does not."""
    session.last_seen_at = now_us
    held = [job_id for job_id in job_ids if job_id in session.jobs]
    for job_id in held:
        session.jobs[job_id].lease_expires_at = now_us + session.lease_ttl_us
    return held, [job_id for job_id in job_ids if job_id not in session.jobs]
