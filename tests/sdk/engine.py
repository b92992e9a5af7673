"""An engine that does what a test tells it: the worker's side of the protocol, and nothing behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc

from ironflow import Worker
from ironflow.function import Function
from ironflow.v1 import ironflow_pb2, types_pb2, worker_pb2
from tests.support.bounds import WAIT_S
from tests.support.ports import free_port

RunEnd = worker_pb2.JobCompleted | worker_pb2.JobFailed | worker_pb2.StepYielded


@dataclass(frozen=True)
class Memo:
    """A recorded step."""

    name: str
    output: Any = None
    number: int = 0
    kind: str = ""
    error: Mapping[str, Any] | None = None
    attempt: int = 0


def completed(run: str, memo: Mapping[str, Any] | Sequence[Memo]) -> list[worker_pb2.CompletedStep]:
    steps = memo if isinstance(memo, Sequence) else [Memo(name, output) for name, output in memo.items()]
    return [
        worker_pb2.CompletedStep(
            step_id=f"{run}:{step.name}:{step.number}",
            name=step.name,
            status="completed" if step.error is None else "failed",
            type=step.kind,
            output_json=json.dumps(step.output).encode() if step.error is None else b"",
            error_json=b"" if step.error is None else json.dumps(step.error).encode(),
            attempt=step.attempt,
        )
        for step in steps
    ]


class Stream:
    """One connected worker. `told` keeps all that it said but heartbeats; `frames` how many messages came at a time."""

    def __init__(self, registration: worker_pb2.WorkerRegister, metadata: Mapping[str, str]) -> None:
        self.registration = registration
        self.metadata = metadata
        self.outbox: asyncio.Queue[worker_pb2.EngineMessage | None] = asyncio.Queue()
        self.told: list[tuple[str, Any]] = []
        self.frames: list[int] = []
        self.frame_sizes: list[int] = []
        self.accepts: Callable[[Any], str] = lambda step: ""
        self.refuses: Callable[[Any], bool] = lambda step: False
        self.holds_acks = False
        self.ended = asyncio.Event()
        self._changed = asyncio.Condition()

    def send(self, **payload: Any) -> None:
        self.outbox.put_nowait(worker_pb2.EngineMessage(**payload))

    def end(self) -> None:
        """End the stream from the engine's side."""
        self.outbox.put_nowait(None)

    def assign(
        self,
        function_id: str = "f",
        *,
        job: str = "job-1",
        run: str = "run_1",
        seq: int = 1,
        attempt: int = 1,
        data: Any = None,
        memo: Mapping[str, Any] | Sequence[Memo] = (),
        resumes: str = "",
        pages: int = 0,
        unwind: worker_pb2.Unwind | None = None,
        always_replay: bool = False,
        on_exhausted: str = "",
    ) -> None:
        """Hand over a run; `memo` is step name to output, as if each name had been used once, or says it all."""
        assignment = worker_pb2.JobAssignment(
            job_id=job,
            run_id=run,
            function_id=function_id,
            attempt=attempt,
            max_attempts=3,
            execution_seq=seq,
            lease_token=f"lease-{seq}",
            resumes_job_id=resumes,
            memo_pages=pages,
            unwind=unwind,
            always_replay=always_replay,
            on_exhausted=on_exhausted,
            completed_steps=completed(run, memo),
        )
        assignment.event.id, assignment.event.name = "evt_1", "go"
        assignment.event.data_json = json.dumps(data).encode()
        assignment.event.version = 1
        assignment.event.timestamp.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        self.send(job=assignment)

    def page(self, memo: Mapping[str, Any], *, job: str = "job-1", run: str = "run_1") -> None:
        """The next page of a long memo."""
        self.send(memo_page=worker_pb2.MemoPage(job_id=job, completed_steps=completed(run, memo)))

    def acknowledge(self, *steps: Any, error: str = "") -> None:
        """In one message."""
        acks = [
            worker_pb2.StepAck(step_id=step.step_id, job_id=step.job_id, accepted=not error, error=error)
            for step in steps
        ]
        if len(acks) == 1:
            self.send(step_ack=acks[0])
        else:
            self.send(batch=[worker_pb2.EngineMessage(step_ack=ack) for ack in acks])

    def refuse(self, step: Any) -> None:
        """What the step writes: the engine recorded that it failed."""
        failure = types_pb2.Error(message="stale", code="REVISION_CONFLICT", retryable=True)
        self.send(step_ack=worker_pb2.StepAck(step_id=step.step_id, job_id=step.job_id, failure=failure))

    async def told_of(self, *kinds: str, count: int = 1) -> list[Any]:
        """What the worker said of these kinds, once there are `count` of them."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self.of(*kinds)) >= count)
        return self.of(*kinds)

    def of(self, *kinds: str) -> list[Any]:
        return [message for kind, message in self.told if kind in kinds]

    async def end_of(self, job: str = "job-1") -> Any:
        """The message that ended the job."""
        ends = ("job_completed", "job_failed", "step_yielded")
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: any(message.job_id == job for message in self.of(*ends)))
        return next(message for message in self.of(*ends) if message.job_id == job)

    async def heard(self, message: worker_pb2.WorkerMessage) -> None:
        parts = list(message.batch) or [message]
        self.frames.append(len(parts))
        self.frame_sizes.append(message.ByteSize())
        for part in parts:
            kind = part.WhichOneof("payload")
            assert kind is not None
            if kind == "heartbeat":
                continue
            said = getattr(part, kind)
            self.told.append((kind, said))
            if kind in ("step_completed", "step_failed") and not self.holds_acks:
                if kind == "step_completed" and self.refuses(said):
                    self.refuse(said)
                else:
                    self.acknowledge(said, error=self.accepts(said))
        async with self._changed:
            self._changed.notify_all()


class Engine:
    """A gRPC server of the two services. `refusal` is how RegisterFunction answers: status, message, metadata."""

    def __init__(self) -> None:
        self.address = ""
        self.registered: list[ironflow_pb2.RegisterFunctionRequest] = []
        self.refusal: tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]] | None = None
        self.metadata: list[dict[str, str]] = []
        self.streams: asyncio.Queue[Stream] = asyncio.Queue()
        self._asked = asyncio.Condition()
        self._server: grpc.aio.Server | None = None

    async def start(self, address: str = "") -> None:
        self._server = grpc.aio.server(
            options=[("grpc.max_receive_message_length", 64 * 2**20), ("grpc.so_reuseport", 0)]
        )
        register = grpc.unary_unary_rpc_method_handler(
            self._register,
            request_deserializer=ironflow_pb2.RegisterFunctionRequest.FromString,
            response_serializer=ironflow_pb2.RegisterFunctionResponse.SerializeToString,
        )
        connect = grpc.stream_stream_rpc_method_handler(
            self._connect,
            request_deserializer=worker_pb2.WorkerMessage.FromString,
            response_serializer=worker_pb2.EngineMessage.SerializeToString,
        )
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("ironflow.v1.IronflowService", {"RegisterFunction": register}),
                grpc.method_handlers_generic_handler("ironflow.v1.WorkerService", {"Connect": connect}),
            )
        )
        self.address = address or f"127.0.0.1:{free_port()}"  # one that stays free until the engine comes back
        self._server.add_insecure_port(self.address)
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def stream(self) -> Stream:
        """The next worker to connect."""
        return await asyncio.wait_for(self.streams.get(), WAIT_S)

    async def asked(self, times: int) -> None:
        """Returns when so many functions have been registered, or tried to be."""
        async with asyncio.timeout(WAIT_S), self._asked:
            await self._asked.wait_for(lambda: len(self.registered) >= times)

    async def _register(self, request: Any, context: Any) -> Any:
        self.registered.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        async with self._asked:
            self._asked.notify_all()
        if self.refusal is not None:
            code, message, metadata = self.refusal
            await context.abort(code, message, trailing_metadata=metadata)
        return ironflow_pb2.RegisterFunctionResponse(created=True)

    async def _connect(self, requests: AsyncIterator[Any], context: Any) -> None:
        first = await anext(requests)
        stream = Stream(first.register, dict(context.invocation_metadata()))
        registered = worker_pb2.WorkerRegistered(worker_id=first.register.worker_id, heartbeat_interval_ms=5_000)
        await context.write(worker_pb2.EngineMessage(registered=registered))
        self.streams.put_nowait(stream)

        async def listen() -> None:
            async for message in requests:
                await stream.heard(message)
            stream.end()

        listening = asyncio.create_task(listen())
        try:
            while (message := await stream.outbox.get()) is not None:
                waiting = [message]
                while not stream.outbox.empty() and (more := stream.outbox.get_nowait()) is not None:
                    waiting.append(more)
                await context.write(waiting[0] if len(waiting) == 1 else worker_pb2.EngineMessage(batch=waiting))
        finally:
            listening.cancel()
            stream.ended.set()


@asynccontextmanager
async def working(engine: Engine, *functions: Function, **options: Any) -> AsyncIterator[Stream]:
    """The stream of a worker that serves the functions for as long as the block lasts."""
    worker = Worker(list(functions), grpc_address=engine.address, server="http://127.0.0.1:9", **options)
    running = asyncio.create_task(worker.run())
    connecting = asyncio.create_task(engine.stream())
    await asyncio.wait({running, connecting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        connecting.cancel()
        await running
    try:
        yield await connecting
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=WAIT_S)
