"""The worker: takes runs over one gRPC stream, executes functions, reports each step and waits until it is durable."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import signal
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc

from ironflow import discovery
from ironflow.durations import seconds
from ironflow.errors import IronflowError
from ironflow.execution import Job, execute
from ironflow.function import Function
from ironflow.step import Abandoned
from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc, types_pb2, worker_pb2, worker_pb2_grpc

log = logging.getLogger("ironflow.worker")

SDK = "python/0.1.0"
DRAIN_S = 60.0
BACKOFF_S = (0.1, 5.0)
BATCH_MAX = 500
REGISTER_TIMEOUT_S = 30.0
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.max_send_message_length", 64 * 2**20),
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_FATAL = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.FAILED_PRECONDITION,
)


class Worker:
    """Executes functions until it is told to stop.

    Async functions run as tasks, plain ones in threads (`threads`, by default as many as jobs, at most 64). On SIGTERM
    or SIGINT the worker takes no new runs and finishes those it has, up to a minute; a second signal stops at once.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        server: str | None = None,
        grpc_address: str | None = None,
        api_key: str | None = None,
        environment: str | None = None,
        max_concurrent_jobs: int = 100,
        worker_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        threads: int | None = None,
    ) -> None:
        if not functions:
            raise ValueError("a worker needs functions: Worker([my_function])")
        if max_concurrent_jobs < 1:
            raise ValueError(f"max_concurrent_jobs must be 1 or more, not {max_concurrent_jobs}")
        self._functions: dict[str, Function] = {}
        for declared in functions:
            if not isinstance(declared, Function):
                raise TypeError(f"{declared!r} is not a function of ironflow: declare it with @function(...)")
            if declared.id in self._functions:
                raise ValueError(f"two functions have the id {declared.id!r}")
            self._functions[declared.id] = declared
        self._server = discovery.find(server, api_key=api_key, environment=environment, grpc_address=grpc_address)
        self._slots = max_concurrent_jobs
        self._labels = dict(labels or {})
        self._threads = ThreadPoolExecutor(threads or min(64, max_concurrent_jobs), "ironflow-step")
        self._jobs: dict[str, tuple[Job, asyncio.Task[None]]] = {}
        self._link: _Link | None = None
        self._draining = asyncio.Event()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self.id = worker_id or f"worker-{uuid.uuid4()}"

    def start(self) -> None:
        """Run until a signal says stop; blocks."""
        try:
            import uvloop
        except ImportError:
            asyncio.run(self.run())
        else:
            uvloop.run(self.run())

    async def run(self) -> None:
        """Run until drained. Raises IronflowError when the server will not have the functions or the credentials;
        that the server is away is waited out."""
        self._handle_signals()
        running = asyncio.create_task(self._keep_connected())
        stopping = asyncio.create_task(self._drained())
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (running, stopping):
            task.cancel()
        results = await asyncio.gather(running, stopping, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def stop(self) -> None:
        """Drain: no new runs; `run` returns when those there are have ended. A second call stops at once."""
        (self._stopping if self._draining.is_set() else self._draining).set()

    def _handle_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)

    async def _drained(self) -> None:
        await self._draining.wait()
        log.info("draining %d runs", len(self._jobs))
        waits = [asyncio.create_task(event.wait()) for event in (self._idle, self._stopping)]
        if not self._jobs:
            self._idle.set()
        await asyncio.wait(waits, timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._link is not None:
            await self._link.flushed()

    async def _keep_connected(self) -> None:
        delay_s, complained = BACKOFF_S[0], False
        while True:
            try:
                async with grpc.aio.insecure_channel(await self._address(), options=CHANNEL_OPTIONS) as channel:
                    await self._register(channel)
                    log.info("connected to %s as %s", self._server.url, self.id)
                    delay_s, complained = BACKOFF_S[0], False
                    await self._converse(channel)
                reason = "the server ended the stream"
            except grpc.aio.AioRpcError as error:
                if error.code() in _FATAL:
                    raise _fatal(error) from None
                reason = error.details() or error.code().name
            except OSError as error:
                reason = str(error)
            if not complained:
                log.warning("not connected to %s: %s; trying again", self._server.url, reason)
                complained = True
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, BACKOFF_S[1])

    async def _address(self) -> str:
        if self._server.grpc_address:
            return self._server.grpc_address
        from ironflow.client import Client

        try:
            client = Client(self._server.url, api_key=self._server.api_key or None)
            told = await asyncio.to_thread(client.capabilities)
        except IronflowError as error:
            raise OSError(error.message) from None
        return str(told["grpc_address"])

    async def _register(self, channel: grpc.aio.Channel) -> None:
        service = ironflow_pb2_grpc.IronflowServiceStub(channel)
        for declared in self._functions.values():
            await service.RegisterFunction(
                _registration(declared), timeout=REGISTER_TIMEOUT_S, metadata=self._metadata(), wait_for_ready=False
            )

    def _metadata(self) -> list[tuple[str, str]]:
        told = [("x-ironflow-environment-id", self._server.environment), ("x-ironflow-sdk", SDK)]
        return [*told, ("authorization", f"Bearer {self._server.api_key}")] if self._server.api_key else told

    async def _converse(self, channel: grpc.aio.Channel) -> None:
        """One stream from its beginning to its end; what was running then is given up."""
        stream = worker_pb2_grpc.WorkerServiceStub(channel).Connect(metadata=self._metadata())
        link = self._link = _Link(stream)
        link.send(worker_pb2.WorkerMessage(register=self._registration()))
        writing = asyncio.create_task(link.write_all())
        beating = asyncio.create_task(self._heartbeat(link))
        try:
            async for message in stream:
                for one in message.batch or (message,):
                    self._receive(link, one)
        finally:
            for task in (writing, beating):
                task.cancel()
            link.close()
            self._link = None
            for job, task in list(self._jobs.values()):
                job.abandoned = True
                task.cancel()
            self._jobs.clear()

    def _registration(self) -> worker_pb2.WorkerRegister:
        return worker_pb2.WorkerRegister(
            worker_id=self.id,
            hostname=socket.gethostname(),
            function_ids=sorted(self._functions),
            max_concurrent_jobs=self._slots,
            labels=self._labels,
            version=worker_pb2.WorkerVersion(sdk=SDK, runtime=f"python/{platform.python_version()}"),
            accepts_batches=True,
        )

    async def _heartbeat(self, link: _Link) -> None:
        while True:
            await asyncio.sleep(link.heartbeat_s)
            jobs = [
                worker_pb2.ActiveJob(
                    job_id=job.id, run_id=job.run_id, execution_seq=job.execution_seq, lease_token=job.lease_token
                )
                for job, _ in self._jobs.values()
            ]
            beat = worker_pb2.WorkerHeartbeat(worker_id=self.id, active_jobs=len(jobs), jobs=jobs)
            link.send(worker_pb2.WorkerMessage(heartbeat=beat))

    def _receive(self, link: _Link, message: worker_pb2.EngineMessage) -> None:
        match message.WhichOneof("payload"):
            case "step_ack":
                link.acknowledged(message.step_ack)
            case "job":
                self._take(link, message.job)
            case "cancel":
                self._abandon(message.cancel.job_id)
            case "registered":
                link.heartbeat_s = max(0.1, message.registered.heartbeat_interval_ms / 1_000)
            case "lease_refresh":
                stale = [s for s in message.lease_refresh.segments if s.state != worker_pb2.LEASE_STATE_REFRESHED]
                lost = {(segment.run_id, segment.execution_seq) for segment in stale}
                for job, _ in list(self._jobs.values()):
                    if (job.run_id, job.execution_seq) in lost:
                        self._abandon(job.id)
            case "shutdown":
                self._draining.set()
            case _:
                log.debug("message ignored")

    def _take(self, link: _Link, assignment: worker_pb2.JobAssignment) -> None:
        job = Job.received(assignment)
        if job.id in self._jobs:
            return
        declined = None
        if self._draining.is_set():
            declined = worker_pb2.JOB_NACK_REASON_DRAINING
        elif len(self._jobs) >= self._slots:
            declined = worker_pb2.JOB_NACK_REASON_AT_CAPACITY
        fence: dict[str, Any] = {
            "job_id": job.id,
            "run_id": job.run_id,
            "execution_seq": job.execution_seq,
            "lease_token": job.lease_token,
        }
        if declined is not None:
            link.send(worker_pb2.WorkerMessage(job_nack=worker_pb2.JobNack(reason=declined, **fence)))
            return
        link.send(worker_pb2.WorkerMessage(job_ack=worker_pb2.JobAck(**fence)))
        task = asyncio.create_task(self._execute(link, job))
        self._jobs[job.id] = (job, task)

    async def _execute(self, link: _Link, job: Job) -> None:
        try:
            await execute(self._functions.get(job.function_id), job, link, self._in_thread)
        except Abandoned:
            log.info("run %s was given to another worker or has ended", job.run_id)
        finally:
            if self._jobs.get(job.id, (None,))[0] is job:
                del self._jobs[job.id]
            if self._draining.is_set() and not self._jobs:
                self._idle.set()

    def _abandon(self, job_id: str) -> None:
        held = self._jobs.pop(job_id, None)
        if held is not None:
            job, task = held
            job.abandoned = True
            task.cancel()

    def _in_thread(self, work: Callable[[], Any]) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Link:
    """One stream: what is queued goes out as one message a turn; step reports wait here for their acknowledgement."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._outbox: list[worker_pb2.WorkerMessage] = []
        self._wake = asyncio.Event()
        self._sent = asyncio.Event()
        self._acks: dict[str, asyncio.Future[None]] = {}
        self._closed = False
        self.heartbeat_s = 5.0

    def send(self, message: worker_pb2.WorkerMessage) -> None:
        self._outbox.append(message)
        self._sent.clear()
        self._wake.set()

    def acknowledgement(self, step_id: str) -> asyncio.Future[None]:
        """Done when the report of the step is durable; raises Abandoned when it was refused."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(Abandoned())
        else:
            self._acks[step_id] = future
        return future

    def acknowledged(self, ack: worker_pb2.StepAck) -> None:
        future = self._acks.pop(ack.step_id, None)
        if future is None or future.done():
            return
        if ack.accepted:
            future.set_result(None)
        else:
            future.set_exception(Abandoned(ack.error))

    async def write_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox:
                batch, self._outbox = self._outbox[:BATCH_MAX], self._outbox[BATCH_MAX:]
                await self._stream.write(batch[0] if len(batch) == 1 else worker_pb2.WorkerMessage(batch=batch))
            self._sent.set()

    async def flushed(self) -> None:
        """Returns when everything queued has been given to gRPC, or after a second."""
        try:
            async with asyncio.timeout(1):
                await self._sent.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        self._closed = True
        for future in self._acks.values():
            if not future.done():
                future.set_exception(Abandoned("the connection ended"))
                future.exception()  # its task is cancelled too and may never look at it
        self._acks.clear()


def _registration(declared: Function) -> ironflow_pb2.RegisterFunctionRequest:
    retry = declared.retry
    request = ironflow_pb2.RegisterFunctionRequest(
        id=declared.id,
        name=declared.name,
        description=declared.description,
        triggers=[types_pb2.Trigger(event=one.event, expression=one.expression) for one in declared.triggers],
        retry=types_pb2.RetryConfig(
            max_attempts=retry.max_attempts,
            initial_delay_ms=round(seconds(retry.initial_delay) * 1_000),
            backoff_factor=retry.backoff_factor,
            max_delay_ms=round(seconds(retry.max_delay) * 1_000),
            on_exhausted=retry.on_exhausted,
        ),
        timeout_ms=round(declared.timeout_s * 1_000),
        preferred_mode=types_pb2.EXECUTION_MODE_PULL,
    )
    request.metadata.update({"__ironflow_code_hash": declared.code_hash})
    return request


def _fatal(error: grpc.aio.AioRpcError) -> IronflowError:
    told: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    return IronflowError(
        error.details() or error.code().name,
        code=str(told.get("ironflow-code", error.code().name)),
        hint=str(told.get("ironflow-hint", "")),
    )
