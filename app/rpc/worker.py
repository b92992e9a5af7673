"""The pull worker's stream (WorkerService/Connect): one conversation for each worker, whatever carries it.

Every step result is recorded, then acknowledged; results of many runs share a commit. Messages to the worker gather in
its outbox, and travel together if it said that it accepts batches.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import structlog

from app.clock import Clock
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.jobs import Job
from app.dispatch.workers import Session, WorkerInfo, new_session, seen
from app.errors import (
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    IronflowError,
    StaleExecution,
    Unavailable,
)
from app.events.emit import Emitter
from app.events.new_event import NewEvent
from app.events.topics import Topics
from app.history.committer import Command, Done
from app.history.kinds import Divergence, Failure, RunCompleted, Said
from app.ids import Ids
from app.rpc import assignments, reports
from app.rpc.outbox import Outbox
from app.runs.engine import Diverged, Engine
from app.runs.writing import WriteRefused
from ironflow.v1 import worker_pb2

log = structlog.get_logger(__name__)

HEARTBEAT_INTERVAL_MS = 5_000
LEASE_TTL_S = 15.0


class Conversation:
    """What a worker says and what it is told. `receive` never waits; `messages` yields what is to be sent."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        engine: Engine,
        emitter: Emitter,
        topics: Topics,
        ids: Ids,
        clock: Clock,
        environment: str,
    ) -> None:
        self._dispatcher = dispatcher
        self._engine = engine
        self._emitter = emitter
        self._topics = topics
        self._ids = ids
        self._clock = clock
        self._environment = environment
        self._session: Session | None = None
        self._pinged_at = 0
        self._outbox = Outbox(partial(self.close, "the worker does not read what it is told"))
        self._receivers: dict[str, Callable[[Session, Any], None]] = {
            "heartbeat": self._heartbeat,
            "step_started": self._step_started,
            "step_completed": self._step_completed,
            "step_failed": self._step_failed,
            "step_yielded": self._step_yielded,
            "job_completed": self._job_completed,
            "job_failed": self._job_failed,
            "job_ack": self._job_ack,
            "job_nack": self._job_nack,
            "noted": self._noted,
            "pong": self._pong,
        }

    def messages(self) -> AsyncIterator[worker_pb2.EngineMessage]:
        """Until the conversation is closed: what is to be sent."""
        return self._outbox.messages()

    def receive(self, message: worker_pb2.WorkerMessage) -> None:
        """Take one message, or a batch. Raises InvalidArgument for one that ends the conversation, Unavailable for one
        of a worker that was given up meanwhile: it has to register again."""
        for one in message.batch or (message,):
            what = one.WhichOneof("payload")
            if what == "register":
                self._register(one.register)
            elif self._session is None:
                raise InvalidArgument("the first message must be `register`", field="payload")
            elif what is None:
                raise InvalidArgument("a message without payload", field="payload")
            elif self._session.closed:  # it was silent for too long, or registered elsewhere
                raise Unavailable(
                    f"worker {self._session.info.id[:80]!r} was given up", hint="connect and register again"
                )
            else:
                self._receivers[what](self._session, getattr(one, what))

    def close(self, reason: str) -> None:
        """The stream has ended: give the worker's jobs back at once."""
        if self._session is not None and not self._session.closed:
            self._dispatcher.leave(self._session, reason=reason)
        self._outbox.close()

    def shut_down(self, reason: str) -> None:
        """Ask the worker to drain and leave, in the time that it gives itself."""
        shutdown = worker_pb2.Shutdown(reason=reason)
        self._outbox.put(worker_pb2.EngineMessage(shutdown=shutdown))

    # What the worker says.

    def _register(self, message: worker_pb2.WorkerRegister) -> None:
        if self._session is not None:
            raise InvalidArgument("the worker is registered already", field="register")
        info = _info(message, self._ids, self._environment)
        self._outbox.batches = message.accepts_batches
        self._session = new_session(
            info,
            transport="stream",
            lease_ttl_s=LEASE_TTL_S,
            credit=info.max_concurrent_jobs,
            now_us=self._clock.now_us(),
            assign=self._assign,
            cancel=self._cancel,
            drain=self.shut_down,
            disconnect=self.close,
            unwinds=message.accepts_batches,  # a worker of ours
            announce=self._announce if message.accepts_batches else None,
        )
        registered = worker_pb2.WorkerRegistered(worker_id=info.id, heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS)
        self._outbox.put(worker_pb2.EngineMessage(registered=registered))
        self._ping()
        self._dispatcher.join(self._session)

    def _heartbeat(self, session: Session, message: worker_pb2.WorkerHeartbeat) -> None:
        held, _ = seen(session, [job.job_id for job in message.jobs], now_us=self._clock.now_us())
        known = frozenset(held)
        for job in message.jobs:
            if job.HasField("started_at"):
                session.began(job.job_id, job.started_at.ToMicroseconds())
        segments = [
            worker_pb2.SegmentLeaseStatus(
                run_id=job.run_id,
                execution_seq=job.execution_seq,
                state=worker_pb2.LEASE_STATE_REFRESHED if job.job_id in known else worker_pb2.LEASE_STATE_UNKNOWN,
            )
            for job in message.jobs
        ]
        if segments:
            refresh = worker_pb2.LeaseRefreshResult(segments=segments)
            self._outbox.put(worker_pb2.EngineMessage(lease_refresh=refresh))
        self._ping()
        session.grant(session.info.max_concurrent_jobs)
        self._dispatcher.fill(session)

    def _pong(self, session: Session, message: worker_pb2.Pong) -> None:
        if message.at_us == self._pinged_at:
            session.echoed(self._pinged_at, self._clock.now_us(), message.worker_us)

    def _job_ack(self, session: Session, message: worker_pb2.JobAck) -> None:
        job = self._held(session, message)
        if job is not None:
            job.acknowledged = True
            if session.asked_at:
                session.answered(self._clock.now_us(), job.id)

    def _job_nack(self, session: Session, message: worker_pb2.JobNack) -> None:
        gone = message.reason == worker_pb2.JOB_NACK_REASON_NOT_PARKED
        if gone and self._dispatcher.evicted(session, message.run_id, message.job_id):
            return
        job = self._held(session, message)
        if job is None:
            return
        if gone:
            self._dispatcher.hand_out_whole(session, job)
            return
        if message.reason == worker_pb2.JOB_NACK_REASON_DRAINING:
            session.draining = True
        else:
            session.credit = 0  # until it says how much it can take, with the next heartbeat or when a job ends
        self._dispatcher.give_back(session, job, reason="the worker declined the job")

    def _step_started(self, session: Session, message: worker_pb2.StepStarted) -> None:
        """Tells that the worker lives; what a step did is recorded when it ends. Where a breakpoint may hold the run,
        the worker waits to be told to begin: it never is if the run is held."""
        job = self._held(session, message)
        if job is None or not job.announces:
            return

        acknowledge = self._acknowledge(session, job, message.step_id)

        def done(answer: Any, error: BaseException | None) -> None:
            if answer is None:
                acknowledge(None, error)

        self._engine.begin_step(
            job.environment,
            job.run_id,
            execution_seq=job.execution_seq,
            step_id=message.step_id,
            name=message.name,
            kind="invoke",
            done=done,
        )

    def _step_completed(self, session: Session, message: worker_pb2.StepCompleted) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            fact = job.redacted(reports.completed(job, message, now=self._clock.now_us()))
            emissions = self._emissions(job, message) if message.emissions else ()
            writes = [job.redacted(one) for one in reports.writes(message)] if message.writes else ()
            logged = reports.step_logged(job, message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        acknowledge = self._acknowledge(session, job, message.step_id)
        self._engine.step(
            job.environment, job.run_id, fact, acknowledge, emissions=emissions, writes=writes, logged=logged
        )

    def _step_failed(self, session: Session, message: worker_pb2.StepFailed) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            fact = job.redacted(reports.failed(job, message, now=self._clock.now_us()))
            logged = reports.step_logged(job, message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        acknowledge = self._acknowledge(session, job, message.step_id)
        self._engine.step(job.environment, job.run_id, fact, acknowledge, logged=logged)

    def _step_yielded(self, session: Session, message: worker_pb2.StepYielded) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            wanted = [job.redacted(one) for one in reports.yields(job, message, now=self._clock.now_us())]
            record = self._engine.suspend(
                job.environment,
                job.run_id,
                wanted,
                execution_seq=job.execution_seq,
                event=job.event,
                logged=reports.logged(job, message),
            )
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        if message.parked:
            self._dispatcher.park(session, job)
        self._dispatcher.finish(session, job, record)

    def _noted(self, session: Session, message: worker_pb2.RunNoted) -> None:
        job = self._held(session, message)
        if job is None:
            return
        try:
            fact = job.redacted(reports.noted(job, message))
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        self._engine.note(job.environment, job.run_id, fact, _ignore)

    def _job_completed(self, session: Session, message: worker_pb2.JobCompleted) -> None:
        job = self._held(session, message)
        if job is None:
            return
        try:
            fact = job.redacted(RunCompleted(execution_seq=job.execution_seq, output=reports.output(message)))
            logged = reports.logged(job, message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        self._dispatcher.finish(
            session, job, lambda done: self._engine.complete(job.environment, job.run_id, fact, done, logged=logged)
        )

    def _job_failed(self, session: Session, message: worker_pb2.JobFailed) -> None:
        job = self._held(session, message)
        if job is None:
            return
        try:
            failure = reports.failure(message.error)
            steps = [job.redacted(reports.executed(job, step, now=self._clock.now_us())) for step in message.steps]
            divergence = reports.divergence(message.divergence) if message.HasField("divergence") else None
            logged = reports.logged(job, message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        end = self._failing(job, failure, logged) if divergence is None else self._diverging(job, divergence, logged)

        def record(done: Done) -> None:
            with self._engine.together():
                for fact in steps:
                    self._engine.step(job.environment, job.run_id, fact, _ignore)
                end(done)

        self._dispatcher.finish(session, job, record)

    # What it is told.

    def _assign(self, job: Job) -> None:
        if self._outbox.batches:
            job.announces = self._engine.may_hold(job.environment, job.run_id, job.function_id)
            for message in assignments.messages(job):
                self._outbox.put(message)
            return
        try:
            message = assignments.published(job)
        except FailedPrecondition as error:  # data too deep for protobuf's Struct: no such worker can be told
            assert self._session is not None
            self._fail(self._session, job, Failure(message=str(error), code=error.code, retryable=False))
        else:
            self._outbox.put(message)
            assert self._session is not None
            self._session.asked_at = self._clock.now_us()

    def _announce(self, job: Job) -> None:
        if not job.announces:
            job.announces = True
            self._outbox.put(worker_pb2.EngineMessage(announce=worker_pb2.AnnounceSteps(job_id=job.id)))

    def _cancel(self, job: Job, reason: str) -> None:
        self._outbox.put(worker_pb2.EngineMessage(cancel=worker_pb2.CancelJob(job_id=job.id, reason=reason)))

    def _ping(self) -> None:
        """Ask how far it is, a worker of ours; of others the first acknowledgement of a job tells."""
        if self._outbox.batches:
            self._pinged_at = self._clock.now_us()
            self._outbox.put(worker_pb2.EngineMessage(ping=worker_pb2.Ping(at_us=self._pinged_at)))

    def _acknowledge(self, session: Session, job: Job, step_id: str) -> Callable[[Any, BaseException | None], None]:
        def done(answer: Any, error: BaseException | None) -> None:
            self._ack(job.id, step_id, error)
            if error is None or session.jobs.get(job.id) is not job or isinstance(error, Diverged | WriteRefused):
                return  # a run that diverged is paused: that takes the job from the worker
            if isinstance(error, IdempotencyConflict):
                self._bad_report(session, job, error)
                return
            if isinstance(error, StaleExecution):
                self._dispatcher.give_back(session, job, reason="superseded")
            else:
                self._dispatcher.give_back(session, job, reason="the result of a step could not be recorded")
            session.credit += 1
            self._dispatcher.fill(session)

        return done

    def _ack(self, job_id: str, step_id: str, error: BaseException | None) -> None:
        message = worker_pb2.EngineMessage()
        ack = message.step_ack
        ack.step_id = step_id
        ack.job_id = job_id
        if error is None:
            ack.accepted = True
        else:
            ack.accepted = False
            ack.error = f"{error.code}: {error}" if isinstance(error, IronflowError) else "not recorded"
            if isinstance(error, WriteRefused):
                ack.failure.message, ack.failure.code = error.failure.message, error.failure.code
                ack.failure.retryable = error.failure.retryable
        self._outbox.put(message)

    # Helpers of both.

    def _held(self, session: Session, message: Any, step_id: str = "") -> Job | None:
        """The job that a report is about, or None for a report that is too late: it is refused without harm."""
        try:
            return self._dispatcher.held(
                session, message.job_id, execution_seq=message.execution_seq, lease_token=message.lease_token
            )
        except StaleExecution as stale:
            if step_id:
                self._ack(message.job_id, step_id, stale)
            else:
                log.debug("late report refused", job_id=message.job_id[:80], worker_id=session.info.id)
            return None

    def _bad_report(self, session: Session, job: Job, error: IronflowError) -> None:
        """A report that cannot be recorded fails the run for good; it would come again the same."""
        self._outbox.put(worker_pb2.EngineMessage(cancel=worker_pb2.CancelJob(job_id=job.id, reason=str(error))))
        self._fail(
            session, job, Failure(message=f"bad report of the worker: {error}", code=error.code, retryable=False)
        )

    def _emissions(self, job: Job, message: worker_pb2.StepCompleted) -> Sequence[Command]:
        return [
            self._emitter.command(one) if isinstance(one, NewEvent) else self._topics.command(one)
            for one in map(job.redacted, reports.emissions(job, message))
        ]

    def _diverging(self, job: Job, divergence: Divergence, logged: Sequence[Said]) -> Callable[[Done], None]:
        told = job.redacted(divergence)
        return lambda done: self._engine.diverge(
            job.environment, job.run_id, execution_seq=job.execution_seq, divergence=told, done=done, logged=logged
        )

    def _failing(self, job: Job, failure: Failure, logged: Sequence[Said] = ()) -> Callable[[Done], None]:
        told = job.redacted(failure)
        return lambda done: self._engine.fail(
            job.environment, job.run_id, execution_seq=job.execution_seq, error=told, done=done, logged=logged
        )

    def _fail(self, session: Session, job: Job, failure: Failure) -> None:
        self._dispatcher.finish(session, job, self._failing(job, failure))


def _ignore(answer: Any, error: BaseException | None) -> None:
    """The end of the run, which follows in the same order, tells the worker what there is to tell."""


def _info(message: worker_pb2.WorkerRegister, ids: Ids, environment: str) -> WorkerInfo:
    return WorkerInfo(
        id=message.worker_id or ids.worker(),
        environment=environment,
        function_ids=frozenset(message.function_ids),
        max_concurrent_jobs=message.max_concurrent_jobs,
        hostname=message.hostname,
        labels=dict(message.labels),
        sdk=message.version.sdk,
        runtime=message.version.runtime,
    )
