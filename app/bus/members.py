"""Members of groups: who is connected, what each was given, and has still to settle. In memory, of this node."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from app.errors import IronflowError
from app.events import deliveries
from app.events.deliveries import Delivery as Told
from app.history import channels
from app.history.channels import Channel
from app.history.entry import Entry
from app.history.subscriber import Subscriber
from storage.records import EntryRecord

WINDOW_DEFAULT = 100
WINDOW_MAX = 10_000
BATCH_MAX = 500
OVERDUE_MAX = 2 * WINDOW_MAX


class Envelope(msgspec.Struct):
    """What app/bus/frames.py writes."""

    position: int
    version: int
    kind: str
    recorded_at: str
    environment: str
    stream: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    data_omitted: bool = False


Sees = Callable[[Channel], None]
"""Raises an error for a channel whose entries a member may not be given."""


class Delivery(msgspec.Struct, eq=False):
    """An entry given to a group for the `attempt`th time. `reply` is where JetStream is told what became of it,
    `number` its own in the queue, `fed` the position at which history gave it to the group."""

    position: int
    told: Told
    recorded_at: int
    attempt: int
    reply: str
    number: int
    fed: int
    channel: Channel = ()
    taken_at: float = 0.0
    entry: Entry | None = None

    @property
    def event_id(self) -> str:
        return self.told.id


def delivery(record: EntryRecord, *, attempt: int, reply: str, number: int, fed: int) -> Delivery:
    entry = Entry(record)
    told, channel = deliveries.delivery(entry), channels.of(entry)
    return Delivery(record.position, told, record.recorded_at, attempt, reply, number, fed, channel, entry=entry)


class Member:
    """`window` is how many deliveries it may have at a time; `label` what it calls itself. Whoever speaks for it waits
    for `taken`. One that is `leaving` gives back what it did not look at, and gets no more. One that is given what
    `sees` raises an error for is ended by it: that goes to the others. `by` None is the server itself."""

    def __init__(
        self,
        member_id: str,
        environment: str,
        group: str,
        *,
        label: str,
        window: int,
        sees: Sees | None = None,
        by: Subscriber | None = None,
    ) -> None:
        self.id = member_id
        self.by = by
        self.environment = environment
        self.group = group
        self.label = label
        self.window = window
        self.inflight: dict[str, Delivery] = {}
        self.paused = False
        self.leaving = False
        self._overdue: set[str] = set()
        self._waiting: deque[Delivery] = deque()
        self._wake = asyncio.Event()
        self._sees = sees
        self._ended: IronflowError | None = None

    def expire(self, before: float) -> None:
        """What was taken before then is due to be delivered again, and no longer takes room."""
        self._overdue = {id for id, given in self.inflight.items() if given.taken_at < before}
        if len(self.inflight) > OVERDUE_MAX:
            self.inflight = {id: given for id, given in self.inflight.items() if id not in self._overdue}
            self._overdue = set()

    @property
    def free(self) -> int:
        return 0 if self._ended or self.leaving else self.window - self._held - len(self._waiting)

    @property
    def buffered(self) -> int:
        """What it was given and has not taken."""
        return len(self._waiting)

    def wants(self, count: int) -> None:
        """It may have so many more than it has."""
        self.window = self._held + count
        self.leaving = self.leaving and not count

    @property
    def _held(self) -> int:
        return sum(id not in self._overdue for id in self.inflight) if self._overdue else len(self.inflight)

    def give(self, given: Delivery) -> None:
        self._waiting.append(given)
        self._wake.set()

    def holds(self, given: Delivery) -> bool:
        """Whether it has another delivery of the same event, which could not be told from this one."""
        known = self.inflight.get(given.event_id)
        return known is not None and known.number != given.number

    def pause(self, paused: bool) -> None:
        """Take nothing more until it goes on."""
        self.paused = paused
        self._wake.set()

    def forget(self) -> None:
        """What it has is no longer to be settled."""
        self._waiting.clear()
        self.inflight.clear()

    def unsent(self) -> Sequence[Delivery]:
        """What it was given and has not taken; it has it no more."""
        found = list(self._waiting)
        self._waiting.clear()
        return found

    def drain(self) -> Sequence[Delivery]:
        """What it was given and has not taken, and what it has taken; it has nothing then."""
        found = [*self._waiting, *self.inflight.values()]
        self.forget()
        return found

    def end(self, reason: IronflowError) -> None:
        """It gets no more; `taken` raises the reason."""
        self._ended = reason
        self._wake.set()

    async def taken(self, count_max: int = BATCH_MAX) -> Sequence[Delivery]:
        """What it gets next, some at a time, as soon as there is something. Raises what it was ended with."""
        while True:
            if self._ended is not None:
                raise self._ended
            if self._waiting and not self.paused:
                if batch := self._next(min(count_max, BATCH_MAX)):
                    break
                continue
            self._wake.clear()
            await self._wake.wait()
        now = asyncio.get_running_loop().time()
        for given in batch:
            given.taken_at = now
            self.inflight[given.event_id] = given
            self._overdue.discard(given.event_id)
        return batch

    def _next(self, count_max: int) -> list[Delivery]:
        """Up to the first that it may not see."""
        count = min(len(self._waiting), count_max)
        if self._sees is None:
            return [self._waiting.popleft() for _ in range(count)]
        batch: list[Delivery] = []
        try:
            for _ in range(count):
                self._sees(self._waiting[0].channel)
                batch.append(self._waiting.popleft())
        except IronflowError as denied:
            self.end(denied)
        return batch
