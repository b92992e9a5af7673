"""Looking into a group's queue: what its members get next. Nothing is delivered, and no delivery counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.bus import queues
from app.bus.queues import Queue
from app.history.entry import Entry

if TYPE_CHECKING:
    from nats.js import JetStreamContext

PEEKED_DEFAULT = 10
PEEKED_MAX = 50


class Peeked(msgspec.Struct, frozen=True):
    """An entry of the queue. One that was `delivered` is with a member, or was settled out of order."""

    entry: Entry
    delivered: bool


class Seen(msgspec.Struct, frozen=True):
    """A message: which entry it brings."""

    position: int
    delivered: bool


class _Envelope(msgspec.Struct):
    position: int


_envelope = msgspec.json.Decoder(_Envelope)


async def seen(js: JetStreamContext, queue: Queue, limit: int) -> list[Seen]:
    """The first messages of the queue that are not settled, in order; none after a gap of messages that were. Raises
    what nats-py raises."""
    from nats.js.errors import NotFoundError

    info = await queues.progress(js, queue)
    assert info.ack_floor is not None
    assert info.delivered is not None
    delivered = info.delivered.stream_seq or 0
    first = max(info.ack_floor.stream_seq or 0, queue.first - 1) + 1
    found: list[Seen] = []
    for sequence in range(first, min(queue.sequence, first + limit - 1) + 1):
        try:
            message = await js.get_msg(queue.stream, seq=sequence)
        except NotFoundError:  # it was settled and taken away meanwhile
            continue
        found.append(Seen(_envelope.decode(message.data or b"{}").position, sequence <= delivered))
    return found
