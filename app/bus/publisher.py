"""Copies history outward, in order, to one JetStream stream. NATS itself remembers how far: the last message's id.

The message id is the position, and after any interruption the publisher asks the stream for its last message and goes
on behind it, so that a crash cannot publish twice and a wiped NATS is filled again. A batch is acknowledged by its
last message alone; if that does not come, or the count does not fit, the publisher asks again where it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
import structlog

from app.bus import subjects
from app.bus.frames import MESSAGE_ID, frame, omitted
from app.bus.place import Place, failures
from app.history.entry import Entry
from app.history.kinds import HistoryRedacted
from app.history.tail import Tail
from storage import history

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

log = structlog.get_logger(__name__)

STREAM = "IRONFLOW"
MAX_BYTES = 64 * 2**20
"""JetStream keeps every subject of a stream in memory, and each run and step has its own: 4 to 5 KiB a run of five
steps. Groups have queues of their own, so this is only how far back a plain NATS client can begin."""
MAX_AGE_S = 7 * 24 * 3_600
DUPLICATE_WINDOW_S = 10
"""Short, because ids kept cost memory: it only has to cover the retry of one batch."""
BATCH_MAX = 2_000
GATHER_S = 0.005
GATHER_EACH_S = 0.001
GATHER_S_MAX = 0.02
"""Between two writes: what is committed meanwhile goes out together, the longer the more there was to write, since each
write wakes NATS and each acknowledgement us. The first after a rest goes at once."""
ACK_TIMEOUT_S = 10.0
RETRY_S = (0.1, 5.0)
OMITTED_MAX = 100


def gather_s(count: int) -> float:
    """How long is gathered after a write of so many entries."""
    return min(max(GATHER_S, GATHER_EACH_S * count), GATHER_S_MAX)


class Omitted(NamedTuple):
    """An entry that was published without its data, which NATS would not take."""

    position: int
    kind: str
    size_bytes: int
    size_bytes_max: int


class Turn(Protocol):
    """Which of the nodes that share a NATS publishes to it."""

    @property
    def leads(self) -> bool: ...

    async def lead(self) -> None:
        """Wait for this node's turn."""
        ...


class Publisher:
    """`position` is the last that JetStream has; `trouble` says why it has no more, `omitted` which were the last that
    it was given without their data."""

    def __init__(self, tail: Tail, *, place: Place, turn: Turn | None = None) -> None:
        """Without `turn` it is always this node's."""
        self._turn = turn
        self._tail = tail
        self._place = place
        self.up = False
        self.position = 0
        self.published_total = 0
        self.trouble = "not connected yet"
        self._asked = False
        self.omitted: deque[Omitted] = deque(maxlen=OMITTED_MAX)
        self.omitted_total = 0

    @property
    def lag(self) -> int:
        """Entries that wait; unknown, and so none, before NATS was asked how far it is."""
        return max(0, self._tail.head - self.position) if self._asked else 0

    async def run(self) -> None:
        """Publish until cancelled; whatever happens to NATS is waited out."""
        delay_s, complained = RETRY_S[0], False
        while True:
            if self._turn is not None and not self._turn.leads:
                self.trouble = "another node publishes"
                await self._turn.lead()
            started = asyncio.get_running_loop().time()
            try:
                await self._publish()
            except Exception as error:
                if not isinstance(error, (_OutOfStep, *failures())):
                    raise
                self.trouble = str(error) or type(error).__name__
                if not complained:
                    log.warning("publishing to NATS interrupted, trying again", reason=self.trouble)
                complained = True
            finally:
                self.up = self._asked = False
            if asyncio.get_running_loop().time() - started > RETRY_S[1]:
                delay_s, complained = RETRY_S[0], False
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_S[1])

    async def _publish(self) -> None:
        client = await self._place.connect()
        try:
            stream = client.jetstream(timeout=ACK_TIMEOUT_S)
            await _ensure_stream(stream, self._place.copies)
            self.position, sequence = await _last(stream)
            await _purge(stream, await self._sent_last(), sequence - self.position)
            sender = await _Sender.open(client)
            self.up, self.trouble, self._asked = True, "", True
            async for batch in self._tail.follow(self.position, stands_back=True):
                for start in range(0, len(batch), BATCH_MAX):
                    part = batch[start : start + BATCH_MAX]
                    if self._turn is not None and not self._turn.leads:
                        return
                    self._note(part, client.max_payload)
                    acked = await sender.send(part)
                    if acked != sequence + len(part):
                        raise _OutOfStep(f"expected sequence {sequence + len(part)}, JetStream is at {acked}")
                    sequence = acked
                    self.position = part[-1].position
                    await _purge(stream, part, sequence - self.position)
                    self.published_total += len(part)
                await asyncio.sleep(gather_s(len(batch)))
        finally:
            await client.close()

    async def _sent_last(self) -> Sequence[Entry]:
        """What may have been sent by somebody who was interrupted before purging for it."""
        after = max(0, self.position - BATCH_MAX)
        records = await self._tail.read(lambda tx: history.after(tx, after, self.position - after))
        return [Entry(record) for record in records]

    def _note(self, part: Sequence[Entry], size_max: int) -> None:
        for entry in omitted(part, size_max):
            self.omitted_total += 1
            self.omitted.append(Omitted(entry.position, entry.kind, len(entry.data), size_max))


