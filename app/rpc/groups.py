"""PubSubService's methods for consumer groups, each once: Connect and gRPC both call these."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from app import jsonvalue
from app.api.caller import Caller
from app.api.services import Services
from app.bus.work import Settlement, Verdict
from app.errors import InvalidArgument
from app.events.group import ACK_MODES, BACKPRESSURES, NOW, Group
from app.history.kinds import GroupSettings
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import pubsub_pb2

GROUPS_DEFAULT = 100
GROUPS_MAX = 1_000
DELAY_MS_MAX = 24 * 3_600_000

_VERDICTS: dict[int, Verdict] = {
    pubsub_pb2.ACK_TYPE_ACK: "ack",
    pubsub_pb2.ACK_TYPE_NAK: "nak",
    pubsub_pb2.ACK_TYPE_TERM: "term",
}
_STATUS = {
    "active": pubsub_pb2.CONSUMER_GROUP_STATUS_ACTIVE,
    "paused": pubsub_pb2.CONSUMER_GROUP_STATUS_PAUSED,
    "deleted": pubsub_pb2.CONSUMER_GROUP_STATUS_DELETED,
}
_FIELDS = {
    "pattern": "pattern",
    "filter_expr": "filter",
    "ack_mode": "ack_mode",
    "backpressure": "backpressure",
    "max_inflight": "max_inflight",
    "max_redeliveries": "max_redeliveries",
    "redeliver_delay_ms": "redeliver_delay_ms",
    "ack_wait_ms": "ack_wait_ms",
    "metadata": "metadata",
}
"""Fields that can be updated, and what they are in GroupSettings; `status` is besides."""


async def create(
    services: Services, caller: Caller, request: pubsub_pb2.CreateConsumerGroupRequest
) -> pubsub_pb2.ConsumerGroup:
    # A 0 means the default here: the published message cannot say whether it is set.
    given = {own: value for field, own in _FIELDS.items() if (value := _value(request, field))}
    start = request.start_after_sequence if request.HasField("start_after_sequence") else NOW
    group = await services.groups.create(
        caller.environment,
        named(request.namespace, request.name),
        GroupSettings(**{"pattern": "", **given}),
        start=start,
        actor=caller.actor,
    )
    return shown(services, group)


async def get(
    services: Services, caller: Caller, request: pubsub_pb2.GetConsumerGroupRequest
) -> pubsub_pb2.ConsumerGroup:
    return shown(services, services.groups.get(caller.environment, named(request.namespace, request.name)))


async def list_groups(
    services: Services, caller: Caller, request: pubsub_pb2.ListConsumerGroupsRequest
) -> pubsub_pb2.ListConsumerGroupsResponse:
    limit = request.limit or GROUPS_DEFAULT
    if not 1 <= limit <= GROUPS_MAX:
        raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {GROUPS_MAX}")
    found = [
        group
        for group in services.groups.list(caller.environment)
        if request.status in (0, _STATUS[group.status]) and request.namespace in ("", _split(group.name)[0])
    ]
    page = [group for group in found if group.name > request.cursor]
    return pubsub_pb2.ListConsumerGroupsResponse(
        groups=[shown(services, group) for group in page[:limit]],
        next_cursor=page[limit - 1].name if len(page) > limit else "",
        total_count=len(found),
    )


async def update(
    services: Services, caller: Caller, request: pubsub_pb2.UpdateConsumerGroupRequest
) -> pubsub_pb2.ConsumerGroup:
    wanted = request.group
    paths = [_snake(path) for path in request.update_mask.paths]
    for path in paths:
        if path not in _FIELDS and path != "status":
            raise InvalidArgument(
                f"{path[:80]!r} cannot be updated", field="update_mask", hint=f"status, {', '.join(_FIELDS)}"
            )
    paths = paths or [field for field in _FIELDS if _value(wanted, field)]
    name = named(wanted.namespace, wanted.name)
    changes = {_FIELDS[path]: _value(wanted, path) for path in paths if path != "status"}
    group = services.groups.get(caller.environment, name)
    if changes:
        group = await services.groups.update(caller.environment, name, changes, actor=caller.actor)
    if "status" in paths:
        group = await _set_status(services, caller, name, wanted.status)
    return shown(services, group)


async def _set_status(services: Services, caller: Caller, name: str, status: int) -> Group:
    match status:
        case pubsub_pb2.CONSUMER_GROUP_STATUS_ACTIVE:
            return await services.groups.resume(caller.environment, name, actor=caller.actor)
        case pubsub_pb2.CONSUMER_GROUP_STATUS_PAUSED:
            return await services.groups.pause(caller.environment, name, actor=caller.actor)
        case _:
            raise InvalidArgument("a group can be made active or paused", field="status", hint="delete it to be rid")


async def delete(services: Services, caller: Caller, request: pubsub_pb2.DeleteConsumerGroupRequest) -> empty_pb2.Empty:
    await services.groups.delete(caller.environment, named(request.namespace, request.name), actor=caller.actor)
    return empty_pb2.Empty()


async def ack_event(
    services: Services, caller: Caller, request: pubsub_pb2.AckEventRequest
) -> pubsub_pb2.AckEventResponse:
    told = settlement(request)
    name = named(request.namespace, request.group_name)
    bus = services.bus.groups
    await bus.settle(bus.member(caller.environment, name, request.consumer_id), [told])
    return pubsub_pb2.AckEventResponse()


METHODS: dict[str, tuple[type[Message], Method]] = {
    "CreateConsumerGroup": (pubsub_pb2.CreateConsumerGroupRequest, create),
    "GetConsumerGroup": (pubsub_pb2.GetConsumerGroupRequest, get),
    "ListConsumerGroups": (pubsub_pb2.ListConsumerGroupsRequest, list_groups),
    "UpdateConsumerGroup": (pubsub_pb2.UpdateConsumerGroupRequest, update),
    "DeleteConsumerGroup": (pubsub_pb2.DeleteConsumerGroupRequest, delete),
    "AckEvent": (pubsub_pb2.AckEventRequest, ack_event),
}


def settlement(ack: Any) -> Settlement:
    """What a SubscriptionAck or an AckEventRequest says. Raises InvalidArgument."""
    if not ack.event_id:
        raise InvalidArgument("event_id is empty", field="event_id", hint="the id of the event that was delivered")
    verdict = _VERDICTS.get(ack.ack_type)
    if verdict is None:
        raise InvalidArgument("ack_type is not told", field="ack_type", hint="ack, nak or term")
    if not 0 <= ack.redeliver_delay_ms <= DELAY_MS_MAX:
        raise InvalidArgument(
            f"redeliver_delay_ms {ack.redeliver_delay_ms} is out of range",
            field="redeliver_delay_ms",
            hint=f"0 to {DELAY_MS_MAX}",
        )
    at_once = getattr(ack, "at_once", False)
    unseen = verdict == "nak" and getattr(ack, "unseen", False)
    delay_ms = 0 if at_once else ack.redeliver_delay_ms or -1
    return Settlement(ack.event_id, verdict, delay_ms, ack.reason, unseen=unseen)


def named(namespace: str, name: str) -> str:
    """A group's own name; that of a namespace begins with it, since names are unique within one only."""
    return name if namespace in ("", "default") else f"{namespace}~{name}"


