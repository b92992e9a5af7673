"""Following history live: one follower of the tail for all who subscribe, a bounded buffer for each of them.

    tail ──► Live.run ──► buffer of a subscription ──► its connection
                              ▲ full: by policy
                 the store ───┘ (catching up, page by page)

A subscription gets every entry after its position that it wants, in order. Who reads slowly never slows anybody else:
its buffer is bounded, and what does not fit is, by its policy, read from the store later (nothing is missed), dropped
and counted, or the end of the subscription. Whoever resumes from the last position seen misses nothing.
"""

from __future__ import annotations

import asyncio
import enum
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

import falcon.asgi
import msgspec

from app.api.answers import encode
from app.api.parameters import query_of
from app.api.shapes.base import FollowQuery
from app.errors import InvalidArgument, ResourceExhausted, Unavailable
from app.history.entry import Entry
from app.history.tail import Tail
from storage import history
from storage.contract import Storage, StorageError

SUBSCRIPTIONS_MAX = 10_000
BUFFER_ENTRIES_MAX = 1_000
BUFFER_BYTES_MAX = 2 * 2**20
PAGE_ENTRIES = (16, 1_000)
PAGE_BYTES = 2**20
"""Catching up reads more at a time while pages are smaller than this, and less when they are larger."""
HEARTBEAT_S = 15.0

FOLLOWING = {"Last-Event-ID": "the position to go on from, as browsers send it"}

_NEWLINE = re.compile(rb"\r\n|\r|\n")


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


class Interest(NamedTuple):
    """Which entries are wanted: those of one environment, of streams of these nouns, for which `wants` holds."""

    environment: str
    nouns: tuple[str, ...]
    wants: Callable[[Entry], bool]

    def holds(self, entry: Entry) -> bool:
        return entry.environment == self.environment and _noun(entry) in self.nouns and self.wants(entry)


class Ended(Exception):
    """The subscription is over; the message says why, for the subscriber."""


class Live:
    def __init__(self, *, tail: Tail, storage: Storage) -> None:
        self.storage = storage
        self.position = tail.head
        self._tail = tail
        self._attached: dict[tuple[str, str], set[Subscription]] = {}
        self._all: WeakSet[Subscription] = WeakSet()  # one whose answer never began is forgotten with it

    def __len__(self) -> int:
        return len(self._all)

    async def run(self) -> None:
        """Hand entries to subscriptions until cancelled."""
        async for batch in self._tail.follow(self.position):
            for entry in batch:
                for subscription in list(self._attached.get((entry.environment, _noun(entry)), ())):
                    subscription.offer(entry)
            self.position = batch[-1].position

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
        for subscription in list(self._all):
            subscription.end("the server is stopping; connect again and resume from the last position")

    def attach(self, subscription: Subscription) -> None:
        for noun in subscription.interest.nouns:
            self._attached.setdefault((subscription.interest.environment, noun), set()).add(subscription)

    def detach(self, subscription: Subscription) -> None:
        for noun in subscription.interest.nouns:
            key = (subscription.interest.environment, noun)
            attached = self._attached.get(key, set())
            attached.discard(subscription)
            if not attached:
                self._attached.pop(key, None)

    def forget(self, subscription: Subscription) -> None:
        self.detach(subscription)
        self._all.discard(subscription)


class Subscription:
    """`position` is how far history was looked at for it; `dropped` counts what its policy left out."""

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
        self._ended = ""
        self._page = PAGE_ENTRIES[0]
        self._wake = asyncio.Event()

    @property
    def position(self) -> int:
        if self._attached and not self._buffer:
            return max(self._seen, self._live.position)
        return self._seen

    def offer(self, entry: Entry) -> None:
        """An entry has come, in order; called by Live alone."""
        if entry.position <= self._seen or not self.interest.wants(entry):
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
                self.end("the subscriber is too slow; connect again and resume from the last position")
            return
        self._seen = entry.position
        self._wake.set()

    def end(self, reason: str) -> None:
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
                raise Ended(self._ended)
            if not self._attached:
                if found := await self._catch_up():
                    return found
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return ()

    async def _catch_up(self) -> Sequence[Entry]:
        """A page of the past; at its end the subscription is attached again, with no gap between."""
        if self._seen >= self._live.position:
            self._live.attach(self)
            self._attached = True
            return ()
        records = await self._live.storage.read(lambda tx: history.after(tx, self._seen, self._page))
        if records:
            self._seen = records[-1].position
        small = sum(len(record.data) for record in records) < PAGE_BYTES
        self._page = min(self._page * 2, PAGE_ENTRIES[1]) if small else max(self._page // 2, 1)
        return [entry for entry in map(Entry, records) if self.interest.holds(entry)]


# Server-sent events (HTML Standard §9.2).


def subscribed(req: falcon.asgi.Request, live: Live, interest: Interest) -> Subscription:
    """The subscription that a request asks for: `after`, or Last-Event-ID, and `backpressure`. Raises InvalidArgument,
    ResourceExhausted."""
    query = query_of(req, FollowQuery)
    after, last = query.after, req.get_header("Last-Event-ID") or ""
    if after is None and last:
        if not last.isdecimal() or len(last) > 18:
            raise InvalidArgument(f"Last-Event-ID {last[:40]!r} is not a position", field="Last-Event-ID")
        after = int(last)
    return live.subscribe(interest, after=after, policy=POLICIES[query.backpressure])


def send(resp: falcon.asgi.Response, subscription: Subscription, show: Callable[[Entry], Any]) -> None:
    """Answer with a stream of events: one an entry, as `show` makes it, with its position as the event's id."""
    resp.set_header("Cache-Control", "no-cache")
    resp.set_header("X-Accel-Buffering", "no")
    resp.sse = _frames(subscription, show)


class Frames:
    """Some frames at once, in the form in which Falcon takes an event."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def serialize(self, handler: object = None) -> bytes:
        return self._raw


async def _frames(subscription: Subscription, show: Callable[[Entry], Any]) -> AsyncIterator[Any]:
    dropped = 0
    try:
        yield Frames(b": following\nid: %d\n\n" % subscription.position)
        while True:
            entries = await subscription.batch(HEARTBEAT_S)
            parts = [frame(show(entry), entry.position) for entry in entries]
            if subscription.dropped > dropped:
                lost, dropped = subscription.dropped - dropped, subscription.dropped
                parts.append(frame({"type": "gap", "dropped": lost}, subscription.position))
            # An id without data moves a quiet subscriber on, so that it need not look at all that again.
            yield Frames(b"".join(parts) or b": still here\nid: %d\n\n" % subscription.position)
    except (Ended, StorageError) as error:
        told = str(error) if isinstance(error, Ended) else Unavailable.__doc__
        yield Frames(b"data: " + encode({"type": "error", "message": told}) + b"\n\n")
    finally:
        subscription.close()


def frame(content: Any, position: int) -> bytes:
    """One event; newlines in users' JSON are kept as the form wants them."""
    raw = bytes(content) if isinstance(content, msgspec.Raw) else encode(content)
    return b"id: %d\ndata: %s\n\n" % (position, _NEWLINE.sub(b"\ndata: ", raw) if b"\n" in raw or b"\r" in raw else raw)


def _noun(entry: Entry) -> str:
    return entry.stream.partition("/")[0]