async def _purge(stream: JetStreamContext, sent: Sequence[Entry], ahead: int) -> None:
    """Erase the messages of what was redacted; the entry that says so follows them, and stays. One by one, because NATS
    overwrites in its files what is deleted so, and what is purged only when it compacts them. Every entry is one
    message, so that its sequence is `ahead` of its position by the same number for all."""
    for entry in sent:
        if entry.kind == HistoryRedacted.kind:
            assert isinstance(entry.fact, HistoryRedacted)
            for voucher in entry.fact.vouchers:
                await _erase(stream, voucher.position, voucher.position + ahead)


async def _erase(stream: JetStreamContext, position: int, sequence: int) -> None:
    """Erase the message of one entry, if it is still there."""
    from nats.js.errors import NotFoundError

    if sequence < 1:
        return
    try:
        message = await stream.get_msg(STREAM, sequence)
    except NotFoundError:
        return
    if (message.headers or {}).get(MESSAGE_ID) == str(position):
        await stream.delete_msg(STREAM, sequence)


class _OutOfStep(Exception):
    """JetStream holds something else than what was published."""


async def _ensure_stream(stream: JetStreamContext, copies: int) -> None:
    from nats.js.api import DiscardPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    config = StreamConfig(
        name=STREAM,
        subjects=list(subjects.OUTWARD),
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=MAX_BYTES,
        max_age=MAX_AGE_S,
        duplicate_window=DUPLICATE_WINDOW_S,
        allow_direct=True,
        num_replicas=copies,
    )
    try:
        await stream.stream_info(STREAM)
    except NotFoundError:
        await stream.add_stream(config)
    else:
        await stream.update_stream(config)


async def _last(stream: JetStreamContext) -> tuple[int, int]:
    """Position and sequence of the last message published. Every entry is one message, so that the sequence tells the
    position where all messages were removed: they grew too old, or were purged."""
    from nats.js.errors import NotFoundError

    info = await stream.stream_info(STREAM)
    try:
        message = await stream.get_last_msg(STREAM, subjects.ALL)
    except NotFoundError:
        return info.state.last_seq, info.state.last_seq
    told = (message.headers or {}).get(MESSAGE_ID, "")
    if not told.isdecimal():
        raise _OutOfStep(f"stream {STREAM} ends with a message on {message.subject} that is none of ours: delete it")
    return int(told), info.state.last_seq


class _Sender:
    """Writes batches to one connection, one at a time, and hears the acknowledgement of each one's last message.

    A batch is one write: nats-py's `publish` and `request` would cost as much as committing it did. The release is
    pinned, because the write is a private method."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._acknowledged: asyncio.Future[Msg] | None = None

    @classmethod
    async def open(cls, client: Client) -> _Sender:
        sender = cls(client)
        await client.subscribe(sender._inbox, cb=sender._hear)
        return sender

    async def send(self, entries: Sequence[Entry]) -> int:
        """Publish the entries; the sequence that JetStream gave the last. Raises OSError, TimeoutError, _OutOfStep."""
        if not self._client.is_connected:
            raise ConnectionError("NATS has closed the connection")
        *head, last = entries
        size_max = self._client.max_payload
        frames = [frame(entry, size_max) for entry in head]
        frames.append(frame(last, size_max, reply=self._inbox))
        self._acknowledged = asyncio.get_running_loop().create_future()
        await self._client._send_command(b"".join(frames))
        await self._client._flush_pending()
        async with asyncio.timeout(ACK_TIMEOUT_S):
            message = await self._acknowledged
        if not message.data:
            raise _OutOfStep("JetStream has no stream for it")
        told: dict[str, Any] = msgspec.json.decode(message.data)
        if "error" in told:
            raise _OutOfStep(str(told["error"]))
        return int(told["seq"])

    async def _hear(self, message: Msg) -> None:
        if self._acknowledged is not None and not self._acknowledged.done():
            self._acknowledged.set_result(message)
