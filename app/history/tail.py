"""The one tail of history: whoever derives, delivers or waits follows it.

Followers wake in memory when this process commits, and by the store's announcements when another node does; a slow
poll guards against an announcement lost. The newest entries are served from memory, older ones from the store. While
the store cannot be read, followers wait and then go on where they were: an outage of the store costs them time only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from app.clock import Clock
from app.history.entry import Entry
from app.history.kinds import HistoryRedacted
from app.history.rush import Rush, StandingBack
from storage import history
from storage.contract import Storage, StorageError, Transaction

log = structlog.get_logger(__name__)

T = TypeVar("T")

RECENT_BYTES_MAX = 8 * 2**20
RUSH_BYTES_MAX = 32 * 2**20
"""Of what is remembered while there is a rush, for those who stand back."""
ENTRY_OVERHEAD_BYTES = 1_500
POLL_US = 5_000_000
RETRY_STORE_S = 0.5


class _Follower:
    """Who follows, up to where, and what for (None: everything). It rests when there is nothing after `after`."""

    __slots__ = ("after", "first", "kinds", "resting", "wake")

    def __init__(self, after: int, kinds: frozenset[str] | None, *, first: bool) -> None:
        self.after = after
        self.kinds = kinds
        self.first = first
        self.resting = False
        self.wake = asyncio.Event()

    def passes_over(self, kinds: frozenset[str] | None, *, before: int) -> bool:
        """Whether entries of these kinds, which follow position `before`, are nothing to wake up for."""
        if kinds is None or self.kinds is None or not self.resting or self.wake.is_set():
            return False
        return self.after == before and kinds.isdisjoint(self.kinds)


class Place:
    """How far a follower has come: it was given everything it wants up to that position."""

    def __init__(self) -> None:
        self.follower: _Follower | None = None

    @property
    def position(self) -> int:
        """0 before it follows."""
        return 0 if self.follower is None else self.follower.after


class Tail:
    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._recent: deque[Sequence[Entry]] = deque()
        self._recent_bytes = 0
        self._followers: set[_Follower] = set()
        self.rush = Rush()
        self.head = 0
        self.heard: Callable[[], None] = lambda: None
        """Called for each announcement, of any node."""

    async def start(self) -> None:
        """Learn how far history reaches. Call once the schema is there."""
        self.head, _ = await self._storage.read(history.head)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Make a commit of this process visible to followers. Entries are one batch, in order."""
        if not entries:
            return
        new = frozenset([entry.kind for entry in entries])
        kinds: frozenset[str] | None = new
        if entries[0].position != self.head + 1:  # another node's came between, or was announced before ours returned
            kinds = None
            self._forget()
            if entries[-1].position <= self.head:
                self._advance(self.head)
                return
        if HistoryRedacted.kind in new:  # what is remembered may be what was redacted
            self._forget()
            self._advance(entries[-1].position)
            return
        self._recent.append(entries)
        self._recent_bytes += _size(entries)
        bytes_max = RUSH_BYTES_MAX if self.rush.on else RECENT_BYTES_MAX
        while self._recent_bytes > bytes_max and len(self._recent) > 1:
            self._recent_bytes -= _size(self._recent.popleft())
        self._advance(entries[-1].position, kinds)

    async def follow(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        first: bool = False,
        stands_back: bool = False,
        place: Place | None = None,
    ) -> AsyncIterator[Sequence[Entry]]:
        """Batches of entries after a position, in order, none left out, for as long as the caller listens; only those
        of the given kinds, if any are given, and then commits of other kinds cost the caller nothing. Who goes `first`
        has a turn of the event loop before the others: what it tells is on its way when they begin. Who `stands_back`
        is given what is committed in a rush after it.
        `place` shows how far the caller has been given."""
        follower = _Follower(after, kinds, first=first)
        if place is not None:
            place.follower = follower
        self._followers.add(follower)
        standing_back = StandingBack(self.rush) if stands_back else None
        try:
            while True:
                if standing_back is not None:
                    await standing_back.turn()
                follower.wake.clear()
                batch = self.remembered(follower.after)
                if batch is None:
                    records = await self.ask(lambda tx: history.after(tx, follower.after))
                    batch = [Entry(record) for record in records]
                if batch:
                    follower.after = batch[-1].position
                    wanted = batch if kinds is None else [entry for entry in batch if entry.kind in kinds]
                    if wanted:
                        yield wanted
                else:
                    follower.resting = True
                    await follower.wake.wait()
                    follower.resting = False
        finally:
            self._followers.discard(follower)

    def remembered(self, after: int) -> Sequence[Entry] | None:
        """All that follows, from memory: the commits of a follower that lags in one batch. An empty one if there is
        nothing yet, or None if only the store can tell."""
        if after >= self.head:
            return ()
        if not self._recent or self._recent[0][0].position > after + 1:
            return None
        newer: list[Sequence[Entry]] = []
        for batch in reversed(self._recent):
            newer.append(batch)
            first = batch[0].position
            if first <= after + 1:
                break
        if len(newer) > 1:
            batch = [entry for commit in reversed(newer) for entry in commit]
        return batch[after + 1 - first :]

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, once the store can be read: for followers, whom nobody waits for."""
        return await self._insist(self._storage.read, work)

    async def ask(self, work: Callable[[Transaction], T]) -> T:
        """The same for work that asks for one thing only."""
        return await self._insist(self._storage.read_once, work)

    async def _insist(
        self, read: Callable[[Callable[[Transaction], T]], Awaitable[T]], work: Callable[[Transaction], T]
    ) -> T:
        complained = False
        while True:
            try:
                return await read(work)
            except StorageError as error:
                if not complained:
                    log.warning("history cannot be followed, trying again", reason=str(error))
                complained = True
                await asyncio.sleep(RETRY_STORE_S)

    async def run(self) -> None:
        """Keep up with other nodes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._poll())

    async def _listen(self) -> None:
        async for position in self._storage.listen():
            self._learn(position)
            self.heard()

    async def _poll(self) -> None:
        if self._storage.dialect == "sqlite":
            return
        never = asyncio.Event()
        while True:
            await self._clock.wait_until(self._clock.now_us() + POLL_US, never)
            position, _ = await self.ask(history.head)
            self._learn(position)

    def _learn(self, position: int) -> None:
        if position > self.head:
            self._forget()
            self._advance(position)

    def _forget(self) -> None:
        self._recent.clear()
        self._recent_bytes = 0

    def _advance(self, position: int, kinds: frozenset[str] | None = None) -> None:
        """Wake the followers; not those that rest at the old head and want none of `kinds`, if these are all new."""
        before, self.head = self.head, position
        later: list[_Follower] = []
        for follower in self._followers:
            if follower.passes_over(kinds, before=before):
                follower.after = position
            elif follower.first:
                follower.wake.set()
            else:
                later.append(follower)
        if later:
            asyncio.get_running_loop().call_soon(_wake, later)


def _wake(followers: Sequence[_Follower]) -> None:
    for follower in followers:
        follower.wake.set()


def _size(entries: Sequence[Entry]) -> int:
    return sum([len(entry.record.data) for entry in entries]) + ENTRY_OVERHEAD_BYTES * len(entries)
