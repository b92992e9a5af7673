"""PubSubService/Subscribe as messages: what is asked for, and what is delivered. gRPC and Connect both use it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from app.api.caller import Caller
from app.api.once import Once
from app.api.services import Services
from app.api.shapes.subscriptions import ATTEMPT
from app.api.subscribers import subscriber
from app.bus.members import Member
from app.errors import InvalidArgument, IronflowError, Unavailable
from app.events.deliveries import delivery
from app.events.subscriptions import Wanted
from app.history.entry import Entry
from app.history.interests import Ended
from app.history.live import Subscription
from app.history.subscriber import Transport
from app.rpc import convert, group_streams, groups
from ironflow.v1 import pubsub_pb2 as pb

IDLE_S = 30.0

_POLICIES = {
    pb.BACKPRESSURE_MODE_UNSPECIFIED: "buffer",
    pb.BACKPRESSURE_MODE_DROP: "drop",
    pb.BACKPRESSURE_MODE_BLOCK: "block",
    pb.BACKPRESSURE_MODE_BUFFER: "buffer",
}
_ACK_MODES = {pb.ACK_MODE_UNSPECIFIED: "", pb.ACK_MODE_AUTO: "auto", pb.ACK_MODE_MANUAL: "manual"}


def wanted_of(caller: Caller, request: pb.SubscribeRequest) -> Wanted:
    """Raises InvalidArgument."""
    options = request.options
    if options.backpressure not in _POLICIES:
        raise InvalidArgument(f"backpressure {options.backpressure} is unknown", field="backpressure")
    patterns = tuple(pattern for pattern in (request.pattern, *request.patterns) if pattern)
    for pattern in patterns:
        caller.about(f"event/{pattern}")
    return Wanted(
        caller.environment,
        patterns,
        filter=options.filter,
        after=options.start_after_sequence if options.HasField("start_after_sequence") else None,
        since=options.since,
        replay=options.replay,
        policy=_POLICIES[options.backpressure],
        namespace=options.namespace,
    )


async def member_of(
    services: Services, caller: Caller, request: pb.SubscribeRequest, *, transport: Transport
) -> tuple[Member, bool]:
    """The member that a subscription with a consumer group is, and whether what is sent to it is settled thereby.
    Raises GroupNotFound, InvalidArgument, PermissionDenied, Unavailable."""
    options = request.options
    if options.ack_mode not in _ACK_MODES:
        raise InvalidArgument(f"ack_mode {options.ack_mode} is unknown", field="ack_mode")
    name = groups.named(options.namespace, options.consumer_group)
    caller.also("groups:consume", f"group/{name}")
    wanted = wanted_of(caller, request)
    ack_mode = _ACK_MODES[options.ack_mode]
    return await group_streams.subscribed(services, caller, name, wanted, ack_mode, transport=transport)


async def subscribe(
    services: Services, caller: Caller, request: pb.SubscribeRequest, *, transport: Transport
) -> AsyncGenerator[pb.SubscriptionEvent, None]:
    """Events until the caller goes. Raises as Subscriptions.open does, and Unavailable or InvalidArgument when the
    subscription is over."""
    if request.options.consumer_group:
        member, auto = await member_of(services, caller, request, transport=transport)
        async with aclosing(group_streams.delivered(services, member, auto)) as delivered:
            async for event in delivered:
                yield event
        return
    by, sees = subscriber(services, caller, transport), services.door.sight(caller)
    subscription = await services.subscriptions.open(wanted_of(caller, request), sees, by=by)
    show = messages[request.options.include_metadata]
    async for entries in batches(subscription):
        for entry in entries:
            event = pb.SubscriptionEvent()
            event.CopyFrom(show(entry))
            event.subscription_id, event.dropped = by.id, subscription.dropped
            yield event


async def batches(subscription: Subscription) -> AsyncGenerator[list[Entry], None]:
    """What a subscription brings; closes it. Raises the error that it ends with."""
    try:
        while True:
            yield list(await subscription.batch(IDLE_S))
    except Ended as ended:
        raise over(ended) from None
    finally:
        subscription.close()


def over(ended: Ended) -> IronflowError:
    """The end of a subscription as an error."""
    if ended.retrying:
        return Unavailable(str(ended))
    return InvalidArgument(str(ended), field="filter")


def _message(entry: Entry, *, metadata: bool) -> pb.SubscriptionEvent:
    """An event without its subscription. Raises FailedPrecondition for data that protobuf cannot carry."""
    told = delivery(entry)
    message = pb.SubscriptionEvent(
        event_id=told.id, topic=told.topic, sequence=entry.position, delivery_attempt=ATTEMPT
    )
    convert.put(message, "data", told.data)
    if metadata:
        message.metadata.timestamp.FromMicroseconds(entry.recorded_at)
        message.metadata.source, message.metadata.namespace = told.source, "default"
        convert.put(message.metadata, "custom", told.metadata)
    return message


# By whether metadata are included.
messages: dict[bool, Callable[[Entry], pb.SubscriptionEvent]] = {
    False: Once(lambda entry: _message(entry, metadata=False)),
    True: Once(lambda entry: _message(entry, metadata=True)),
}
