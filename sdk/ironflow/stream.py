"""One connection of a worker: it registers, takes jobs, says what becomes of them, and gives all up when it ends."""

from __future__ import annotations

import asyncio
import logging
import platform
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ironflow.function import Function
from ironflow.jobs import Jobs
from ironflow.outbox import Outbox
from ironflow.parking import Parking
from ironflow.place import CALL_TIMEOUT_S, SDK, ConnectionLost, Place, first_of, refusal
from ironflow.projecting import Projecting
from ironflow.projection import Projection
from ironflow.registration import registration
from ironflow.threads import Threads
from ironflow.transport import grpc
from ironflow.v1 import ironflow_pb2, worker_pb2

log = logging.getLogger("ironflow.worker")

HEARTBEAT_S = 5.0
CLOSE_TIMEOUT_S = 5.0
_EOF: Any = grpc.aio.EOF  # type: ignore[attr-defined]  # not in the stubs


@dataclass(frozen=True, slots=True)
class Identity:
    """What the worker is to the server, the same on every connection."""

    worker_id: str
    functions: Mapping[str, Function]
    slots: int
    labels: Mapping[str, str]


class Connection:
    """`draining` asks for no further jobs; `run` then returns once those there are have ended."""

    def __init__(
        self,
        place: Place,
        identity: Identity,
        *,
        draining: asyncio.Event,
        drain_s: float,
        handlers: Threads,
        threads: Threads,
        parking: Parking,
        projections: Sequence[Projection],
        projection_threads: Threads,
        on_connected: Callable[[], None],
    ) -> None:
        self._place = place
        self._identity = identity
        self._draining = draining
        self._drain_s = drain_s
        self._on_connected = on_connected
        self._outbox = Outbox()
        self._parking = parking
        self._projections = projections
        self._projection_threads = projection_threads
        self._jobs = Jobs(
            identity.functions,
            slots=identity.slots,
            outbox=self._outbox,
            handlers=handlers,
            threads=threads,
            parking=parking,
            draining=draining.is_set,
        )
        self._greeted = asyncio.Event()
        self._heartbeat_s = HEARTBEAT_S

    async def run(self) -> None:
        """Returns when drained. Raises ConnectionLost, or IronflowError when the server refuses for good."""
        try:
            async with self._place.channel() as channel:
                await self._register_functions(channel)
                projecting = [self._projecting(one, channel) for one in self._projections]
                for one in projecting:
                    await one.register()
                if not self._identity.functions:
                    self._on_connected()
                async with asyncio.TaskGroup() as tasks:
                    if self._identity.functions:
                        tasks.create_task(self._converse(channel))
                    for one in projecting:
                        tasks.create_task(one.run())
        except BaseExceptionGroup as group:
            raise first_of(group) from None
        except grpc.aio.AioRpcError as error:
            raise refusal(error) from None

    def _projecting(self, projection: Projection, channel: grpc.aio.Channel) -> Projecting:
        return Projecting(
            projection,
            place=self._place,
            channel=channel,
            threads=self._projection_threads,
            draining=self._draining,
        )

    async def _register_functions(self, channel: grpc.aio.Channel) -> None:
        register = channel.unary_unary(
            "/ironflow.v1.IronflowService/RegisterFunction",
            request_serializer=ironflow_pb2.RegisterFunctionRequest.SerializeToString,
            response_deserializer=ironflow_pb2.RegisterFunctionResponse.FromString,
        )
        for declared in self._identity.functions.values():
            await register(registration(declared), timeout=CALL_TIMEOUT_S, metadata=self._place.metadata())

    async def _converse(self, channel: grpc.aio.Channel) -> None:
        """One stream from its beginning to its end; what is running then is given up."""
        connect: Any = channel.stream_stream(
            "/ironflow.v1.WorkerService/Connect",
            request_serializer=worker_pb2.WorkerMessage.SerializeToString,
            response_deserializer=worker_pb2.EngineMessage.FromString,
        )
        call = connect(metadata=self._place.metadata())
        self._outbox.add().register.CopyFrom(self._introduction())
        reading = asyncio.create_task(self._read(call))
        writing = asyncio.create_task(self._write(call, reading))
        beating = asyncio.create_task(self._beat())
        leaving = asyncio.create_task(self._leave(call, reading))
        tasks = (reading, writing, beating, leaving)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._jobs.abandon()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._jobs.cleaned_up()
        for task in (leaving, reading, writing, beating):
            if task in done:
                task.result()
                return

    async def _read(self, call: Any) -> None:
        while (message := await call.read()) is not _EOF:
            if message.batch:
                for one in message.batch:
                    self._receive(one)
            else:
                self._receive(message)
        raise ConnectionLost("the server ended the stream")

    async def _write(self, call: Any, reading: asyncio.Task[None]) -> None:
        while True:
            message = await self._outbox.take()
            try:
                await call.write(message)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the call has ended: reading tells why
                await asyncio.wait([reading])
                return

    async def _beat(self) -> None:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._greeted.wait()
        except TimeoutError:
            raise ConnectionLost("the server did not answer the registration") from None
        while True:
            await asyncio.sleep(self._heartbeat_s)
            beat = self._outbox.add().heartbeat
            beat.worker_id = self._identity.worker_id
            beat.active_jobs = len(self._jobs)
            for job in self._jobs:
                beat.jobs.add(
                    job_id=job.job_id,
                    run_id=job.run_id,
                    execution_seq=job.execution_seq,
                    lease_token=job.lease_token,
                )
            self._parking.sweep()

    async def _leave(self, call: Any, reading: asyncio.Task[None]) -> None:
        """When draining: returns when all jobs have ended, or their time has, and the server has heard of it."""
        await self._draining.wait()
        log.info("draining: %d runs to finish, up to %g s", len(self._jobs), self._drain_s)
        await self._jobs.finished(self._drain_s)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._outbox.flushed()
                await call.done_writing()
                await asyncio.wait([reading])
        except TimeoutError:
            log.warning("the server did not end the stream in time")

    def _receive(self, message: worker_pb2.EngineMessage) -> None:
        match message.WhichOneof("payload"):
            case "step_ack":
                self._jobs.acknowledged(message.step_ack)
            case "job":
                self._jobs.take(message.job)
            case "announce":
                self._jobs.announce(message.announce.job_id)
            case "memo_page":
                self._jobs.turn_page(message.memo_page)
            case "cancel":
                self._jobs.cancel(message.cancel.job_id, message.cancel.reason)
            case "ping":
                pong = self._outbox.add().pong
                pong.at_us, pong.worker_us = message.ping.at_us, time.time_ns() // 1_000
            case "registered":
                if message.registered.heartbeat_interval_ms > 0:
                    self._heartbeat_s = message.registered.heartbeat_interval_ms / 1_000
                self._greeted.set()
                self._on_connected()
            case "lease_refresh":
                self._jobs.refresh(message.lease_refresh)
            case "shutdown":
                log.info("the server asks to drain: %s", message.shutdown.reason)
                if message.shutdown.drain_timeout_ms > 0:
                    self._drain_s = min(self._drain_s, message.shutdown.drain_timeout_ms / 1_000)
                self._draining.set()
            case other:
                log.debug("message ignored: %s", other)

    def _introduction(self) -> worker_pb2.WorkerRegister:
        return worker_pb2.WorkerRegister(
            worker_id=self._identity.worker_id,
            hostname=socket.gethostname(),
            function_ids=sorted(self._identity.functions),
            max_concurrent_jobs=self._identity.slots,
            labels=self._identity.labels,
            version=worker_pb2.WorkerVersion(sdk=SDK, runtime=f"python/{platform.python_version()}"),
            accepts_batches=True,
            environment=self._place.environment,
        )
