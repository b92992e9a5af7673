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
from dataclasses import dataclass
from weakref import WeakSet

from app.errors import InvalidArgument, ResourceExhausted
from app.history import channels
from app.history.entry import Entry
from app.history.kinds import HistoryRedacted
from app.history.tail import Tail
from app.patterns import Pattern, PatternIndex
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

SUBSCRIPTIONS_MAX = 10_000
BUFFER_ENTRIES_MAX = 1_000
BUFFER_BYTES_MAX = 2 * 2**20
PAGE_ENTRIES = (16, 1_000)
PAGE_BYTES = 2**20
"""Catching up reads more at a time while pages are smaller than this, and less when they are larger."""
PAGE_SPAN = 20_000
"""Positions looked at for one page, at most."""
TURN = 2_000
"""Entries offered before others get their turn."""
MATCHED_AT_ONCE = 100


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


class Ended(Exception):
    """The subscription is over; the message says why, for the subscriber. `retrying`: it can be resumed."""

    def __init__(self, message: str, *, code: str = "UNAVAILABLE", retrying: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retrying = retrying


def anything(entry: Entry) -> bool:
    return True


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Interest:
    """Which entries are wanted: those of one environment, in channels that a pattern fits or, if there are no patterns,
    in streams of these nouns; of them those for which `wants` holds. It may raise Ended. Where they can only be of
    certain kinds, or of one stream, `kinds` and `stream` say so; `costly` that `wants` takes its time."""

    environment: str
    nouns: tuple[str, ...] = ()
    wants: Callable[[Entry], bool] = anything
    patterns: tuple[Pattern, ...] = ()
    kinds: tuple[str, ...] = ()
    stream: str = ""
    costly: bool = False

    def holds(self, entry: Entry) -> bool:
        if entry.environment != self.environment:
            return False
        if self.patterns:
            channel = channels.of(entry)
            return any(pattern.fits(channel) for pattern in self.patterns) and self.wants(entry)
        return _noun(entry) in self.nouns and self.wants(entry)


class Live:
    def __init__(self, *, tail: Tail, storage: Storage) -> None:
        self.storage = storage
        self.position = tail.head
        self._tail = tail
        self._interests = _Interests()
        self._all: WeakSet[Subscription] = WeakSet()  # one whose answer never began is forgotten with it

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
    ) -> Subscription:
        """To be closed when done with. `after` None is: from now on. Raises InvalidArgument, ResourceExhausted."""
        if after is not None and after > self._tail.head:
            raise InvalidArgument(
                f"after {after} has not happened yet",
                field="after",
                hint=f"history ends at position {self._tail.head}",
            )
        if len(self._all) >= SUBSCRIPTIONS_MAX:
            raise ResourceExhausted("too many subscriptions are open", hint="close some, or try another node")
        start = self._tail.head if after is None else after
        subscription = Subscription(self, interest, start, policy, entries_max)
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

    def attach(self, subscription: Subscription) -> None:
        self._interests.add(subscription)

    def detach(self, subscription: Subscription) -> None:
        self._interests.remove(subscription)

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
        "_page",
        "_policy",
        "_seen",
        "_wake",
        "dropped",
        "interest",
    )

    def __init__(self, live: Live, interest: Interest, after: int, policy: Policy, entries_max: int) -> None:
        self.interest = interest
        self.dropped = 0
        self._live = live
        self._policy = policy
        self._entries_max = entries_max
        self._buffer: list[Entry] = []
        self._bytes = 0
        self._seen = after
        self._attached = False
        self._ended: Ended | None = None
        self._page = PAGE_ENTRIES[0]
        self._wake = asyncio.Event()

    @property
    def position(self) -> int:
        if self._buffer:
            return self._buffer[0].position - 1
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
        elif self._policy is Policy.DROP:
            self.dropped += 1
        else:
            self._live.detach(self)
            self._attached = False
            if self._policy is Policy.DISCONNECT:
                self.end(Ended("the subscriber is too slow; connect again and resume from the last position"))
            return
        self._seen = entry.position
        self._wake.set()

    def reread(self, stream: str) -> None:
        """Entries of the stream are no longer what they were: read from the store again what nobody has taken yet, if
        any is of it."""
        if any(entry.stream == stream for entry in self._buffer):
            self._seen = self._buffer[0].position - 1
            self._buffer, self._bytes = [], 0
            self._live.detach(self)
            self._attached = False

    def end(self, reason: Ended) -> None:
        """No more entries after those in the buffer."""
        self._ended = self._ended or reason
        self._wake.set()

    def close(self) -> None:
        self._live.forget(self)

    async def batch(self, timeout_s: float) -> Sequence[Entry]:
        """The next entries, in order; none if nothing came in time. Raises Ended, StorageError."""
        while True:
            if self._buffer:
                taken, self._buffer, self._bytes = self._buffer, [], 0
                return taken
            if self._ended:
                raise self._ended
            if not self._attached:
                if found := await self._catch_up():
                    return found
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                if not self._wake.is_set():  # at the last moment something may have come
                    return ()

    async def _catch_up(self) -> Sequence[Entry]:
        """A page of the past; at its end the subscription is attached again, with no gap between."""
        interest, after, until = self.interest, self._seen, self._live.position
        if after >= until:
            self._live.attach(self)
            self._attached = True
            return ()
        if not interest.stream:
            until = min(until, after + PAGE_SPAN)
        records = await self._live.storage.read(lambda tx: _page(tx, interest, after, until, self._page))
        full = len(records) == self._page
        small = sum(len(record.data) for record in records) < PAGE_BYTES
        self._page = min(self._page * 2, PAGE_ENTRIES[1]) if small else max(self._page // 2, 1)
        found = await matching(interest, map(Entry, records))
        self._seen = records[-1].position if full else until
        return found


async def matching(interest: Interest, entries: Iterable[Entry]) -> list[Entry]:
    """Those that hold, others getting their turn in between. Raises Ended."""
    found: list[Entry] = []
    for number, entry in enumerate(entries, 1):
        if interest.holds(entry):
            found.append(entry)
        if interest.costly and number % MATCHED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


class _Interests:
    """Who is interested in what, found by an entry's channel or noun."""

    def __init__(self) -> None:
        self._subscriptions: dict[Interest, set[Subscription]] = {}
        self._by_channel: dict[str, PatternIndex[Interest]] = {}
        self._by_noun: dict[tuple[str, str], set[Interest]] = {}

    def fitting(self, entry: Entry) -> list[tuple[Interest, set[Subscription]]]:
        """Interests that the entry fits, but for what they want of it, and their subscriptions."""
        found = list(self._by_noun.get((entry.environment, _noun(entry)), ()))
        index = self._by_channel.get(entry.environment)
        if index is not None:
            found += dict.fromkeys(index.fitting(channels.of(entry)))
        return [(interest, self._subscriptions[interest]) for interest in found]

    def add(self, subscription: Subscription) -> None:
        interest = subscription.interest
        if interest not in self._subscriptions:
            self._subscriptions[interest] = set()
            for noun in () if interest.patterns else interest.nouns:
                self._by_noun.setdefault((interest.environment, noun), set()).add(interest)
            for pattern in interest.patterns:
                self._by_channel.setdefault(interest.environment, PatternIndex()).add_compiled(pattern, interest)
        self._subscriptions[interest].add(subscription)

    def remove(self, subscription: Subscription) -> None:
        interest = subscription.interest
        subscriptions = self._subscriptions.get(interest)
        if subscriptions is None:
            return
        subscriptions.discard(subscription)
        if subscriptions:
            return
        del self._subscriptions[interest]
        for noun in () if interest.patterns else interest.nouns:
            interested = self._by_noun[interest.environment, noun]
            interested.discard(interest)
            if not interested:
                del self._by_noun[interest.environment, noun]
        if interest.patterns:
            index = self._by_channel[interest.environment]
            for pattern in interest.patterns:
                index.remove_compiled(pattern, interest)
            if not index:
                del self._by_channel[interest.environment]


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


def _page(tx: Transaction, interest: Interest, after: int, until: int, limit: int) -> list[EntryRecord]:
    return history.page(
        tx,
        interest.environment,
        stream=interest.stream,
        kinds=interest.kinds,
        after=after,
        before=until + 1,
        limit=limit,
    )


def _noun(entry: Entry) -> str:
    return entry.stream.partition("/")[0]
