"""The dispatcher: follows history for runs that can start, and hands each to a worker with a free slot.

A run never started before is handed out as soon as its creation is durable; its `run.started` rides along with the
next commit, which cannot contain a report of it that was not decided after it. Any later execution is recorded
first and then handed out with the results recorded so far; so is every execution while other nodes serve the store,
which may be about to hand out the same run. A worker that leaves, or stays silent past its lease, loses its jobs to the
queue at once: their fences no longer fit. So does every worker of a node that is gone.

A worker may keep the execution of a suspended run in memory (it is parked). If it has a free slot when the run can go
on, it is handed only what is new, under a fence of its own like any execution; else the run goes where there is room,
with all its results, and the parked execution is given up. History does not tell the two apart.

The run of a function that declares secrets is handed out with their values of that moment, read after its start is
recorded; if one is missing, that execution fails, and the function's retry policy says when the next one looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from app.clock import Clock
from app.dispatch.arrivals import Arrivals
from app.dispatch.backlog import Backlog, Elsewhere
from app.dispatch.jobs import Job
from app.dispatch.leases import Leases
from app.dispatch.nodes import Nodes
from app.dispatch.provisions import Provision, Provisions, give
from app.dispatch.queue import Lane, Queue, Ready
from app.dispatch.starts import Chosen, Starts
from app.dispatch.workers import Session, Sessions
from app.errors import IronflowError
from app.history.committer import Done
from app.history.entry import Entry
from app.history.insist import insist, passing
from app.history.kinds import Failure, RunCreated
from app.history.tail import Tail
from app.ids import Ids
from app.runs.commands import Begun
from app.runs.engine import Engine
from app.runs.functions import Functions
from app.runs.holding import Breakpoint
from app.runs.memo import Memos
from app.runs.reading import RunReader
from app.values.vault import Vault
from storage import runs
from storage.contract import Storage, StorageError

log = structlog.get_logger(__name__)

RETRY_STORE_S = 1.0
SWEEP_US = 1_000_000


class Dispatcher:
    def __init__(
        self,
        *,
        storage: Storage,
        tail: Tail,
        engine: Engine,
        functions: Functions,
        reader: RunReader,
        vault: Vault,
        nodes: Nodes,
        ids: Ids,
        clock: Clock,
        always_replay: bool = False,
    ) -> None:
        self._nodes = nodes
        self._storage = storage
        self._engine = engine
        self._functions = functions
        self._reader = reader
        self._clock = clock
        self._sessions = Sessions()
        self._backlog = Backlog(storage=storage, clock=clock, sessions=self._sessions, node_id=nodes.id)
        self._offering: set[Lane] = set()
        self._running = False
        self._leases = Leases(ids=ids, clock=clock, always_replay=always_replay)
        self._provisions = Provisions(storage=storage, functions=functions, vault=vault)
        self._arrivals = Arrivals(tail=tail, backlog=self._backlog, offer=self._offer, ended=self._ended)
        self._starts = Starts(engine=engine, node_id=nodes.id, tell=self._told)
        self._joined = asyncio.Event()
        self._store_fails = False
        self._overtaken: set[str] = set()
        """Runs that ended, or were stopped, after they were to be started and before a worker has them. Each start of
        them that is under way then comes to nothing: what can go on after all is given back, and started again."""

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
        return len(self._leases)

    async def start(self) -> None:
        """Take up what the store has: queued runs are queued, those that a node was running that is gone (this one, in
        its last life) given back first."""
        self._nodes.when_lost(self._lost)
        self._arrivals.start()
        await self._backlog.allow(self._functions.everything())
        after = ""
        while rows := await self._storage.read(lambda tx, after=after: runs.unfinished(tx, after=after)):  # type: ignore[misc]
            for row in rows:
                self._backlog.take_up(row)
                if row.status == "running":
                    run = (await self._reader.get(row.environment, row.id)).state
                    execution = Elsewhere(row.environment, row.id, run.execution_seq, run.node)
                    if self._nodes.alive(run.node):
                        self._backlog.executes_elsewhere(execution)
                    else:
                        self._take_back(execution, "server restarted")
            after = rows[-1].id

    async def run(self) -> None:
        """Dispatch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._running = True
            tasks.create_task(self._provisions.run(), name="dispatch-provisions")
            tasks.create_task(self._starts.run(), name="dispatch-starts")
            for session in self._sessions:  # those that joined while the node was starting
                self.fill(session)
            tasks.create_task(self._arrivals.run(), name="dispatch-arrivals")
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
        told = "drained" if session.draining and not session.jobs else reason
        self._sessions.depart(session, now_us=self._clock.now_us(), reason=told)
        self._leases.unpark_all(session)
        for job in list(session.jobs.values()):
            self.forget(session, job)
            self._give_back(job.environment, job.run_id, job.execution_seq, reason)
        for lane in session.lanes():  # runs of its actors may go to others now
            self._offer(lane)

    def drain(self, session: Session, *, reason: str) -> None:
        """The worker is to take no more jobs, and to finish those it has. What waits for it goes to others."""
        session.draining = True
        session.drain(reason)
        for lane in session.lanes():
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
        if not (session.free and self._running and len(self.queue)):
            return
        again: list[Chosen] = []
        while session.free and len(self.queue):
            for lane in session.lanes():
                ready = self._backlog.next(session, lane) if self._sessions.serves(session, lane) else None
                if ready is not None:
                    self._hand_out(self._keeper(ready, session), lane, ready, again)
                    break
            else:
                break
        self._starts.begin(again)

    def held(self, session: Session, job_id: str, *, execution_seq: int, lease_token: str) -> Job:
        """The job, if this session holds it under this fence; its lease begins anew. Raises StaleExecution."""
        return self._leases.held(session, job_id, execution_seq=execution_seq, lease_token=lease_token)

    def finish(self, session: Session, job: Job, record: Callable[[Done], None]) -> None:
        """The execution is over: free the slot and record its end with `record(done)`, again and again while the
        store fails, because nobody else will."""
        self.forget(session, job)
        self._record(record)
        if session.standing:
            session.credit += 1
        self.fill(session)

    def park(self, session: Session, job: Job) -> None:
        """The worker keeps the execution in memory, whose end `finish` is about to record."""
        self._leases.park(session, job)

    def evicted(self, session: Session, run_id: str, job_id: str) -> bool:
        """The worker gave up what it kept in memory. Whether it was thought to keep it."""
        return self._leases.evicted(session, run_id, job_id)

    def hand_out_whole(self, session: Session, job: Job) -> None:
        """The worker no longer has what the job was to go on with: send it again, under the same fence, with all."""

        def loaded(memos: Memos | None, error: StorageError | None) -> None:
            if error is not None:
                log.warning("run not handed out", run_id=job.run_id, error=str(error))
            if session.jobs.get(job.id) is not job:
                return  # it was taken from the worker meanwhile
            if memos is None:
                self.give_back(session, job, reason="what it needs could not be read")
                self._regain(session)
                return
            job.resumes = ""
            give(job, memos)
            session.assign(job)

        self._provisions.memos(job.environment, job.run_id, job.execution_seq, loaded)

    def give_back(self, session: Session, job: Job, *, reason: str) -> None:
        """The worker does not want the job, or its report could not be recorded."""
        self.forget(session, job)
        self._give_back(job.environment, job.run_id, job.execution_seq, reason)

    def announce(self, breakpoint: Breakpoint) -> None:
        """Ask workers that have runs which it may hold to announce their steps, where they can."""
        for session in self._sessions:
            announce = session.announce
            for job in session.jobs.values() if announce is not None else ():
                covered = breakpoint.covers(job.run_id, job.function_id)
                if covered and job.environment == breakpoint.environment and announce is not None:
                    announce(job)

    def ready(self, due: Iterable[tuple[str, str]]) -> None:
        """Runs, by environment and id, may start now: their timers are due. Those that ended meanwhile are left
        alone."""
        for lane in dict.fromkeys([self._backlog.again(run_id) for _, run_id in due]):
            self._offer(lane)

    # Handing out.

    def _offer(self, lane: Lane | None) -> None:
        """Hand out what the function has to workers with credit, while it has capacity."""
        if lane is None or not self._running or not self.queue.waits(lane):
            return
        if lane in self._offering:  # a refused start would ask for the next
            return
        self._offering.add(lane)
        try:
            again: list[Chosen] = []
            while self._offer_one(lane, again):
                pass
            self._starts.begin(again)
        finally:
            self._offering.discard(lane)

    def _offer_one(self, lane: Lane, again: list[Chosen]) -> bool:
        for session in self._sessions.with_credit(lane):
            ready = self._backlog.next(session, lane)
            if ready is not None:
                self._hand_out(self._keeper(ready, session), lane, ready, again)
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
        parked_at = self._leases.parked_at(ready.run_id)
        return parked_at if parked_at is not None and parked_at.free else session

    def _hand_out(self, session: Session, lane: Lane, ready: Ready, again: list[Chosen]) -> None:
        """Hand out a fresh run; put one that goes on with those that are to be started together."""
        session.credit -= 1
        if ready.created is not None and ready.event is not None and self._at_once(lane):
            self._hand_out_fresh(session, lane, ready.run_id, ready.created, ready.event)
        else:
            session.starting += 1
            again.append((session, lane, ready.run_id))

    def _at_once(self, lane: Lane) -> bool:
        """Whether a run that was never started may be handed out before its start is recorded."""
        return self._nodes.alone and not self._store_fails and not self._provisions.declared(lane)

    def _hand_out_fresh(self, session: Session, lane: Lane, run_id: str, created: RunCreated, event: Entry) -> None:
        job = self._leases.grant(session, lane, run_id, execution_seq=1, attempt=1, event=event, created=created)

        def started(answer: Begun | None, error: BaseException | None) -> None:
            if error is not None:
                self._not_started(session, job, error)

        self._engine.start(
            lane[0],
            run_id,
            worker_id=session.info.id,
            unwinds=session.unwinds,
            node=self._nodes.id,
            done=started,
        )
        if session.jobs.get(job.id) is job:
            session.assign(job)

    def _not_started(self, session: Session, job: Job, error: BaseException) -> None:
        """The run was cancelled in between, another node was first, or the store failed."""
        held = session.jobs.get(job.id) is job
        if held:
            self.forget(session, job)
            session.cancel(job, "it could not be started" if passing(error) else str(error))
        if passing(error):
            session.starting += held
            self._start_later(session if held else None, job.environment, job.run_id, error)
        elif held:
            self._regain(session)

    def _start_later(self, session: Session | None, environment: str, run_id: str, error: BaseException) -> None:
        """The run is as it was, and the store cannot record that it starts. The slot stays taken for as long as the run
        waits, so that an outage is not filled with attempts; until one succeeds, nothing is handed out before its start
        is recorded, so that workers do not begin in vain."""
        if not self._store_fails:
            log.warning("runs cannot be started, trying again", run_id=run_id, reason=str(error))
        self._store_fails = True

        def again() -> None:
            self.ready([(environment, run_id)])
            if session is not None:
                session.starting -= 1
                self._regain(session)

        asyncio.get_running_loop().call_later(RETRY_STORE_S, again)

    def _told(self, session: Session, lane: Lane, run_id: str, answer: Begun | BaseException | None) -> None:
        """What became of a run that was to go on."""
        if isinstance(answer, BaseException):
            self._not_started_again(session, lane, run_id, answer)
            return
        self._store_fails = False
        if answer is None:  # it was to be unwound, by a worker that cannot do that: it has ended
            self._not_handed_out(session, lane, run_id)
        else:
            self._hand_out_started(session, lane, run_id, answer)

    def _not_started_again(self, session: Session, lane: Lane, run_id: str, error: BaseException) -> None:
        if passing(error):
            self._start_is_over(run_id)
            self._start_later(session, lane[0], run_id, error)
        else:
            log.debug("run not started", run_id=run_id, reason=str(error))
            self._not_handed_out(session, lane, run_id)

    def _hand_out_started(self, session: Session, lane: Lane, run_id: str, begun: Begun) -> None:
        fact, news = begun.started, begun.news
        seq = fact.execution_seq
        parked = self._leases.unpark(run_id, "resumed elsewhere", unless=session)
        if parked is not None and parked.execution_seq != seq - 1:  # another node's worker has gone on since
            session.cancel(parked, "resumed elsewhere")
            parked = None

        def collected(provision: Provision | None, error: StorageError | IronflowError | None) -> None:
            if isinstance(error, IronflowError):
                self._without_secrets(session, lane, run_id, seq, error)
                return
            if error is not None:
                log.warning("run not handed out", run_id=run_id, error=str(error))
            if provision is None or session.closed or run_id in self._overtaken:
                left = "the worker left before it was handed the run"
                reason = "it was stopped before it was handed out" if run_id in self._overtaken else left
                if parked is not None:
                    session.cancel(parked, reason)
                self._not_handed_out(session, lane, run_id)
                self._give_back(lane[0], run_id, seq, reason)
                return
            created, event = provision.beginning
            session.starting -= 1
            job = self._leases.grant(
                session, lane, run_id, execution_seq=seq, attempt=fact.attempt, event=event, created=created
            )
            provision.grant(job)
            session.assign(job)

        self._provisions.collect(lane, run_id, seq, then=collected, parked=parked, news=news)

    def _without_secrets(
        self, session: Session, lane: Lane, run_id: str, execution_seq: int, error: IronflowError
    ) -> None:
        """The execution cannot have what it needs: it failed before it began."""
        parked = self._leases.unpark(run_id, error.code)
        if parked is not None:
            session.cancel(parked, error.code)
        failure = Failure(message=f"the run's secrets cannot be had: {error}", code=error.code)
        self._record(
            lambda done: self._engine.fail(lane[0], run_id, execution_seq=execution_seq, error=failure, done=done)
        )
        self._not_handed_out(session, lane, run_id)

    def forget(self, session: Session, job: Job) -> None:
        """The job is off the worker's hands."""
        if self._leases.drop(session, job):
            self.queue.release(job.run_id)
            self._offer((job.environment, job.function_id))

    def _not_handed_out(self, session: Session, lane: Lane, run_id: str) -> None:
        self._start_is_over(run_id)
        self._offer(lane)
        session.starting -= 1
        self._regain(session)

    def _start_is_over(self, run_id: str) -> None:
        """Nothing came of it; another one of the run may be under way."""
        self.queue.release(run_id)
        if not self.queue.executes(run_id):
            self._overtaken.discard(run_id)

    def _regain(self, session: Session) -> None:
        session.credit += 1
        self.fill(session)

    # Giving back.

    def _ended(self, run_id: str, reason: str) -> None:
        self._leases.unpark(run_id, reason)
        held = self._leases.of_run(run_id)
        if held is not None:  # it ended by something other than its worker's report: cancelled, timed out
            session, job = held
            self.forget(session, job)
            session.cancel(job, reason)
            if session.standing:
                session.credit += 1
            self.fill(session)
        elif self.queue.executes(run_id):
            self._overtaken.add(run_id)

    def _lost(self, node_id: str) -> None:
        """A node is gone: what its workers had goes back to the queue, unless another node was first to say so."""
        for execution in self._backlog.executed_by(node_id):
            self._take_back(execution, "its node is gone")

    def _take_back(self, execution: Elsewhere, reason: str) -> None:
        self._give_back(execution.environment, execution.run_id, execution.execution_seq, reason)

    def _give_back(self, environment: str, run_id: str, execution_seq: int, reason: str) -> None:
        self._record(
            lambda done: self._engine.release(
                environment, run_id, execution_seq=execution_seq, reason=reason, done=done
            )
        )

    def _record(self, record: Callable[[Done], None]) -> None:
        def done(answer: Any, error: BaseException | None) -> None:
            if isinstance(error, IronflowError):
                log.info("report refused", code=error.code, reason=str(error))

        insist(record, done)

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
                for job in self._leases.overdue(session):
                    session.cancel(job, "lease expired")
                    self.give_back(session, job, reason="lease expired")
            await self._clock.wait_until(now + SWEEP_US, asyncio.Event())
