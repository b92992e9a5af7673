"""Members of consumer groups: messages that are delivered until they are settled.

    async for message in client.consume("billing"):
        await charge(message.data)
        message.ack()

A connection that is lost is made again; what was in hand then comes once more, so a handler may see a message twice.
"""

from __future__ import annotations

import asyncio
import json
import queue
import random
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

from google.protobuf.json_format import MessageToDict

from ironflow import discovery
from ironflow.backoff import Backoff
from ironflow.durations import Duration, seconds
from ironflow.errors import IronflowError, ServerUnavailable, Timeout
from ironflow.place import ConnectionLost, Place, refusal
from ironflow.stream import _EOF
from ironflow.transport import grpc
from ironflow.v1 import pubsub_pb2, pubsub_pb2_grpc
from ironflow.worker import asked_place

CLOSE_TIMEOUT_S = 5.0


F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Message(Generic[F]):
    """What a member got. `attempt` counts its deliveries, `position` is where it is in history. Settle it once, with
    `ack`, `nak` or `term`: they return at once, with a future that says whether the server has it: one to be awaited
    from `AsyncClient`, one with a `result()` from `Client`."""

    id: str
    topic: str
    data: Any
    position: int
    attempt: int
    source: str
    created_at: datetime
    metadata: Mapping[str, Any]
    _settle: Any = field(repr=False, compare=False)

    def ack(self) -> F:
        """It is done with. The future is False where the connection was lost before that was confirmed: it may come
        again."""
        return self._told(pubsub_pb2.ACK_TYPE_ACK)

    def nak(self, *, delay: Duration | None = None, reason: str = "") -> F:
        """Deliver it again, after `delay`, or that of the group; too often, and it becomes a dead letter."""
        ms = None if delay is None else round(seconds(delay) * 1_000)
        return self._told(pubsub_pb2.ACK_TYPE_NAK, delay_ms=ms, reason=reason)

    def term(self, *, reason: str = "") -> F:
        """Never deliver it again: it becomes a dead letter."""
        return self._told(pubsub_pb2.ACK_TYPE_TERM, reason=reason)

    def _told(self, ack_type: int, *, delay_ms: int | None = None, reason: str = "") -> F:
        ack = pubsub_pb2.SubscriptionAck(
            event_id=self.id,
            ack_type=ack_type,  # type: ignore[arg-type]
            redeliver_delay_ms=delay_ms or 0,
            at_once=delay_ms == 0,
            reason=reason,
        )
        told: F = self._settle(ack)
        return told


