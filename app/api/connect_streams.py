"""Connect's streaming calls (connectrpc.com/docs/protocol, "Streaming-Request").

`WorkerService/Connect` is the published streaming worker's: both ways at once, and so over HTTP/2 only (h2c with prior
knowledge, or TLS); so is `PubSubService/SubscribeBidirectional` of a group's member. `Subscribe`,
`JoinConsumerGroup` and those of `ProjectionService` are one request and a stream of answers, over any HTTP.

A call that has begun is always answered with 200; how it ended is said in the last frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError, Message
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from app.api import connect, envelopes, subject
from app.api.answers import JSON, encode, note
from app.api.arrival import Parts, arriving, closing
from app.api.browsers import Browsers
from app.api.caller import Caller
from app.api.proxies import address_of
from app.api.services import Services
from app.api.shapes.subscriptions import connect_event
from app.api.subscribers import subscriber
from app.api.taking import PacedStream, Pacing
from app.bus.members import Member
from app.errors import BodyCut, InvalidArgument, PermissionDenied, Unavailable
from app.history.interests import Ended
from app.rpc import group_streams, projection_streams, subscribe
from app.rpc.conversations import Conversations
from ironflow.v1 import projection_pb2, pubsub_pb2, worker_pb2

WORKER_PATH = "/ironflow.v1.WorkerService/Connect"
SUBSCRIBE_PATH = "/ironflow.v1.PubSubService/Subscribe"
MEMBER_PATH = "/ironflow.v1.PubSubService/SubscribeBidirectional"
JOIN_PATH = "/ironflow.v1.PubSubService/JoinConsumerGroup"
PROJECTED_PATH = "/ironflow.v1.ProjectionService/StreamProjectionEvents"
CATCH_UP_PATH = "/ironflow.v1.ProjectionService/WaitProjectionCatchupStream"
PATHS = (SUBSCRIBE_PATH, JOIN_PATH, PROJECTED_PATH, CATCH_UP_PATH)
"""Of those that are one request and a stream of answers."""
PROTO = "application/connect+proto"
CONNECT_JSON = "application/connect+json"
_BROWSERS = ("origin", "sec-fetch-site")
_BOTH_WAYS = (WORKER_PATH, MEMBER_PATH)

M = TypeVar("M", bound=Message)
V = TypeVar("V")

Call = Callable[[Caller, Scope, Any, PacedStream], Awaitable[None]]
Batches = Callable[[Services, Caller, M], AsyncGenerator[Sequence[Message], None]]


class ConnectStreams:
    def __init__(
        self, services: Services, conversations: Conversations, browsers: Browsers, *, receive_timeout_s: float
    ) -> None:
        self._receive_timeout_s = receive_timeout_s
        self._services = services
        self._conversations = conversations
        self._browsers = browsers
        self._calls: dict[str, Call] = {
            WORKER_PATH: self._converse,
            SUBSCRIBE_PATH: self._subscribe,
            MEMBER_PATH: self._member,
            JOIN_PATH: self._join,
            PROJECTED_PATH: partial(
                self._push, projection_pb2.StreamProjectionEventsRequest, projection_streams.events
            ),
            CATCH_UP_PATH: partial(
                self._push, projection_pb2.WaitProjectionCatchupRequest, projection_streams.catch_up
            ),
        }

    def takes(self, method: str, path: str) -> bool:
        return method == "POST" and path in self._calls

    async def answer(self, scope: Scope, protocol: Any, paced: Pacing) -> None:
        """Converse until either side ends the stream."""
        if (status_and_hint := _refused(scope)) is not None:
            status, hint = status_and_hint
            content = {"code": "unimplemented", "message": "this call cannot be answered as it came", "hint": hint}
            protocol.response_bytes(status, [("content-type", JSON), *closing(scope.http_version)], encode(content))
            return
        allowed, ending = self._allowed(scope)
        who, ending = (None, ending) if ending else self._admitted(scope)
        head = [("content-type", _type(scope)), ("connect-accept-encoding", "gzip"), *allowed]
        told = paced(protocol.response_stream(200, head if who else [*head, *closing(scope.http_version)]))
        if who is not None:
            # The answer ends when `told` is let go, so no error may be kept: its traceback would hold it.
            ending = await self._end_of(who, scope, protocol, told)
        if ending:
            with suppress(ProtocolClosed):
                await told.send_bytes(ending)

    def _admitted(self, scope: Scope) -> tuple[Caller | None, bytes]:
        """Who calls, or the last frame for one who may not."""
        call = scope.path.removeprefix("/ironflow.v1.")
        address = address_of(scope.client)
        try:
            return self._services.door.admit_call(_header(scope), call, subject.of_call(call), address=address), b""
        except Exception as refused:  # noqa: BLE001 - whatever it is, the caller is told
            return None, _last(refused, scope)

    async def _end_of(self, who: Caller, scope: Scope, protocol: Any, told: PacedStream) -> bytes:
        """The last frame, once the call is over; nothing for a caller who is gone."""
        try:
            with self._services.door.live.going(who.grant):
                await self._calls[scope.path](who, scope, protocol, told)
        except ProtocolClosed:
            return b""
        except Exception as failed:  # noqa: BLE001 - whatever it is, the caller is told
            return _last(failed, scope)
        return envelopes.ending()

    def _allowed(self, scope: Scope) -> tuple[list[tuple[str, str]], bytes]:
        """Headers for a page that may ask, or the last frame for one that may not."""
        try:
            if scope.path in _BOTH_WAYS and any(name in scope.headers for name in _BROWSERS):
                raise PermissionDenied("workers and members of groups are no web pages", field="Origin")
            origin = self._browsers.check(_header(scope), path=scope.path)
        except PermissionDenied as refused:
            return [], envelopes.ending(refused)
        return [("access-control-allow-origin", origin), ("vary", "Origin")] if origin else [], b""

    async def _converse(self, who: Caller, scope: Scope, protocol: Any, told: PacedStream) -> None:
        requests = _messages(worker_pb2.WorkerMessage, protocol, _encoding(scope))
        async with aclosing(self._conversations.converse(who.environment, requests)) as messages:
            async for message in messages:
                await told.send_bytes(envelopes.framed(message.SerializeToString()))

    async def _member(self, who: Caller, scope: Scope, protocol: Any, told: PacedStream) -> None:
        requests = _messages(pubsub_pb2.SubscribeBidirectionalRequest, protocol, _encoding(scope))
        async with aclosing(group_streams.converse(self._services, who, requests, transport="connect")) as messages:
            async for message in messages:
                await told.send_bytes(envelopes.framed(message.SerializeToString()))

    async def _join(self, who: Caller, scope: Scope, protocol: Any, told: PacedStream) -> None:
        json = _type(scope) == CONNECT_JSON
        request = await self._request(pubsub_pb2.JoinConsumerGroupRequest, protocol, scope, json=json)
        joined = await group_streams.joined(self._services, who, request, transport="connect")
        await self._deliver(protocol, told, *joined, json=json)

    async def _deliver(self, protocol: Any, told: PacedStream, member: Member, auto: bool, *, json: bool) -> None:
        """What a member gets, until it or the server goes."""
        gone = asyncio.ensure_future(protocol.client_disconnect())
        gone.add_done_callback(lambda _: member.end(Unavailable("the client has gone")))
        try:
            async with aclosing(group_streams.delivered(self._services, member, auto)) as events:
                async for event in events:
                    content = MessageToJson(event, indent=None).encode() if json else event.SerializeToString()
                    await told.send_bytes(envelopes.framed(content))
        finally:
            gone.cancel()

    async def _push(
        self, kind: type[M], batches_of: Batches[M], who: Caller, scope: Scope, protocol: Any, told: PacedStream
    ) -> None:
        """Batches of messages that answer one request, until they end or the caller is gone."""
        json = _type(scope) == CONNECT_JSON
        request = await self._request(kind, protocol, scope, json=json)
        who.about(subject.of_message(scope.path.removeprefix("/ironflow.v1."), request))
        gone = asyncio.ensure_future(protocol.client_disconnect())
        try:
            async with aclosing(batches_of(self._services, who, request)) as batches:
                while (batch := await _unless(gone, anext(batches, None))) is not None:
                    parts = [MessageToJson(one, indent=None).encode() if json else _raw(one) for one in batch]
                    if parts:
                        await told.send_bytes(b"".join(map(envelopes.framed, parts)))
        finally:
            gone.cancel()

    async def _subscribe(self, who: Caller, scope: Scope, protocol: Any, told: PacedStream) -> None:
        json = _type(scope) == CONNECT_JSON
        request = await self._request(pubsub_pb2.SubscribeRequest, protocol, scope, json=json)
        if request.options.consumer_group:
            member, auto = await subscribe.member_of(self._services, who, request, transport="connect")
            await self._deliver(protocol, told, member, auto, json=json)
            return
        by, sees = subscriber(self._services, who, "connect"), self._services.door.sight(who)
        subscription = await self._services.subscriptions.open(subscribe.wanted_of(who, request), sees, by=by)
        show = _shown(by.id, request, json=json)
        gone = asyncio.ensure_future(protocol.client_disconnect())
        gone.add_done_callback(lambda _: subscription.end(Ended("the client has gone")))
        try:
            async with aclosing(subscribe.batches(subscription)) as batches:
                async for entries in batches:
                    parts = [envelopes.framed(show(entry, subscription.dropped)) for entry in entries]
                    if parts:
                        await told.send_bytes(b"".join(parts))
        finally:
            gone.cancel()

    async def _request(self, kind: type[M], protocol: Any, scope: Scope, *, json: bool) -> M:
        """The one message of a request. Raises InvalidArgument, BodyTimeout, BodyCut."""
        parts = arriving(protocol, scope.headers, self._receive_timeout_s)
        sent: bytes | None = None
        async for raw in envelopes.messages(parts, encoding=_encoding(scope)):
            if sent is not None:
                raise InvalidArgument("the body has several messages", field="body", hint=f"send one {kind.__name__}")
            sent = raw
        if sent is None:
            raise InvalidArgument("the body has no message", field="body", hint=f"send one {kind.__name__}")
        return connect.parsed(kind, sent, json=json)


async def _unless(gone: asyncio.Future[Any], awaited: Awaitable[V]) -> V | None:
    """What is awaited; None if the caller has gone before, and then it is cancelled."""
    task = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))


def _last(failed: Exception, scope: Scope) -> bytes:
    """The last frame of a call that has failed."""
    note(failed, method=scope.path.rpartition(".")[2])
    return envelopes.ending(failed)


def _raw(message: Message) -> bytes:
    return message.SerializeToString()


def _refused(scope: Scope) -> tuple[int, str] | None:
    types = (PROTO,) if scope.path in _BOTH_WAYS else (PROTO, CONNECT_JSON)
    if _type(scope) not in types:
        return 415, f"send {' or '.join(types)}, or use gRPC"
    if scope.path in _BOTH_WAYS and scope.http_version not in ("2", "2.0"):
        return 505, "use HTTP/2: with prior knowledge where the address is http://"
    return None


def _type(scope: Scope) -> str:
    told: str = scope.headers.get("content-type") or ""
    return told.partition(";")[0].strip()


def _encoding(scope: Scope) -> str:
    return scope.headers.get("connect-content-encoding") or "identity"


def _header(scope: Scope) -> Callable[[str], str | None]:
    def header(name: str) -> str | None:
        found: str | None = scope.headers.get(name.lower())
        return scope.authority if found is None and name == "Host" else found

    return header


def _shown(id: str, request: pubsub_pb2.SubscribeRequest, *, json: bool) -> Callable[[Any, int], bytes]:
    """What makes an entry, and how many were dropped so far, a message of the subscription. Only what differs between
    subscriptions is made for each: protobuf merges what follows one another."""
    metadata = request.options.include_metadata
    if json:
        prefix = b'{"subscriptionId":"%s",' % id.encode()
        return lambda entry, dropped: (
            prefix + (b'"dropped":"%d",' % dropped if dropped else b"") + connect_event[metadata](entry)
        )
    message = subscribe.messages[metadata]
    return lambda entry, dropped: (
        pubsub_pb2.SubscriptionEvent(subscription_id=id, dropped=dropped).SerializeToString()
        + message(entry).SerializeToString()
    )


async def _messages(kind: type[M], protocol: Any, encoding: str) -> AsyncIterator[M]:
    async for raw in envelopes.messages(_parts(protocol), encoding=encoding):
        try:
            yield kind.FromString(raw)
        except DecodeError as error:
            raise InvalidArgument(f"a message is no {kind.__name__}: {error}", field="body") from None


async def _parts(protocol: Any) -> AsyncIterator[bytes]:
    """The body as it comes, until the caller has no more to say or is gone."""
    with suppress(BodyCut):
        async for part in Parts(protocol):
            yield part
