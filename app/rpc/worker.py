"""The pull worker's stream (WorkerService/Connect): one conversation for each worker, whatever carries it.

Every step result is recorded, then acknowledged; results of many runs share a commit. Messages that gather while one
is being sent travel together, if the worker said that it accepts batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import structlog

from app import jsonvalue
from app.clock import INSTANT_US_MAX, INSTANT_US_MIN, Clock
from app.dispatch.dispatcher import Dispatcher, new_session, seen
from app.dispatch.jobs import Job, step_name
from app.dispatch.workers import Session, WorkerInfo
from app.errors import InvalidArgument, IronflowError, StaleExecution
from app.history.kinds import NULL, Failure, RunCompleted, StepCompleted, StepFailed, StepSleeping
from app.ids import Ids
from app.rpc import convert
from app.runs.engine import Engine
from ironflow.v1 import types_pb2, worker_pb2

log = structlog.get_logger(__name__)

HEARTBEAT_INTERVAL_MS = 5_000
LEASE_TTL_S = 15.0
CONCURRENT_JOBS_MAX = 10_000
FUNCTIONS_MAX = 1_000
STEP_ID_CHARS_MAX = 1_024
BATCH_MAX = 500
BATCH_BYTES_MAX = 8 * 2**20


class Conversation:
    """What a worker says and what it is told. `receive` never waits; `messages` yields what is to be sent."""

    def __init__(self, *, dispatcher: Dispatcher, engine: Engine, ids: Ids, clock: Clock, environment: str) -> None:
        self._dispatcher = dispatcher
        self._engine = engine
        self._ids = ids
        self._clock = clock
        self._environment = environment
        self._session: Session | None = None
        self._batches = False
        self._outbox: list[worker_pb2.EngineMessage] = []
        self._wake = asyncio.Event()
        self._closed = False
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
        }

    async def messages(self) -> AsyncIterator[worker_pb2.EngineMessage]:
        """Until the conversation is closed: all that is queued, as one message where the worker accepts it."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            queued, self._outbox = self._outbox, []
            if not self._batches:
                for message in queued:
                    yield message
            else:
                for batch in _batched(queued):
                    yield batch[0] if len(batch) == 1 else worker_pb2.EngineMessage(batch=batch)
            if self._closed and not self._outbox:
                return

    def receive(self, message: worker_pb2.WorkerMessage) -> None:
        """Take one message, or a batch. Raises InvalidArgument for one that ends the conversation."""
        for one in message.batch or (message,):
            what = one.WhichOneof("payload")
            if what == "register":
                self._register(one.register)
            elif self._session is None:
                raise InvalidArgument("the first message must be `register`", field="payload")
            elif what is None:
                raise InvalidArgument("a message without payload", field="payload")
            elif not self._session.closed:
                self._receivers[what](self._session, getattr(one, what))

    def close(self, reason: str) -> None:
        """The stream has ended: give the worker's jobs back at once."""
        if self._session is not None and not self._session.closed:
            self._dispatcher.leave(self._session, reason=reason)
        self._closed = True
        self._wake.set()

    def shut_down(self, reason: str, drain_timeout_ms: int) -> None:
        """Ask the worker to drain and leave."""
        shutdown = worker_pb2.Shutdown(reason=reason, drain_timeout_ms=drain_timeout_ms)
        self._send(worker_pb2.EngineMessage(shutdown=shutdown))

    # What the worker says.

    def _register(self, message: worker_pb2.WorkerRegister) -> None:
        if self._session is not None:
            raise InvalidArgument("the worker is registered already", field="register")
        info = _info(message, self._ids, self._environment)
        self._batches = message.accepts_batches
        registered = worker_pb2.WorkerRegistered(worker_id=info.id, heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS)
        self._send(worker_pb2.EngineMessage(registered=registered))
        self._session = new_session(
            info,
            transport="stream",
            lease_ttl_s=LEASE_TTL_S,
            credit=info.max_concurrent_jobs,
            now_us=self._clock.now_us(),
            assign=self._assign,
            cancel=self._cancel,
        )
        self._dispatcher.join(self._session)

    def _heartbeat(self, session: Session, message: worker_pb2.WorkerHeartbeat) -> None:
        held, _ = seen(session, [job.job_id for job in message.jobs], now_us=self._clock.now_us())
        known = frozenset(held)
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
            self._send(worker_pb2.EngineMessage(lease_refresh=refresh))
        session.credit = max(0, session.info.max_concurrent_jobs - len(session.jobs))
        self._dispatcher.fill(session)

    def _job_ack(self, session: Session, message: worker_pb2.JobAck) -> None:
        job = self._held(session, message)
        if job is not None:
            job.acknowledged = True

    def _job_nack(self, session: Session, message: worker_pb2.JobNack) -> None:
        job = self._held(session, message)
        if job is None:
            return
        if message.reason == worker_pb2.JOB_NACK_REASON_DRAINING:
            session.draining = True
        else:
            session.credit = 0  # until it says how much it can take, with the next heartbeat or when a job ends
        self._dispatcher.give_back(session, job, reason="the worker declined the job")

    def _step_started(self, session: Session, message: worker_pb2.StepStarted) -> None:
        """Tells that the worker lives; what a step did is recorded when it ends."""
        self._held(session, message)

    def _step_completed(self, session: Session, message: worker_pb2.StepCompleted) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            _check_step_id(job, message.step_id)
            output = _output(message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        fact = StepCompleted(
            step_id=message.step_id,
            name=message.name or _name(job, message.step_id),
            output=output,
            execution_seq=job.execution_seq,
            attempt=job.attempt,
            duration_ms=max(0, message.duration_ms),
            started_at=self._clock.now_us() - max(0, message.duration_ms) * 1000,
        )
        self._engine.step(job.environment, job.run_id, fact, self._acknowledge(session, job, message.step_id))

    def _step_failed(self, session: Session, message: worker_pb2.StepFailed) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            _check_step_id(job, message.step_id)
            failure = _failure(message.error)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        fact = StepFailed(
            step_id=message.step_id,
            name=message.name or _name(job, message.step_id),
            error=failure,
            execution_seq=job.execution_seq,
            attempt=job.attempt,
            duration_ms=max(0, message.duration_ms),
            started_at=self._clock.now_us() - max(0, message.duration_ms) * 1000,
        )
        self._engine.step(job.environment, job.run_id, fact, self._acknowledge(session, job, message.step_id))

    def _step_yielded(self, session: Session, message: worker_pb2.StepYielded) -> None:
        job = self._held(session, message, message.step_id)
        if job is None:
            return
        try:
            _check_step_id(job, message.step_id)
            if message.WhichOneof("yield_info") != "sleep":
                raise InvalidArgument(f"step {message.step_id}: only sleep is supported yet", field="yield_info")
            until = message.sleep.until.ToMicroseconds()
            if not INSTANT_US_MIN <= until <= INSTANT_US_MAX:
                raise InvalidArgument(f"step {message.step_id}: it cannot sleep until then", field="sleep.until")
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        fact = StepSleeping(
            step_id=message.step_id,
            name=message.name or _name(job, message.step_id),
            until=until,
            execution_seq=job.execution_seq,
        )
        self._dispatcher.finish(session, job, lambda done: self._engine.sleep(job.environment, job.run_id, fact, done))

    def _job_completed(self, session: Session, message: worker_pb2.JobCompleted) -> None:
        job = self._held(session, message)
        if job is None:
            return
        try:
            output = _output(message)
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        fact = RunCompleted(execution_seq=job.execution_seq, output=output)
        self._dispatcher.finish(
            session, job, lambda done: self._engine.complete(job.environment, job.run_id, fact, done)
        )

    def _job_failed(self, session: Session, message: worker_pb2.JobFailed) -> None:
        job = self._held(session, message)
        if job is None:
            return
        try:
            failure = _failure(message.error)
            steps = [_executed(job, step, self._clock.now_us()) for step in message.steps]
        except IronflowError as error:
            self._bad_report(session, job, error)
            return
        for fact in steps:
            self._engine.step(job.environment, job.run_id, fact, _ignore)
        self._fail(session, job, failure)

    # What it is told.

    def _assign(self, job: Job) -> None:
        self._send(_assignment(job))

    def _cancel(self, job: Job, reason: str) -> None:
        self._send(worker_pb2.EngineMessage(cancel=worker_pb2.CancelJob(job_id=job.id, reason=reason)))

    def _acknowledge(self, session: Session, job: Job, step_id: str) -> Callable[[Any, BaseException | None], None]:
        def done(answer: Any, error: BaseException | None) -> None:
            self._ack(job.id, step_id, error)
            if error is not None and session.jobs.get(job.id) is job:
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
        self._send(message)

    def _send(self, message: worker_pb2.EngineMessage) -> None:
        self._outbox.append(message)
        self._wake.set()

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
        self._send(worker_pb2.EngineMessage(cancel=worker_pb2.CancelJob(job_id=job.id, reason=str(error))))
        self._fail(
            session, job, Failure(message=f"bad report of the worker: {error}", code=error.code, retryable=False)
        )

    def _fail(self, session: Session, job: Job, failure: Failure) -> None:
        self._dispatcher.finish(
            session,
            job,
            lambda done: self._engine.fail(
                job.environment, job.run_id, execution_seq=job.execution_seq, error=failure, done=done
            ),
        )


def _ignore(answer: Any, error: BaseException | None) -> None:
    """The end of the run, which follows in the same order, tells the worker what there is to tell."""


def _batched(messages: list[worker_pb2.EngineMessage]) -> list[list[worker_pb2.EngineMessage]]:
    """The messages in order, in batches of bounded count and size: none grows past one job beyond the limit."""
    batches: list[list[worker_pb2.EngineMessage]] = []
    size = BATCH_BYTES_MAX
    for message in messages:
        if size >= BATCH_BYTES_MAX or len(batches[-1]) >= BATCH_MAX:
            batches.append([])
            size = 0
        batches[-1].append(message)
        if message.HasField("job"):  # the only kind that can be large
            size += message.ByteSize()
    return batches


def _info(message: worker_pb2.WorkerRegister, ids: Ids, environment: str) -> WorkerInfo:
    functions = frozenset(message.function_ids)
    if not functions or len(functions) > FUNCTIONS_MAX:
        raise InvalidArgument(
            f"a worker serves 1 to {FUNCTIONS_MAX} functions, not {len(functions)}", field="function_ids"
        )
    if not 1 <= message.max_concurrent_jobs <= CONCURRENT_JOBS_MAX:
        raise InvalidArgument(
            f"max_concurrent_jobs {message.max_concurrent_jobs} is out of range",
            field="max_concurrent_jobs",
            hint=f"1 to {CONCURRENT_JOBS_MAX}",
        )
    return WorkerInfo(
        id=message.worker_id or ids.worker(),
        environment=environment,
        function_ids=functions,
        max_concurrent_jobs=message.max_concurrent_jobs,
        hostname=message.hostname,
        labels=dict(message.labels),
        sdk=message.version.sdk,
        runtime=message.version.runtime,
    )


def _assignment(job: Job) -> worker_pb2.EngineMessage:
    emitted = job.emitted
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
    event = assignment.event
    event.id = emitted.id
    event.name = emitted.name
    event.data_json = bytes(emitted.data)
    event.source = emitted.source
    event.version = emitted.version
    event.idempotency_key = emitted.idempotency_key
    event.timestamp.FromMicroseconds(job.event.recorded_at)
    if len(job.event.metadata) > 2:
        event.metadata.update(msgspec.json.decode(job.event.metadata))
    for memo in job.memos:
        step = assignment.completed_steps.add(step_id=memo.step_id, name=memo.name, status="completed")
        step.output_json = bytes(memo.output or NULL)
    return message


def _output(message: worker_pb2.StepCompleted | worker_pb2.JobCompleted) -> msgspec.Raw:
    """The JSON of a result: our own bytes, or the published Struct and Value."""
    if message.output_json:
        jsonvalue.check(message.output_json, field="output")
        return msgspec.Raw(message.output_json)
    return msgspec.Raw(convert.payload(message, "output"))


def _failure(error: types_pb2.Error) -> Failure:
    """The error as it is recorded: texts bounded, and free of what JSON cannot hold."""
    return Failure(
        message=_text(error.message, 4_000) or "the worker gave no message",
        code=_text(error.code, 200),
        retryable=error.retryable,
        stack=_text(error.stack, 16_000),
        retry_after_ms=max(0, error.retry_after_ms),
    )


def _text(value: str, chars_max: int) -> str:
    return value.replace("\0", "\\0")[:chars_max]


def _executed(job: Job, step: worker_pb2.ExecutedStep, now: int) -> StepCompleted | StepFailed:
    _check_step_id(job, step.id)
    common: dict[str, Any] = {
        "step_id": step.id,
        "name": step.name or _name(job, step.id),
        "type": step.type or "compensate",
        "execution_seq": job.execution_seq,
        "attempt": job.attempt,
        "duration_ms": max(0, step.duration_ms),
        "started_at": now - max(0, step.duration_ms) * 1000,
        "compensation_for": step.compensation_for,
    }
    if step.status == "failed":
        return StepFailed(error=_failure(step.error), **common)
    return StepCompleted(**common)


def _check_step_id(job: Job, step_id: str) -> None:
    if not step_id.startswith(f"{job.run_id}:") or len(step_id) > STEP_ID_CHARS_MAX or "\0" in step_id:
        raise InvalidArgument(
            f"step id {step_id[:100]!r} does not belong to {job.run_id}",
            field="step_id",
            hint="step ids are <run id>:<name>:<number>",
        )


def _name(job: Job, step_id: str) -> str:
    return step_name(step_id)
