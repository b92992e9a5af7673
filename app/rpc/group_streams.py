"""PubSubService's streams of consumer groups, whatever carries them: gRPC, or Connect.

A member joins, gets events, and settles them, on the same stream or by AckEvent. When the stream ends, what it has in
its hands goes to the others. Acknowledgements are settled together, as many as came while the last were.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, suppress
from typing import Any, NamedTuple

from app.api.caller import Caller
from app.api.services import Services
from app.api.subscribers import subscriber
from app.bus.members import Delivery, Member, Sees
from app.bus.work import Settlement
from app.errors import FailedPrecondition, InvalidArgument, IronflowError, NotFound
from app.events import membership
from app.events.subscriptions import Wanted
from app.history.subscriber import Transport
from app.rpc import convert, groups
from ironflow.v1 import pubsub_pb2 as pb

HEARTBEAT_S = 15.0
ACKS_WAITING_MAX = 20_000

Request = pb.SubscribeBidirectionalRequest
Response = pb.SubscribeBidirectionalResponse


class _Out(NamedTuple):
    """A message, and what is acknowledged by its being sent."""

    message: Response
    acknowledged: Sequence[Delivery] = ()


async def join(
    services: Services, caller: Caller, request: pb.JoinConsumerGroupRequest, *, transport: Transport
) -> AsyncGenerator[pb.SubscriptionEvent, None]:
    """What a new member gets, until it leaves. Raises GroupNotFound, InvalidArgument, Unavailable."""
    async with aclosing(delivered(services, *await joined(services, caller, request, transport=transport))) as events:
        async for told in events:
            yield told


async def subscribed(
    services: Services, caller: Caller, name: str, wanted: Wanted, ack_mode: str = "", *, transport: Transport
) -> tuple[Member, bool]:
    """A new member, for a subscription that names its group, and whether what is sent to it is settled thereby: as the
    subscription says, else as the group does. Raises GroupNotFound, InvalidArgument, Unavailable."""
    await services.groups.learn(caller.environment, name)
    settings = services.groups.get(caller.environment, name).settings
    membership.check(wanted, settings, ack_mode)
    by = subscriber(services, caller, transport)
    member = services.bus.groups.join(caller.environment, name, sees=_sees(services, caller), by=by)
    return member, (ack_mode or settings.ack_mode) == "auto"


async def delivered(services: Services, member: Member, auto: bool) -> AsyncGenerator[pb.SubscriptionEvent, None]:
    """What the member gets, until it leaves. Raises what it is ended with."""
    try:
        while True:
            batch = await member.taken()
            for given in batch:
                yield event(member, given, as_json=False)
                if auto:
                    await acknowledge(services, member, [given])
    finally:
        services.bus.groups.leave(member)


async def converse(
    services: Services, caller: Caller, requests: AsyncIterator[Request], *, transport: Transport
) -> AsyncGenerator[Response, None]:
    """The answers to a member, until either side ends the stream. Raises as `join` does."""
    first = await anext(aiter(requests), None)
    if first is None or first.WhichOneof("payload") != "join":
        raise InvalidArgument("the first message must join a group", field="join", hint="send join with a group_name")
    member, auto = await joined(services, caller, first.join, transport=transport)
    group = services.groups.get(caller.environment, member.group)
    talk = _Talk(services, member, batched=first.join.batched, auto=auto)
    try:
        yield Response(
            joined=pb.ConsumerGroupJoined(
                subscription_id=member.id,
                group_name=first.join.group_name,
                pattern=group.settings.pattern,
                ack_mode=groups.ack_mode(group),
            )
        )
        async for message in talk.messages(requests):
            yield message
    finally:
        services.bus.groups.leave(member)


class _Talk:
    def __init__(self, services: Services, member: Member, *, batched: bool, auto: bool) -> None:
        self._services = services
        self._member = member
        self._batched = batched
        self._auto = auto
        self._out: asyncio.Queue[_Out | Exception | None] = asyncio.Queue(maxsize=64)
        self._acks: list[pb.SubscriptionAck] = []
        self._acked = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False

    async def messages(self, requests: AsyncIterator[Request]) -> AsyncGenerator[Response, None]:
        loops = [
            asyncio.create_task(self._told(loop), name="group-member")
            for loop in (self._deliver(), self._listen(requests), self._settle())
        ]
        try:
            while True:
                out = await self._next()
                if out is None:
                    return
                yield out.message
                if out.acknowledged:
                    await acknowledge(self._services, self._member, out.acknowledged)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _told(self, loop: Coroutine[Any, Any, None]) -> None:
        """What a loop raises ends the conversation."""
        try:
            await loop
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the messages are taken
            await self._out.put(error)

    async def _next(self) -> _Out | None:
        """What is to be sent next, a heartbeat if there is nothing; None at the end."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                out = await self._out.get()
        except TimeoutError:
            return _Out(Response(heartbeat=pb.StreamHeartbeat()))
        if isinstance(out, Exception):
            raise out
        return out

    async def _deliver(self) -> None:
        while True:
            batch = await self._member.taken()
            acknowledged = batch if self._auto else ()
            if self._batched:
                events = [event(self._member, given, as_json=True) for given in batch]
                await self._out.put(_Out(Response(events=pb.SubscriptionEvents(events=events)), acknowledged))
                continue
            for given in batch:
                told = event(self._member, given, as_json=False)
                await self._out.put(_Out(Response(event=told), [given] if self._auto else ()))

    async def _listen(self, requests: AsyncIterator[Request]) -> None:
        """Returns when the member has no more to say."""
        async for request in requests:
            match request.WhichOneof("payload"):
                case "ack":
                    self._acks.append(request.ack)
                case "acks":
                    self._acks += request.acks.acks
                case _:
                    raise InvalidArgument("a message is no acknowledgement", field="payload", hint="send ack, or acks")
            self._acked.set()
            if len(self._acks) > ACKS_WAITING_MAX:
                self._emptied.clear()
                await self._emptied.wait()
        self._ended = True
        self._acked.set()

    async def _settle(self) -> None:
        while True:
            await self._acked.wait()
            self._acked.clear()
            acks, self._acks = self._acks, []
            self._emptied.set()
            if acks:
                results = await self._results(acks)
                if self._batched:
                    await self._out.put(_Out(Response(ack_results=pb.AckResults(results=results))))
                else:
                    for result in results:
                        await self._out.put(_Out(Response(ack_result=result)))
            if self._ended and not self._acks:
                await self._out.put(None)
                return

    async def _results(self, acks: Sequence[pb.SubscriptionAck]) -> list[pb.AckResult]:
        told: list[Settlement] = []
        results = [pb.AckResult(ack_id=ack.ack_id, event_id=ack.event_id) for ack in acks]
        valid: list[pb.AckResult] = []
        for ack, result in zip(acks, results, strict=True):
            try:
                told.append(groups.settlement(ack))
                valid.append(result)
            except InvalidArgument as error:
                result.code, result.message = pb.ACK_RESULT_CODE_INVALID_ARGUMENT, str(error)
        code, message = pb.ACK_RESULT_CODE_OK, ""
        try:
            await self._services.bus.groups.settle(self._member, told)
        except NotFound as error:
            code, message = pb.ACK_RESULT_CODE_NOT_FOUND, str(error)
        except IronflowError as error:
            code, message = pb.ACK_RESULT_CODE_INTERNAL, str(error)
        for result in valid:
            result.code, result.message = code, message
        return results


