"""WebSockets (RFC 6455): `/ws`, on which one connection carries many subscriptions, and those that watch values.

    client ► {"type":"subscribe","subscription":{"pattern":…,"options":{…}}}   {"type":"unsubscribe","subscriptionId":…}
             {"type":"ack",…}
    server ► {"type":"subscription_result",…}  {"type":"event",…}  {"type":"subscription_error",…}  {"type":"error",…}
             {"type":"heartbeat","subscriptionId":…,"sequence":…}: nothing came, and history was looked at up to there

Each subscription has its own buffer and resumes by `startAfterSequence`. A frame that cannot be read is answered with
an error, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.rsgi import Scope, WebsocketMessageType

from app.api import caller
from app.api.answers import encode, error_of, note
from app.api.browsers import Browsers
from app.api.connect_json import Number, whole
from app.api.services import Services
from app.api.shapes.subscriptions import socket_event
from app.errors import InvalidArgument, IronflowError, NotFound, ResourceExhausted, Unimplemented
from app.events.subscriptions import Wanted
from app.history.live import Ended, Subscription
from storage.contract import StorageError

log = structlog.get_logger(__name__)

PATH = "/ws"
HEARTBEAT_S = 30.0
MESSAGE_CHARS_MAX = 2**18
SUBSCRIPTIONS_MAX = 1_000


class Options(msgspec.Struct, rename="camel"):
    """What may be asked for beside the pattern. `since` is a time or a position to begin after."""

    replay: Number = None
    include_metadata: bool = False
    filter: str | None = None
    consumer_group: str | None = None
    ack_mode: Literal["auto", "manual"] | None = None
    backpressure: str | None = None
    namespace: str | None = None
    start_after_sequence: Number = None
    since: str | None = None


class Asked(msgspec.Struct):
    pattern: str
    options: Options | None = None


class Subscribe(msgspec.Struct, tag="subscribe"):
    subscription: Asked


class Unsubscribe(msgspec.Struct, tag="unsubscribe", rename="camel"):
    subscription_id: str


class Ack(msgspec.Struct, tag="ack", rename="camel"):
    """Of a consumer group's event. Events of plain subscriptions need none, and one that comes all the same is fine."""

    event_id: str
    ack_type: Literal["ack", "nak", "term"]
    redeliver_delay: Number = None


_decode = msgspec.json.Decoder(Subscribe | Unsubscribe | Ack).decode


class Sockets:
    def __init__(self, services: Services, browsers: Browsers) -> None:
        self._services = services
        self._browsers = browsers
        self._open: set[Any] = set()

    def stop(self) -> None:
        """Close every socket: the server stops. Subscriptions are to be ended before."""
        for protocol in self._open:
            protocol.close(None)  # without a code: published clients come back, which they do not after 1000

    async def answer(self, scope: Scope, protocol: Any) -> None:
        """Converse until either side ends it. What is refused is refused by the status of the handshake."""
        header = _header(scope)
        try:
            if scope.path != PATH:
                raise NotFound(f"there is no socket at {scope.path[:200]}")
            self._browsers.check(header, path=scope.path)
            who = caller.caller(header)
        except IronflowError as refused:
            protocol.close(refused.status)
            return
        transport = await protocol.accept()
        socket = _Socket(self._services, who.environment, transport)
        self._open.add(protocol)
        try:
            await socket.converse()
        except (ProtocolClosed, ProtocolError):
            pass  # the client is gone
        finally:
            self._open.discard(protocol)
            socket.close()
        protocol.close(None)


