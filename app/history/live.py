"""Following live: one follower of the tail for all who subscribe, a bounded buffer for each of them.

    tail ──► Live.run ──► interests ──► buffer of a subscription ──► its connection
                                            ▲ full: by policy
                       the store ───────────┘ (catching up, page by page)

A subscription gets every entry after its position that it wants, in order. Who reads slowly never slows anybody else:
its buffer is bounded, and what does not fit is, by its policy, read from the store later (nothing is missed), dropped
and counted, or the end of the subscription. Whoever resumes from the last position seen misses nothing.

Subscriptions with the same interest share it: an entry is matched once for all of them.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from weakref import WeakSet

from app.errors import InvalidArgument, ResourceExhausted
from app.history import channels
from app.history.entry import Entry
from app.history.interests import Ended, Interest, Interests
from app.history.kinds import HistoryRedacted
from app.history.kinds.projection import ProjectionUpdated
from app.history.pages import Pages
from app.history.subscriber import Subscriber
from app.history.tail import Tail
from app.patterns import Pattern
from storage.contract import Storage

SUBSCRIPTIONS_MAX = 10_000
BUFFER_ENTRIES_MAX = 1_000
BUFFER_BYTES_MAX = 2 * 2**20
TURN = 2_000
"""Entries offered before others get their turn."""
MATCHED_AT_ONCE = 100


Sees = Callable[[Sequence[Entry]], Sequence[Entry]]
"""Which of some entries a subscriber may be told of."""


class Policy(enum.Enum):
    """What happens to entries that do not fit the buffer."""

    CATCH_UP = "catch_up"
    DROP = "drop"
    DISCONNECT = "disconnect"


POLICIES = {
    "buffer": Policy.CATCH_UP,
    "block": Policy.CATCH_UP,
    "drop": Policy.DROP,
    "disconnect": Policy.DISCONNECT,
}


class Live:
    def __init__(self, *, tail: Tail, storage: Storage) -> None:
        self.storage = storage
        self.position = tail.head
        self._tail = tail
        self._interests: Interests[Subscription] = Interests()
        self._all: WeakSet[Subscription] = WeakSet()  # one whose answer never began is forgotten with it
        self._reading_ahead: WeakSet[Pages] = WeakSet()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._all))

    @property
    def head(self) -> int:
        """How far history reaches."""
        return self._tail.head

    async def run(self) -> None:
        """Hand entries to subscriptions until cancelled."""
        offered = 0
        async for batch in self._tail.follow(self.position):
            for entry in batch:
                if entry.kind == HistoryRedacted.kind:
                    self._forget_payloads(entry)
                for interest, subscriptions in self._interests.fitting(entry):
                    offered += _offer(entry, interest, subscriptions)
                self.position = entry.position
                if offered > TURN:
                    offered = 0
                    await asyncio.sleep(0)

    def subscribe(
        self,
        interest: Interest,
        *,
        after: int | None = None,
        policy: Policy = Policy.CATCH_UP,
        entries_max: int = BUFFER_ENTRIES_MAX,
        sees: Sees | None = None,
        by: Subscriber | None = None,
    ) -> Subscription:
        """To be closed when done with. `after` None is: from now on. What `sees` leaves out is left out.
        `by` None is the server itself. Raises InvalidArgument, ResourceExhausted."""
        if after is not None and after > self._tail.head:
            raise InvalidArgument(
                f"after {after} has not happened yet",
                field="after",
                hint=f"history ends at position {self._tail.head}",
            )
        if len(self._all) >= SUBSCRIPTIONS_MAX:
            raise ResourceExhausted("too many subscriptions are open", hint="close some, or try another node")
        start = self._tail.head if after is None else after
        pages = Pages(self.storage, interest, self._reading_ahead)
        subscription = Subscription(self, interest, start, policy, entries_max, sees, pages, by)
        self._all.add(subscription)
        return subscription

    def stop(self) -> None:
        """End every subscription: the server stops."""
        for subscription in self:
            subscription.end(Ended("the server is stopping; connect again and resume from the last position"))

    def _forget_payloads(self, entry: Entry) -> None:
        """Whoever has yet to be given an entry that was redacted gets it from the store."""
        assert isinstance(entry.fact, HistoryRedacted)
        for subscription in self:
            if subscription.interest.environment == entry.environment:
                subscription.reread(entry.fact.stream)

    def wants(self, environment: str, channel: channels.Channel) -> bool:
        """Whether anybody follows a channel as it happens."""
        return self._interests.any_in(environment, channel)

    def patterns(self, start: channels.Channel) -> list[tuple[str, Pattern]]:
        """The patterns that are followed, with their environments, which may fit channels that begin so."""
        return self._interests.beginning(start)

    def notify(self, notice: Entry) -> None:
        """Tell those who follow its channel of what is no entry of history: whoever is not there, or has no room,
        misses it. Its position is to be that which entries were handed out up to: a subscriber that resumes from it
        misses no entry."""
        for interest, subscriptions in self._interests.fitting(notice):
            try:
                if not interest.wants(notice):
                    continue
            except Ended:
                continue  # it is an entry of history that ends a subscription
            for subscription in subscriptions:
                subscription.offer_notice(notice)

    def attach(self, subscription: Subscription) -> None:
        self._interests.add(subscription.interest, subscription)

    def detach(self, subscription: Subscription) -> None:
        self._interests.remove(subscription.interest, subscription)

    def forget(self, subscription: Subscription) -> None:
        self.detach(subscription)
        self._all.discard(subscription)


class Subscription:
    """`position` is how far history was looked at for it; `dropped` counts what its policy left out."""

    __slots__ = (
        "__weakref__",
        "_attached",
        "_buffer",
        "_bytes",
        "_ended",
        "_entries_max",
        "_live",
        "_pages",
        "_seen",
        "_sees",
        "_wake",
        "by",
        "dropped",
        "interest",
        "policy",
    )

    def __init__(
        self,
        live: Live,
        interest: Interest,
        after: int,
        policy: Policy,
        entries_max: int,
        sees: Sees | None,
        pages: Pages,
        by: Subscriber | None,
    ) -> None:
        self.by = by
        self.interest = interest
        self.policy = policy
        self.dropped = 0
        self._live = live
        self._sees = sees
        self._entries_max = entries_max
        self._buffer: list[Entry] = []
        self._bytes = 0
        self._seen = after
        self._attached = False
        self._ended: Ended | None = None
        self._pages = pages
        self._wake = asyncio.Event()

    @property
    def buffered(self) -> int:
        """Entries that wait for their connection."""
        return len(self._buffer)

    @property
    def catching_up(self) -> bool:
        """Whether it is given what the store has, and not yet what happens."""
        return not self._attached

    @property
    def position(self) -> int:
        if self._buffer:
            return _before(self._buffer[0])
        return max(self._seen, self._live.position) if self._attached else self._seen

    def offer(self, entry: Entry) -> None:
        """An entry has come that is wanted, in order; called by Live alone."""
        if entry.position <= self._seen:
            return
        size = len(entry.data)
        full = len(self._buffer) >= self._entries_max or (self._buffer and self._bytes + size > BUFFER_BYTES_MAX)
        if not full:
            self._buffer.append(entry)
            self._bytes += size
        elif self.policy is Policy.DROP:
            self.dropped += 1
        else:
            self._live.detach(self)
            self._attached = False
            if self.policy is Policy.DISCONNECT:
                self.end(Ended("the subscriber is too slow; connect again and resume from the last position"))
            return
        self._seen = entry.position
        self._wake.set()

    def offer_notice(self, notice: Entry) -> None:
        """What is no entry of history, and left out where there is no room; called by Live alone."""
        size = len(notice.data)
        if len(self._buffer) < self._entries_max and self._bytes + size <= BUFFER_BYTES_MAX:
            self._buffer.append(notice)
            self._bytes += size
            self._wake.set()

    def reread(self, stream: str) -> None:
        """Entries of the stream are no longer what they were: read from the store again what nobody has taken yet, if
        any is of it."""
        self._pages.forget()
        if any(entry.stream == stream for entry in self._buffer):
            self._seen = _before(self._buffer[0])
            self._buffer, self._bytes = [], 0
            self._live.detach(self)
            self._attached = False

    def end(self, reason: Ended) -> None:
        """No more entries after those in the buffer."""
        self._ended = self._ended or reason
        self._wake.set()

    def close(self) -> None:
        self._pages.forget()
        self._live.forget(self)

    async def batch(self, timeout_s: float) -> Sequence[Entry]:
        """The next entries, in order; none if nothing came in time. Raises Ended, StorageError."""
        until = asyncio.get_running_loop().time() + timeout_s
        while True:
            if self._buffer:
                taken, self._buffer, self._bytes = self._buffer, [], 0
                if shown := self._shown(taken):
                    return shown
                continue
            if self._ended:
                raise self._ended
            if not self._attached:
                if shown := self._shown(await self._catch_up()):
                    return shown
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._wake.wait()
            except TimeoutError:
                if not self._wake.is_set():  # at the last moment something may have come
                    return ()

    def _shown(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        return entries if self._sees is None else self._sees(entries)

    async def _catch_up(self) -> Sequence[Entry]:
        """A page of the past; at its end the subscription is attached again, with no gap between."""
        head = self._live.position
        if self._seen >= head:
            self._live.attach(self)
            self._attached = True
            return ()
        page = await self._pages.after(self._seen, head)
        found = await matching(self.interest, map(Entry, page.records))
        self._seen = page.until
        return found


async def matching(interest: Interest, entries: Iterable[Entry]) -> list[Entry]:
    """Those that hold, others getting their turn in between where that takes its time. Raises Ended."""
    if not interest.costly:
        return interest.among(entries)
    found: list[Entry] = []
    for number, entry in enumerate(entries, 1):
        if interest.holds(entry):
            found.append(entry)
        if number % MATCHED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _offer(entry: Entry, interest: Interest, subscriptions: set[Subscription]) -> int:
    """Offer the entry if it is wanted; about how much work that was."""
    work = TURN // MATCHED_AT_ONCE * interest.costly
    try:
        if not interest.wants(entry):
            return work
    except Ended as ended:
        for subscription in subscriptions:
            subscription.end(ended)
        return work
    for subscription in list(subscriptions):  # one that is full leaves them
        subscription.offer(entry)
    return work + len(subscriptions)


def _before(entry: Entry) -> int:
    """From where on the entry would be read again."""
    return entry.position if entry.kind == ProjectionUpdated.kind else entry.position - 1