def _split(name: str) -> tuple[str, str]:
    namespace, parted, rest = name.partition("~")
    return (namespace, rest) if parted else ("default", name)


def ack_mode(group: Group) -> pubsub_pb2.AckMode:
    return pubsub_pb2.ACK_MODE_AUTO if group.settings.ack_mode == "auto" else pubsub_pb2.ACK_MODE_MANUAL


def shown(services: Services, group: Group) -> pubsub_pb2.ConsumerGroup:
    settings = group.settings
    namespace, name = _split(group.name)
    message = pubsub_pb2.ConsumerGroup(
        id=f"{group.environment}/{group.name}",
        namespace=namespace,
        name=name,
        pattern=settings.pattern,
        filter_expr=settings.filter,
        ack_mode=ack_mode(group),
        backpressure=f"BACKPRESSURE_MODE_{settings.backpressure.upper()}",
        max_inflight=settings.max_inflight,
        max_redeliveries=settings.max_redeliveries,
        redeliver_delay_ms=settings.redeliver_delay_ms,
        ack_wait_ms=settings.ack_wait_ms,
        status=_STATUS[group.status],
        member_count=services.bus.groups.member_count(group),
        created_at=convert.timestamp(group.created_at),
        updated_at=convert.timestamp(group.updated_at),
    )
    message.metadata.update(msgspec.json.decode(settings.metadata))
    return message


def _value(message: Any, field: str) -> Any:
    """A field as GroupSettings has it; nothing for one that is not set."""
    match field:
        case "metadata":
            if not message.HasField("metadata"):
                return None
            return msgspec.Raw(jsonvalue.encode(convert.plain(message.metadata, field=field), field=field))
        case "ack_mode":
            return {pubsub_pb2.ACK_MODE_AUTO: "auto", pubsub_pb2.ACK_MODE_MANUAL: "manual"}.get(
                message.ack_mode, _unknown(message.ack_mode, field, ACK_MODES)
            )
        case "backpressure":
            known = {
                pubsub_pb2.BACKPRESSURE_MODE_BUFFER: "buffer",
                pubsub_pb2.BACKPRESSURE_MODE_BLOCK: "block",
                pubsub_pb2.BACKPRESSURE_MODE_DROP: "drop",
            }
            return known.get(message.backpressure, _unknown(message.backpressure, field, BACKPRESSURES))
        case _:
            return getattr(message, field)


def _unknown(value: int, field: str, known: Any) -> str:
    """What a number that names nothing stands for: nothing, or something that is refused."""
    return f"{field} {value}" if value > len(known) else ""


def _snake(path: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in path)