class _Socket:
    """One connection: reads what the client says, while each subscription has a task that sends."""

    def __init__(self, services: Services, environment: str, transport: Any) -> None:
        self._services = services
        self._environment = environment
        self._transport = transport
        self._open: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}

    async def converse(self) -> None:
        """Until the client is gone. Raises ProtocolClosed."""
        while True:
            message = await self._transport.receive()
            if message.kind == WebsocketMessageType.close:
                return
            try:
                await self._hear(message.data)
            except IronflowError as refused:
                await self._send({"type": "error", "code": refused.code, "message": told(refused)})

    def close(self) -> None:
        for subscription, sending in self._open.values():
            sending.cancel()
            subscription.close()
        self._open.clear()

    async def _hear(self, text: str | bytes) -> None:
        if len(text) > MESSAGE_CHARS_MAX:
            raise InvalidArgument(f"a frame has more than {MESSAGE_CHARS_MAX} characters", hint="send less at once")
        try:
            frame = _decode(text)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise InvalidArgument(f"the frame cannot be read: {error}", hint=_HINT) from None
        match frame:
            case Subscribe(asked):
                await self._subscribe(asked)
            case Unsubscribe(subscription_id):
                self._end(subscription_id)
            case Ack():
                whole(frame.redeliver_delay, "redeliverDelay")

    async def _subscribe(self, asked: Asked) -> None:
        options = asked.options or Options()
        try:
            if len(self._open) >= SUBSCRIPTIONS_MAX:
                raise ResourceExhausted("too many subscriptions on one socket", hint="open another")
            subscription = await self._services.subscriptions.open(_wanted(self._environment, asked.pattern, options))
        except (IronflowError, StorageError) as error:
            refused = error_of(error)
            note(error, method="subscribe")
            result = {"pattern": asked.pattern, "status": "error", "code": refused.code, "message": told(refused)}
            await self._send({"type": "subscription_result", "results": [result]})
            return
        id = self._services.subscriptions.new_id()
        # Nothing of the subscription is sent before its result.
        answered = asyncio.Event()
        sending = self._deliver(id, subscription, socket_event[options.include_metadata], answered)
        self._open[id] = subscription, asyncio.create_task(sending, name="socket-subscription")
        result = {"pattern": asked.pattern, "status": "ok", "subscriptionId": id}
        await self._send({"type": "subscription_result", "results": [result]})
        answered.set()

    def _end(self, id: str) -> None:
        if id not in self._open:
            raise NotFound(f"no subscription {id[:80]!r} on this socket", hint="its result had the id")
        subscription, sending = self._open.pop(id)
        sending.cancel()
        subscription.close()

    async def _deliver(
        self, id: str, subscription: Subscription, show: Callable[[Any], str], answered: asyncio.Event
    ) -> None:
        """Send what comes, until the subscription ends or the socket does."""
        send = self._transport.send_str
        prefix = f'{{"type":"event","subscriptionId":"{id}",'
        dropped = 0
        try:
            await answered.wait()
            while True:
                entries = await subscription.batch(HEARTBEAT_S)
                if not entries:
                    await self._send({"type": "heartbeat", "subscriptionId": id, "sequence": subscription.position})
                for entry in entries:
                    await send(prefix + show(entry))
                if subscription.dropped > dropped:
                    await self._tell_gap(id, subscription.dropped - dropped)
                    dropped = subscription.dropped
        except (ProtocolClosed, ProtocolError):
            return  # the reader finds out, and closes
        except Ended as ended:
            await self._tell_end(id, ended)
        except Exception as error:  # noqa: BLE001 - whatever it is, the subscriber is told
            note(error, method="subscribe")
            broken = error_of(error)
            await self._tell_end(id, Ended(broken.message, code=broken.code))
        finally:
            subscription.close()
            self._open.pop(id, None)

    async def _tell_gap(self, id: str, count: int) -> None:
        told = {"code": "EVENTS_DROPPED", "message": f"{count} events were dropped", "retrying": True, "dropped": count}
        await self._send({"type": "subscription_error", "subscriptionId": id, **told})

    async def _tell_end(self, id: str, ended: Ended) -> None:
        told = {"code": ended.code, "message": str(ended), "retrying": ended.retrying}
        try:
            await self._send({"type": "subscription_error", "subscriptionId": id, **told})
        except (ProtocolClosed, ProtocolError):
            return

    async def _send(self, content: Any) -> None:
        await self._transport.send_str(encode(content).decode())


_HINT = 'such as {"type":"subscribe","subscription":{"pattern":"order.>"}}'


def told(error: IronflowError) -> str:
    """Message and hint in one."""
    return f"{error.message}: {error.hint}" if error.hint else error.message


def _wanted(environment: str, pattern: str, options: Options) -> Wanted:
    """Raises InvalidArgument, Unimplemented."""
    if options.consumer_group:
        raise Unimplemented("consumer groups cannot be joined here", hint="leave consumerGroup out")
    after = None if options.start_after_sequence is None else whole(options.start_after_sequence, "startAfterSequence")
    return Wanted(
        environment,
        (pattern,),
        filter=options.filter or "",
        after=after,
        since=options.since or "",
        replay=whole(options.replay, "replay"),
        policy=options.backpressure or "buffer",
        namespace=options.namespace or "",
    )


def _header(scope: Scope) -> caller.Header:
    """What the handshake says. Browsers cannot set headers there, and say some of it in the query."""
    query = {name: values[-1] for name, values in parse_qs(scope.query_string).items()}
    told = {"x-ironflow-environment-id": query.get("env")}
    if "token" in query:
        told["authorization"] = f"Bearer {query['token']}"
    if scope.authority:
        told["host"] = scope.authority

    def header(name: str) -> str | None:
        found: str | None = scope.headers.get(name.lower())
        return told.get(name.lower()) if found is None else found

    return header