class _Acks:
    """Acknowledgements on their way, and who waits for them; safe to be called from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: dict[int, Future[bool]] = {}
        self._lost = False

    def add(self, ack: pubsub_pb2.SubscriptionAck) -> Future[bool]:
        told: Future[bool] = Future()
        with self._lock:
            if self._lost:
                told.set_result(False)
                return told
            self._number += 1
            ack.ack_id = self._number
            self._waiting[self._number] = told
        return told

    def answered(self, results: pubsub_pb2.AckResults) -> None:
        for result in results.results:
            with self._lock:
                told = self._waiting.pop(result.ack_id, None)
            if told is None:
                continue
            if result.code == pubsub_pb2.ACK_RESULT_CODE_INVALID_ARGUMENT:
                told.set_exception(IronflowError(result.message, code="INVALID_ARGUMENT"))
            else:
                told.set_result(result.code == pubsub_pb2.ACK_RESULT_CODE_OK)

    def lose(self) -> None:
        with self._lock:
            self._lost = True
            waiting, self._waiting = self._waiting, {}
        for told in waiting.values():
            told.set_result(False)

    @property
    def open(self) -> list[Future[bool]]:
        with self._lock:
            return list(self._waiting.values())


class _Member:
    """What both forms share. `found` is the server."""

    def __init__(self, found: discovery.Server, group: str, *, window: int) -> None:
        self._found = found
        self._group = group
        self._window = window
        self._backoff = Backoff()
        self._acks = _Acks()

    def _join(self) -> pubsub_pb2.SubscribeBidirectionalRequest:
        join = pubsub_pb2.JoinConsumerGroupRequest(group_name=self._group, batched=True, window=self._window)
        return pubsub_pb2.SubscribeBidirectionalRequest(join=join)

    def _messages(self, response: pubsub_pb2.SubscribeBidirectionalResponse, settle: Any) -> list[Message[Any]]:
        match response.WhichOneof("payload"):
            case "joined":
                self._backoff.connected(time.monotonic())
            case "events":
                return [_message(event, settle) for event in response.events.events]
            case "event":
                return [_message(response.event, settle)]
            case "ack_results":
                self._acks.answered(response.ack_results)
        return []

    def _lost_s(self, error: grpc.RpcError | None) -> float:
        """How long to wait before joining again. Raises what joining again would not mend."""
        self._acks.lose()
        if error is not None and not isinstance(refused := refusal(error), ConnectionLost):
            raise refused
        return self._backoff.lost(time.monotonic()) * random.uniform(0.5, 1.0)


class AsyncConsumer(_Member):
    """Messages of a group, for ever: iterate over it. Close it, or leave its `async with`, to leave the group; what was
    acknowledged is then with the server."""

    def __init__(self, found: discovery.Server, group: str, *, window: int) -> None:
        super().__init__(found, group, window=window)
        self._iterator = self._iterate()

    def __aiter__(self) -> AsyncIterator[Message[asyncio.Future[bool]]]:
        return self._iterator

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._iterator.aclose()

    async def _iterate(self) -> AsyncGenerator[Message[asyncio.Future[bool]], None]:
        while True:
            try:
                place = await asyncio.to_thread(asked_place, self._found)
                async with aclosing(self._connected(place)) as messages:
                    async for message in messages:
                        yield message
                delay_s = self._lost_s(None)
            except grpc.aio.AioRpcError as error:
                delay_s = self._lost_s(error)
            except (ServerUnavailable, Timeout):
                delay_s = self._lost_s(None)
            await asyncio.sleep(delay_s)

    async def _connected(self, place: Place) -> AsyncGenerator[Message[asyncio.Future[bool]], None]:
        outgoing: asyncio.Queue[pubsub_pb2.SubscriptionAck] = asyncio.Queue()
        acks = self._acks = _Acks()

        def settle(ack: pubsub_pb2.SubscriptionAck) -> asyncio.Future[bool]:
            told = acks.add(ack)
            if not told.done():
                outgoing.put_nowait(ack)
            return asyncio.wrap_future(told)

        async with place.channel() as channel:
            call = pubsub_pb2_grpc.PubSubServiceStub(channel).SubscribeBidirectional(metadata=place.metadata())
            await call.write(self._join())
            incoming: asyncio.Queue[Message[Any] | BaseException | None] = asyncio.Queue()
            tasks = [
                asyncio.create_task(_write(call, outgoing)),
                asyncio.create_task(self._read(call, acks, settle, incoming)),
            ]
            try:
                while (found := await incoming.get()) is not None:
                    if isinstance(found, BaseException):
                        raise found
                    yield found
            finally:
                # Let the server have what was acknowledged, if it still listens, and what nobody looked at.
                while not incoming.empty():
                    if isinstance(found := incoming.get_nowait(), Message):
                        settle(_unseen(found))
                if acks.open:
                    await asyncio.wait([asyncio.wrap_future(told) for told in acks.open], timeout=CLOSE_TIMEOUT_S)
                for task in tasks:
                    task.cancel()
                call.cancel()
                acks.lose()

    async def _read(self, call: Any, acks: _Acks, settle: Any, incoming: asyncio.Queue[Any]) -> None:
        """Take what comes, also while nobody asks for a message: answers to acknowledgements are among it."""
        try:
            while (response := await call.read()) is not _EOF:
                for message in self._messages(response, settle):
                    incoming.put_nowait(message)
            incoming.put_nowait(None)
        except grpc.aio.AioRpcError as error:
            incoming.put_nowait(error)
        finally:
            acks.lose()


async def _write(call: Any, outgoing: asyncio.Queue[pubsub_pb2.SubscriptionAck]) -> None:
    """All that waits, as one message."""
    while True:
        acks = [await outgoing.get()]
        while not outgoing.empty():
            acks.append(outgoing.get_nowait())
        await call.write(pubsub_pb2.SubscribeBidirectionalRequest(acks=pubsub_pb2.SubscriptionAcks(acks=acks)))


class Consumer(_Member):
    """As `AsyncConsumer`, blocking: iterate over it in one thread; messages may be settled in any."""

    def __init__(self, found: discovery.Server, group: str, *, window: int) -> None:
        super().__init__(found, group, window=window)
        self._iterator = self._iterate()

    def __iter__(self) -> Iterator[Message[Future[bool]]]:
        return self._iterator

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._iterator.close()

    def _iterate(self) -> Generator[Message[Future[bool]], None, None]:
        while True:
            try:
                yield from self._connected(asked_place(self._found))
                delay_s = self._lost_s(None)
            except grpc.RpcError as error:
                delay_s = self._lost_s(error)
            except (ServerUnavailable, Timeout):
                delay_s = self._lost_s(None)
            time.sleep(delay_s)

    def _connected(self, place: Place) -> Generator[Message[Future[bool]], None, None]:
        outgoing: queue.SimpleQueue[pubsub_pb2.SubscriptionAck | None] = queue.SimpleQueue()
        acks = self._acks = _Acks()

        def settle(ack: pubsub_pb2.SubscriptionAck) -> Future[bool]:
            told = acks.add(ack)
            if not told.done():
                outgoing.put(ack)
            return told

        with place.blocking_channel() as channel:
            stub = pubsub_pb2_grpc.PubSubServiceStub(channel)
            call: Any = stub.SubscribeBidirectional(_requests(self._join(), outgoing), metadata=place.metadata())
            incoming: queue.SimpleQueue[Any] = queue.SimpleQueue()
            reading = threading.Thread(target=self._read, args=(call, acks, settle, incoming), daemon=True)
            reading.start()
            try:
                while (found := incoming.get()) is not None:
                    if isinstance(found, BaseException):
                        raise found
                    yield found
            finally:
                while not incoming.empty():
                    if isinstance(found := incoming.get(), Message):
                        settle(_unseen(found))
                outgoing.put(None)  # the server settles what it was told, and ends the stream
                reading.join(CLOSE_TIMEOUT_S)
                call.cancel()
                acks.lose()

    def _read(self, call: Any, acks: _Acks, settle: Any, incoming: queue.SimpleQueue[Any]) -> None:
        """Take what comes, also while nobody asks for a message: answers to acknowledgements are among it."""
        try:
            for response in call:
                for message in self._messages(response, settle):
                    incoming.put(message)
            incoming.put(None)
        except grpc.RpcError as error:
            incoming.put(error)
        finally:
            acks.lose()


def _unseen(message: Message[Any]) -> pubsub_pb2.SubscriptionAck:
    return pubsub_pb2.SubscriptionAck(event_id=message.id, ack_type=pubsub_pb2.ACK_TYPE_NAK, unseen=True)


def _requests(first: Any, outgoing: queue.SimpleQueue[pubsub_pb2.SubscriptionAck | None]) -> Iterator[Any]:
    yield first
    while True:
        acks = [outgoing.get()]
        while not outgoing.empty():
            acks.append(outgoing.get())
        told = [ack for ack in acks if ack is not None]
        if told:
            yield pubsub_pb2.SubscribeBidirectionalRequest(acks=pubsub_pb2.SubscriptionAcks(acks=told))
        if None in acks:
            return


def _message(event: pubsub_pb2.SubscriptionEvent, settle: Any) -> Message[Any]:
    metadata: Mapping[str, Any] = MessageToDict(event.metadata.custom) if event.metadata.HasField("custom") else {}
    return Message(
        id=event.event_id,
        topic=event.topic,
        data=json.loads(event.data_json) if event.data_json else None,
        position=event.sequence,
        attempt=event.delivery_attempt,
        source=event.metadata.source,
        created_at=event.metadata.timestamp.ToDatetime(tzinfo=UTC),
        metadata=metadata,
        _settle=settle,
    )