def event(member: Member, given: Delivery, *, as_json: bool) -> pb.SubscriptionEvent:
    """A delivery as it is told. Data that protobuf cannot carry are told as JSON in any case."""
    told = given.told
    message = pb.SubscriptionEvent(
        subscription_id=member.id,
        event_id=told.id,
        topic=told.topic,
        sequence=given.position,
        delivery_attempt=given.attempt,
        metadata=pb.EventMetadata(
            timestamp=convert.timestamp(given.recorded_at), source=told.source, namespace="default"
        ),
    )
    if as_json:
        message.data_json = bytes(told.data)
    else:
        try:
            convert.put(message, "data", told.data)
        except IronflowError:
            message.data_json = bytes(told.data)
    with suppress(FailedPrecondition):  # nested too deep for protobuf
        convert.put(message.metadata, "custom", told.metadata)
    return message


async def joined(
    services: Services, caller: Caller, request: pb.JoinConsumerGroupRequest, *, transport: Transport
) -> tuple[Member, bool]:
    """A new member, and whether what is sent to it is settled thereby. Raises GroupNotFound, InvalidArgument,
    PermissionDenied, Unavailable."""
    name = groups.named(request.namespace, request.group_name)
    caller.about(f"group/{name}")
    await services.groups.learn(caller.environment, name)
    member = services.bus.groups.join(
        caller.environment,
        name,
        label=request.consumer_id or request.client_id,
        window=request.window,
        sees=_sees(services, caller),
        by=subscriber(services, caller, transport),
    )
    return member, services.groups.get(caller.environment, name).settings.ack_mode == "auto"


def _sees(services: Services, caller: Caller) -> Sees | None:
    sight = services.door.sight(caller)
    return sight.check if sight is not None else None


async def acknowledge(services: Services, member: Member, sent: Sequence[Delivery]) -> None:
    """Settle what was sent. Of what could not be acknowledged now, another delivery will be."""
    settlements = [Settlement(given.event_id, "ack") for given in sent]
    with suppress(IronflowError):
        await services.bus.groups.settle(member, settlements)
