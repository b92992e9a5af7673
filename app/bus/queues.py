"""A group's queue: a JetStream stream of its own, with one durable consumer.

    stream    IRONFLOW_GROUP+<environment>+<group>+<generation>     what the group has still to settle, and the last
    consumer  group-<when the stream was made>                      acknowledgements, redelivery, who has what

The last message stays until there is a newer one: it tells how far the queue was fed. A stream that was wiped and made
again gets another consumer, so that an acknowledgement of something delivered before cannot hit what is new.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from app.bus import subjects
from app.events.group import Group

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerInfo

PREFIX = "IRONFLOW_GROUP"
ROOT = "ironflow-groups"
FED = "Ironflow-Fed"
"""Header: the position at which history gave the message to the group."""
EXPECTED = "Nats-Expected-Last-Sequence"
WAITING_MAX = 4_096

_UNSAFE = re.compile(r"[^A-Za-z0-9_~-]")


class Queue(msgspec.Struct, frozen=True):
    """`fed` is the position of the last message, 0 if there is none, `sequence` its number in the stream, `first` that
    of the oldest there is."""

    stream: str
    consumer: str
    subject: str
    fed: int
    sequence: int
    first: int
    bytes: int


def stream_name(group: Group) -> str:
    return f"{PREFIX}+{_safe(group.environment)}+{_safe(group.name)}+{group.generation}"


def subject(group: Group) -> str:
    return f"{ROOT}.{subjects.token(group.environment)}.{subjects.token(group.name)}.{group.generation}"


async def ensure(js: JetStreamContext, group: Group, copies: int) -> Queue:
    """The group's queue, made if it is not there, its consumer as the settings say."""
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    name = stream_name(group)
    try:
        info = await js.stream_info(name)
    except NotFoundError:
        config = StreamConfig(
            name=name,
            subjects=[subject(group)],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            duplicate_window=1,
            allow_direct=True,
            num_replicas=copies,
        )
        info = await js.add_stream(config)
    assert info.created is not None
    consumer = f"group-{int(info.created.timestamp() * 1_000_000):x}"
    settings = group.settings
    await js.add_consumer(
        name,
        ConsumerConfig(
            durable_name=consumer,
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=settings.ack_wait_ms / 1_000,
            max_deliver=-1,
            max_ack_pending=settings.max_inflight,
            max_waiting=WAITING_MAX,
        ),
    )
    fed = 0
    if info.state.messages:
        last = await js.get_msg(name, seq=info.state.last_seq)
        fed = int((last.headers or {})[FED])
    state = info.state
    return Queue(name, consumer, subject(group), fed, state.last_seq, state.first_seq, state.bytes)


async def fed_at(js: JetStreamContext, queue: Queue, sequence: int) -> int:
    """The position at which the message with that number was fed. Raises what nats-py raises if it is gone."""
    message = await js.get_msg(queue.stream, seq=sequence)
    return int((message.headers or {})[FED])


async def progress(js: JetStreamContext, queue: Queue) -> ConsumerInfo:
    """What the consumer knows."""
    info: ConsumerInfo = await js.consumer_info(queue.stream, queue.consumer)
    return info


async def delete(js: JetStreamContext, name: str) -> None:
    """Deleting what is not there is no error."""
    from nats.js.errors import NotFoundError

    try:
        await js.delete_stream(name)
    except NotFoundError:
        return


async def names(js: JetStreamContext) -> list[str]:
    """The streams of every group, of earlier generations too."""
    found: list[str] = []
    while page := await js.streams_info(offset=len(found)):
        found += [info.config.name or "" for info in page]
    return [name for name in found if name.startswith(f"{PREFIX}+")]


def of_name(name: str) -> tuple[str, str, int]:
    """Environment, group and generation of a stream."""
    _, environment, group, generation = name.split("+")
    return unquote(environment), unquote(group), int(generation)


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), text)
