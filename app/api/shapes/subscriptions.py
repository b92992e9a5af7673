"""What subscribers get, as server-sent events, over WebSockets and as JSON of Connect."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import clock
from app.api.answers import encode
from app.api.once import Once
from app.api.shapes.base import Backpressure, Cursor, Instant, NextCursor, Shape, Text
from app.events.deliveries import Delivery, delivery
from app.history.entry import Entry
from app.history.kinds.entity import entity_of
from app.history.subscriber import Transport

Status = Literal["live", "catching_up", "paused"]

ATTEMPT = 1
"""A subscription delivers once; what comes again comes because it was resumed."""


class SubscribeQuery(msgspec.Struct):
    pattern: Annotated[
        str,
        Meta(description="order.>, topic:orders.*, entity:order.42.>, system.run.*.failed …; may be repeated"),
    ]
    filter: Annotated[str, Meta(description="CEL over data, event, name, topic, timestamp, metadata")] = ""
    replay: Annotated[int, Meta(ge=0, le=10_000, description="begin with so many of the last events")] = 0
    since: Annotated[str, Meta(description="begin after a time (RFC 3339, or 15m before now) or position")] = ""
    after: (
        Annotated[int, Meta(ge=0, le=2**62, description="a position, else from now on; Last-Event-ID counts before it")]
        | None
    ) = None
    backpressure: Backpressure = "buffer"


class ListSubscriptionsQuery(msgspec.Struct):
    q: Annotated[str, Meta(description="a part of a pattern, a group, an id, who follows or from where")] = ""
    transport: Literal["", Transport] = ""
    status: Literal["", Status] = ""
    group: Annotated[str, Meta(description="only members of this consumer group")] = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Cursor = ""


class SubscriptionShape(Shape):
    """Somebody who follows, or takes from a consumer group. One that is `catching_up` is given what the store has, and
    not yet what happens; `buffered` waits for its connection to take it."""

    id: str
    actor: Annotated[str, Meta(description="a key or a user; empty if nobody was asked who they are")]
    address: str
    transport: Transport
    patterns: list[str]
    policy: Annotated[str, Meta(description="what happens when it is slow")]
    status: Status
    buffered: int
    dropped: Annotated[int, Meta(description="left out by its policy")]
    since: Instant
    filter: Text = UNSET
    group: Annotated[str, Meta(description="of which it is a member")] | UnsetType = UNSET
    inflight: Annotated[int, Meta(description="given to a member, and not settled")] | UnsetType = UNSET
    position: Annotated[int, Meta(description="up to which history was looked at for it")] | UnsetType = UNSET
    lag: Annotated[int, Meta(description="positions between that and the end of history")] | UnsetType = UNSET


class ListSubscriptionsResponse(Shape):
    """Those that are connected to the node that answers, the newest first. What guests of NATS follow by themselves,
    only NATS knows."""

    node: str
    subscriptions: list[SubscriptionShape]
    total: int
    next_cursor: NextCursor = UNSET


class DeliveredEvent(Shape):
    """One event of a subscription. `topic` is its channel, `name` what it is called there."""

    type: Literal["event"]
    id: str
    topic: str
    name: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    source: str
    version: int
    timestamp: Instant
    position: int
    entity_type: Text = UNSET
    entity_id: Text = UNSET
    entity_version: int | UnsetType = UNSET
    run_id: Annotated[str, Meta(description="the run that emitted it")] | UnsetType = UNSET
    emitted_by: Text = UNSET


class Gap(Shape):
    """So many events were dropped here, by the policy that was asked for."""

    type: Literal["gap"]
    dropped: int


class StreamError(Shape):
    """The stream ends. `retrying`: connect again, and resume at the last position."""

    type: Literal["error"]
    message: str
    code: str
    retrying: bool


def event_shown(entry: Entry) -> DeliveredEvent:
    record = entry.record
    id, topic, name, data, metadata, source, version, run_id = delivery(entry)
    entity = entity_of(record.stream)
    return DeliveredEvent(
        type="event",
        id=id,
        topic=topic,
        name=name,
        data=data,
        metadata=metadata,
        source=source,
        version=version,
        timestamp=clock.rfc3339(record.recorded_at),
        position=record.position,
        entity_type=entity[0] if entity else UNSET,
        entity_id=entity[1] if entity else UNSET,
        entity_version=record.version if entity else UNSET,
        run_id=run_id or UNSET,
        emitted_by=record.actor or UNSET,
    )


def socket_frame(told: Delivery, position: int, recorded_at: int, *, metadata: bool, attempt: int = 0) -> str:
    """What follows the subscription's id in a frame of `/ws`; `attempt` is told to members of groups."""
    meta: dict[str, Any] = {"timestamp": clock.rfc3339(recorded_at), "sequence": position}
    if metadata:
        meta |= {"source": told.source, "namespace": "default", "custom": told.metadata}
    content: dict[str, Any] = {"topic": told.topic, "data": told.data, "meta": meta, "eventId": told.id}
    if attempt:
        content["deliveryAttempt"] = attempt
    return encode(content).decode()[1:]


def _socket_event(entry: Entry, *, metadata: bool) -> str:
    return socket_frame(delivery(entry), entry.position, entry.recorded_at, metadata=metadata)


def _connect_event(entry: Entry, *, metadata: bool) -> bytes:
    """What follows the subscription's id in a SubscriptionEvent, as protobuf's JSON."""
    told = delivery(entry)
    content: dict[str, Any] = {
        "eventId": told.id,
        "topic": told.topic,
        "data" if bytes(told.data).lstrip()[:1] == b"{" else "dataValue": told.data,
        "sequence": str(entry.position),
        "deliveryAttempt": ATTEMPT,
    }
    if metadata:
        content["metadata"] = {
            "timestamp": clock.rfc3339(entry.recorded_at),
            "source": told.source,
            "namespace": "default",
            "custom": told.metadata,
        }
    return encode(content)[1:]


# By whether metadata are included.
socket_event = {
    False: Once(lambda entry: _socket_event(entry, metadata=False)),
    True: Once(lambda entry: _socket_event(entry, metadata=True)),
}
connect_event = {
    False: Once(lambda entry: _connect_event(entry, metadata=False)),
    True: Once(lambda entry: _connect_event(entry, metadata=True)),
}
