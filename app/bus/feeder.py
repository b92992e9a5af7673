"""Feeds one group's queue from history, and saves how far the group has come.

What message number n of a generation is, follows from history alone: entries in order, chosen by the settings that held
at their position, and dead letters where they were requeued. Each message is published with the number that it must
get, so that several nodes may feed the same queue, and none can leave a gap, or publish twice.

A queue holds no more than a window of unsettled messages; what is beyond waits in history. The group's position, up to
which everything is settled, goes to the store every second while it moves: from there a wiped queue is filled again,
and so is one that is ahead of history, where a backup was restored and NATS kept what it had.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app.bus import queues
from app.bus.frames import envelope
from app.bus.queues import Queue
from app.cancelling import end
from app.events.group import Group, GroupNoun, stream
from app.events.groups import saved_position
from app.events.selection import Selection, selection
from app.history.entry import Entry
from app.history.fold import Fold
from app.history.kinds import GroupRequeued
from app.history.kinds.group import DEFINING, FACTS
from app.history.tail import Tail
from storage import groups as rows
from storage import history
from storage.contract import Storage

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

WINDOW_MESSAGES = 20_000
WINDOW_BYTES = 32 * 2**20
BATCH_MAX = 500
BATCH_BYTES_MAX = 4 * 2**20
ACK_TIMEOUT_S = 10.0
CHECKPOINT_S = 1.0
CHECK_AGAIN_S = 5.0
PURGE_MESSAGES = 2_000
ROOM_S = (0.02, 1.0)

_DEFINING = frozenset(fact.kind for fact in DEFINING)
_OWN = frozenset(fact.kind for fact in FACTS)


class OutOfStep(Exception):
    """The queue holds something else than what was fed: somebody else feeds it too, or it was wiped."""


class Feeder:
    """`position` is how far history was looked at, `settled` up to where all of it is settled."""

    def __init__(self, group: Group, *, storage: Storage, tail: Tail, fold: Fold, copies: int) -> None:
        self._group = group
        self._copies = copies
        self._storage = storage
        self._tail = tail
        self._fold = fold
        self._saved = 0
        self._sequence = 0
        self._acked = 0
        self._first = 0
        self._unsettled: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._moved = asyncio.Event()
        self.position = 0
        self.settled = 0
        self.fed_total = 0

    def touch(self) -> None:
        """Something was settled here."""
        self._moved.set()

    async def run(self, client: Client) -> None:
        """Feed until the generation is over. Raises OutOfStep, and what nats-py raises."""
        js = client.jetstream(timeout=ACK_TIMEOUT_S)
        queue = await queues.ensure(js, self._group, self._copies)
        if queue.fed > await self._tail.read(lambda tx: history.head(tx)[0]):
            await queues.delete(js, queue.stream)
            raise OutOfStep("the queue was fed from a history that went further: a backup was restored, and it is not")
        self._saved = await self._tail.read(lambda tx: saved_position(tx, self._group))
        self.settled = max(self.settled, self._saved)
        self.position = max(queue.fed, self._saved)
        self._sequence, self._first, self._acked = queue.sequence, queue.first, queue.first - 1
        self._unsettled = deque([(queue.sequence, queue.bytes)])
        self._bytes = queue.bytes
        self._moved.set()
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self._keep_position(js, queue))
            try:
                await self._feed(client, js, queue)
            finally:
                await end(keeping)

    # What is fed.

    async def _feed(self, client: Client, js: JetStreamContext, queue: Queue) -> None:
        until = max(self.position, self._group.anchor)
        where = stream(self._group.name)
        group: Group | None = await self._tail.read(
            lambda tx: self._fold.load(tx, self._group.environment, where, until=until).state
        )
        while group is not None and group.exists and group.generation == self._group.generation:
            group = await self._feed_until_change(client, js, queue, group)

    async def _feed_until_change(
        self, client: Client, js: JetStreamContext, queue: Queue, group: Group
    ) -> Group | None:
        """The group as it is after its next change."""
        chosen = selection(group.settings.pattern, group.settings.filter)
        kinds = None if chosen.kinds is None else chosen.kinds | _OWN
        async for batch in self._tail.follow(self.position, kinds=kinds):
            wanted: list[tuple[Entry, int]] = []
            for entry in batch:
                if self._changes(entry):
                    await self._publish(client, js, queue, wanted)
                    self.position = entry.position
                    return GroupNoun().apply(group, entry)
                fed = await self._chosen(entry, chosen)
                if fed is not None:
                    wanted.append((fed, entry.position))
            await self._publish(client, js, queue, wanted)
            self.position = batch[-1].position
            if wanted:
                self._moved.set()
        raise AssertionError("the tail never ends")

    def _changes(self, entry: Entry) -> bool:
        """Whether the entry is a change of this group, within its generation."""
        return entry.kind in _DEFINING and self._is_own(entry) and entry.position > self._group.anchor

    async def _chosen(self, entry: Entry, chosen: Selection) -> Entry | None:
        """What the group gets because of this entry. It gets nothing of what happens to itself."""
        if entry.environment != self._group.environment:
            return None
        if entry.kind in _OWN and self._is_own(entry):
            fact = entry.fact
            if not isinstance(fact, GroupRequeued) or entry.position < self._group.born:
                return None
            at = fact.entry
            record = await self._tail.read(lambda tx: history.at(tx, at))
            return Entry(record) if record is not None else None
        return entry if chosen.takes(entry) else None

    def _is_own(self, entry: Entry) -> bool:
        if entry.environment != self._group.environment:
            return False
        return entry.stream.split("/")[1] == self._group.name

    # How it is published.

    async def _publish(
        self, client: Client, js: JetStreamContext, queue: Queue, wanted: Sequence[tuple[Entry, int]]
    ) -> None:
        start = 0
        while start < len(wanted):
            await self._room(js, queue)
            part: list[tuple[int, bytes]] = []
            size = 0
            while start < len(wanted) and len(part) < BATCH_MAX and size < BATCH_BYTES_MAX:
                entry, fed = wanted[start]
                part.append((fed, envelope(entry, client.max_payload)))
                size += len(part[-1][1])
                start += 1
            await self._send(client, queue, part)
            self._unsettled.append((self._sequence, size))
            self._bytes += size

    async def _send(self, client: Client, queue: Queue, part: Sequence[tuple[int, bytes]]) -> None:
        """Publish with one write; only the last message is answered, and is refused if one before it was."""
        *head, (fed, payload) = part
        if head:
            told = queue.subject.encode()
            frames = [_frame(told, at, self._sequence + number, data) for number, (at, data) in enumerate(head)]
            await client._send_command(b"".join(frames))  # see publisher.py
        answer = await client.request(
            queue.subject,
            payload,
            timeout=ACK_TIMEOUT_S,
            headers={queues.FED: str(fed), queues.EXPECTED: str(self._sequence + len(head))},
        )
        content: dict[str, Any] = msgspec.json.decode(answer.data)
        if "error" in content or int(content["seq"]) != self._sequence + len(part):
            raise OutOfStep(str(content.get("error", content)))
        self._sequence += len(part)
        self.fed_total += len(part)

    async def _room(self, js: JetStreamContext, queue: Queue) -> None:
        """Wait until the window has room."""
        delay_s = ROOM_S[0]
        while self._sequence - self._acked > WINDOW_MESSAGES or self._bytes > WINDOW_BYTES:
            acked = self._acked
            await self._learn(js, queue)
            if self._acked == acked:
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, ROOM_S[1])

    async def _learn(self, js: JetStreamContext, queue: Queue) -> int:
        """Ask the consumer how far it is; how many messages are not settled."""
        info = await queues.progress(js, queue)
        assert info.ack_floor is not None
        self._acked = max(self._acked, info.ack_floor.stream_seq or 0)
        while self._unsettled and self._unsettled[0][0] <= self._acked:
            self._bytes -= self._unsettled.popleft()[1]
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    # How far the group has come.

    async def _keep_position(self, js: JetStreamContext, queue: Queue) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._moved.wait()
            self._moved.clear()
            await asyncio.sleep(CHECKPOINT_S)
            if await self._checkpoint(js, queue):
                loop.call_later(CHECK_AGAIN_S, self._moved.set)

    async def _checkpoint(self, js: JetStreamContext, queue: Queue) -> int:
        """Save the position; how many messages are not settled."""
        position, sequence = self.position, self._sequence
        pending = await self._learn(js, queue)
        if self._acked < sequence:
            position = await queues.fed_at(js, queue, self._acked + 1) - 1
        group = self._group
        if position > self._saved:
            await self._storage.write(
                lambda tx: rows.save_position(
                    tx, group.environment, group.name, generation=group.generation, position=position
                )
            )
            self._saved = position
            self.settled = position
        keep = min(self._acked + 1, self._sequence)
        if keep - self._first > PURGE_MESSAGES:
            await js.purge_stream(queue.stream, seq=keep)
            self._first = keep
        return pending


def _frame(subject: bytes, fed: int, last: int, payload: bytes) -> bytes:
    """A message that must follow number `last`."""
    header = b"NATS/1.0\r\n%b: %d\r\n%b: %d\r\n\r\n" % (queues.FED.encode(), fed, queues.EXPECTED.encode(), last)
    size = len(header) + len(payload)
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject, len(header), size, header, payload)
