"""`/ws`: one connection carries many subscriptions, and members of consumer groups.

    client ► {"type":"subscribe","subscription":{"pattern":…,"options":{…}}}   {"type":"unsubscribe","subscriptionId":…}
             {"type":"ack","eventId":…,"ackType":"ack"|"nak"|"term","redeliverDelay":…}
    server ► {"type":"subscription_result",…}  {"type":"event",…}  {"type":"subscription_error",…}  {"type":"error",…}
             {"type":"heartbeat","subscriptionId":…,"sequence":…}: nothing came, and history was looked at up to there

Each subscription has its own buffer and resumes by `startAfterSequence`; one with a `consumerGroup` is a member of it
(socket_members.py). A frame that cannot be read is answered with an error, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.rsgi import WebsocketMessageType

from app.api.answers import error_of, in_one, note
from app.api.caller import Caller
from app.api.connect_json import whole
from app.api.services import Services
from app.api.shapes import socket_frames
from app.api.shapes.socket_frames import Ack, Asked, Options, Subscribe, Unsubscribe
from app.api.shapes.subscriptions import socket_event
from app.api.socket_members import Members, Membership
from app.api.socket_sending import send_all, sender
from app.api.subscribers import subscriber
from app.errors import InvalidArgument, IronflowError, NotFound, ResourceExhausted, Unavailable
from app.events.subscriptions import Wanted
from app.history.interests import Ended
from app.history.live import Subscription
from app.rpc import groups
from storage.contract import StorageError

HEARTBEAT_S = 30.0
MESSAGE_CHARS_MAX = 2**18
SUBSCRIPTIONS_MAX = 1_000


class Open(NamedTuple):
    """A subscription, or a member of a group, and the task that sends what it gets."""

    source: Subscription | Membership
    sending: asyncio.Task[None]


class SubscriptionSocket:
    """One connection: reads what the client says, while each subscription has a task that sends."""

    def __init__(self, services: Services, who: Caller, transport: Any) -> None:
        self._services = services
        self._who = who
        self._transport = transport
        self._send = sender(transport)
        self._members = Members(services, who, self._send)
        self._open: dict[str, Open] = {}

    def sending(self) -> list[asyncio.Task[None]]:
        """What sends for each subscription; it ends with it, once the client is told why."""
        return [one.sending for one in self._open.values()]

    async def converse(self) -> None:
        """Until the client is gone. Raises ProtocolClosed."""
        settling = asyncio.create_task(self._until_gone(self._members.settle()), name="socket-settling")
        try:
            while True:
                message = await self._transport.receive()
                if message.kind == WebsocketMessageType.close:
                    return
                try:
                    await self._hear(message.data)
                except IronflowError as refused:
                    await self._send({"type": "error", "code": refused.code, "message": in_one(refused)})
        finally:
            settling.cancel()
            for one in self._open.values():
                one.sending.cancel()
                one.source.close()
            self._open.clear()

    async def _hear(self, text: str | bytes) -> None:
        if len(text) > MESSAGE_CHARS_MAX:
            raise InvalidArgument(f"a frame has more than {MESSAGE_CHARS_MAX} characters", hint="send less at once")
        try:
            frame = socket_frames.decode(text)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise InvalidArgument(f"the frame cannot be read: {error}", hint=_HINT) from None
        match frame:
            case Subscribe(asked):
                await self._subscribe(asked)
            case Unsubscribe(subscription_id):
                self._end(subscription_id)
            case Ack():
                await self._members.hear(frame)

    async def _subscribe(self, asked: Asked) -> None:
        options = asked.options or Options()
        answered = asyncio.Event()  # nothing of the subscription is sent before its result
        try:
            if len(self._open) >= SUBSCRIPTIONS_MAX:
                raise ResourceExhausted("too many subscriptions on one socket", hint="open another")
            id = await self._opened(asked.pattern, options, answered)
        except (IronflowError, StorageError) as error:
            refused = error_of(error)
            note(error, method="subscribe")
            result = {"pattern": asked.pattern, "status": "error", "code": refused.code, "message": in_one(refused)}
        else:
            result = {"pattern": asked.pattern, "status": "ok", "subscriptionId": id}
        await self._send({"type": "subscription_result", "results": [result]})
        answered.set()

    async def _opened(self, pattern: str, options: Options, answered: asyncio.Event) -> str:
        """The id of a new subscription. Raises what it is refused with."""
        self._who.about(f"event/{pattern}")
        wanted = _wanted(self._who.environment, pattern, options)
        source: Subscription | Membership
        if options.consumer_group:
            group = groups.named(options.namespace or "", options.consumer_group)
            self._who.also("groups:consume", f"group/{group}")
            source = await self._members.join(
                group, wanted, ack_mode=options.ack_mode or "", metadata=options.include_metadata
            )
            id, sending = source.id, self._deliver_to_member(source)
        else:
            by, sees = subscriber(self._services, self._who, "websocket"), self._services.door.sight(self._who)
            source = await self._services.subscriptions.open(wanted, sees, by=by)
            id = by.id
            sending = self._deliver(id, source, socket_event[options.include_metadata])
        work = self._sent(id, source, sending, answered)
        self._open[id] = Open(source, asyncio.create_task(work, name="socket-subscription"))
        return id

    def _end(self, id: str) -> None:
        if id not in self._open:
            raise NotFound(f"no subscription {id[:80]!r} on this socket", hint="its result had the id")
        one = self._open.pop(id)
        self._members.forget(id)
        one.sending.cancel()
        one.source.close()

    async def _sent(
        self, id: str, source: Subscription | Membership, sending: Coroutine[Any, Any, None], answered: asyncio.Event
    ) -> None:
        """Send what comes, until the subscription ends or the socket does."""
        try:
            await answered.wait()
            await self._until_gone(sending)
        except Ended as ended:
            await self._tell_end(id, ended)
        except Unavailable as error:
            await self._tell_end(id, Ended(in_one(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the subscriber is told
            note(error, method="subscribe")
            broken = error_of(error)
            await self._tell_end(id, Ended(broken.message, code=broken.code, retrying=not isinstance(error, NotFound)))
        finally:
            sending.close()
            source.close()
            self._open.pop(id, None)
            self._members.forget(id)

    async def _deliver(self, id: str, subscription: Subscription, show: Callable[[Any], str]) -> None:
        send = self._transport.send_str
        prefix = f'{{"type":"event","subscriptionId":"{id}",'
        dropped = 0
        while True:
            entries = await subscription.batch(HEARTBEAT_S)
            if not entries:
                await self._send({"type": "heartbeat", "subscriptionId": id, "sequence": subscription.position})
            await send_all(send, (prefix + show(entry) for entry in entries))
            if subscription.dropped > dropped:
                await self._tell_gap(id, subscription.dropped - dropped)
                dropped = subscription.dropped

    async def _deliver_to_member(self, membership: Membership) -> None:
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    batch = await membership.member.taken()
            except TimeoutError:
                await self._send({"type": "heartbeat", "subscriptionId": membership.id})
            else:
                await membership.deliver(batch, self._transport.send_str)

    async def _tell_gap(self, id: str, count: int) -> None:
        told = {"code": "EVENTS_DROPPED", "message": f"{count} events were dropped", "retrying": True, "dropped": count}
        await self._send({"type": "subscription_error", "subscriptionId": id, **told})

    async def _tell_end(self, id: str, ended: Ended) -> None:
        told = {"code": ended.code, "message": str(ended), "retrying": ended.retrying}
        await self._until_gone(self._send({"type": "subscription_error", "subscriptionId": id, **told}))

    async def _until_gone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, or leave it where the socket is closed: the reader finds out."""
        with suppress(ProtocolClosed, ProtocolError):
            await work


_HINT = 'such as {"type":"subscribe","subscription":{"pattern":"order.>"}}'


def _wanted(environment: str, pattern: str, options: Options) -> Wanted:
    """Raises InvalidArgument."""
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
