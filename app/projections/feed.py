"""The feed: the events that a projection is for, in order, after its cursor, as soon as they are there.

The tail says when to look, and has the newest events in memory; older ones are read from the store. A projection has
reached a position if every event for it up to there is in its state, so one whose events are rare is not behind merely
because others are recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.tail import Tail
from app.listening import listening
from app.projections import definition as definitions
from app.projections.given import Given
from app.projections.leases import Leases
from app.projections.noun import Generation, Projection
from app.projections.registry import Registry
from app.runs.matching import Candidate
from storage import projections
from storage.contract import Storage, Transaction
from storage.projections import Cursor, Fence

BATCH = (100, 1_000)
"""Events in a batch: by default, and at most."""
SPAN = 20_000
SPANS_MAX = 10
"""How many positions are looked at in one query, and how many times for one batch."""
BATCH_BYTES_MAX = 8 * 2**20
WAIT_S_MAX = 30.0
PARTITION_WAIT_S = 0.2
"""How long who folds one partition anew waits for the generation that serves, which it follows, to go on."""


class Delivered:
    """An event on its way to a reducer; `envelope` is what expressions see, decoded once."""

    __slots__ = ("_candidate", "entry", "fact", "partition")

    def __init__(self, entry: Entry, fact: EventEmitted, partition_key: str) -> None:
        self.entry = entry
        self.fact = fact
        self._candidate = Candidate(entry)
        self.partition = definitions.partition_of(self.envelope, partition_key) if partition_key else definitions.GLOBAL

    @property
    def envelope(self) -> Mapping[str, Any]:
        return self._candidate.envelope

    @property
    def position(self) -> int:
        return self.entry.position


class Batch(msgspec.Struct, frozen=True):
    """Events after a cursor, in order. There is no other one for the projection up to position `through`."""

    events: Sequence[Delivered]
    through: int
    after: int


class _Waiter:
    def __init__(self, environment: str, chosen: definitions.Chosen) -> None:
        self.environment = environment
        self.chosen = chosen
        self.wake = asyncio.Event()


class Feed:
    def __init__(self, *, storage: Storage, tail: Tail, registry: Registry, leases: Leases) -> None:
        self._storage = storage
        self._tail = tail
        self._registry = registry
        self._leases = leases
        self._waiters: set[_Waiter] = set()
        self._clear: dict[projections.Key, tuple[int, int]] = {}
        self.given = Given()

    async def run(self) -> None:
        """Wake those who wait for events, until cancelled."""
        async for entries in self._tail.follow(self._tail.head, kinds=frozenset((EventEmitted.kind,))):
            if not self._waiters:
                continue
            names = {(entry.environment, _name(entry)) for entry in entries}
            for waiter in self._waiters:
                if any(where == waiter.environment and waiter.chosen.wants(name) for where, name in names):
                    waiter.wake.set()

    async def next(
        self, environment: str, name: str, fence: Fence, *, after: int = 0, limit: int = 0, wait_s: float = 0.0
    ) -> tuple[Batch, Generation, Projection]:
        """The events after the cursor, and after a position, once there are any; none when the time is over, and none
        while the projection does not go on. With a position, which is of one generation, none too as soon as the
        projection has changed. Raises ProjectionNotFound, LeaseLost."""
        loop = asyncio.get_running_loop()
        until = loop.time() + min(wait_s, WAIT_S_MAX)
        begun = self._registry.get(environment, name)
        while True:
            projection = self._registry.get(environment, name)
            generation = self._leases.generation_of(projection, fence)
            waiter = _Waiter(environment, definitions.chosen(generation.definition.events))
            self._waiters.add(waiter)
            try:
                with listening(waiter.wake.wait(), self._registry.changed()) as first:
                    stopped = projection.paused or bool(generation.error)
                    batch = await self._read(projection, generation, fence, after, 1 if stopped else limit)
                    if stopped:
                        batch = Batch((), batch.after, batch.after)
                    if generation.partition:
                        until = min(until, loop.time() + PARTITION_WAIT_S)
                    left_s = until - loop.time()
                    if batch.events or left_s <= 0 or (after and projection is not begun):
                        self.given.note(projection.key(generation), [one.position for one in batch.events])
                        return batch, generation, projection
                    await first(left_s)
            finally:
                self._waiters.discard(waiter)

    async def reached(self, projection: Projection, generation: Generation) -> tuple[int, Cursor | None]:
        """Up to where every event for the generation is in its state, and its cursor."""
        key = projection.key(generation)
        cursor = await self._storage.read_once(lambda tx: projections.cursor(tx, key))
        after = cursor.position if cursor is not None else generation.after
        through = self._begin(key, after)
        if through < self._tail.head:
            batch = await self._events(projection, generation, through, limit=1)
            through = batch.events[0].position - 1 if batch.events else batch.through
            self._note(projection, generation, after, through)
        return through, cursor

    async def _read(
        self, projection: Projection, generation: Generation, fence: Fence, beyond: int, limit: int
    ) -> Batch:
        key, size = projection.key(generation), min(limit or BATCH[0], BATCH[1])
        cursor = await self._storage.read_once(lambda tx: projections.cursor(tx, key))
        self._leases.check(projection, cursor, fence)
        after = cursor.position if cursor is not None else generation.after
        found = await self._events(projection, generation, max(beyond, self._begin(key, after)), limit=size)
        batch = Batch(found.events, found.through, after)
        if not batch.events and beyond <= batch.after:
            self._note(projection, generation, batch.after, batch.through)
        return batch

    async def _events(self, projection: Projection, generation: Generation, after: int, *, limit: int) -> Batch:
        """See `read`: up to the head, from memory or the store."""
        head = self._tail.head

        def look(tx: Transaction) -> Batch:
            return read(tx, projection, generation, after, limit_of(tx, projection, generation, head), limit=limit)

        remembered = self._remembered(projection, generation, after, limit)
        return remembered if remembered is not None else await self._storage.read(look)

    def _remembered(self, projection: Projection, generation: Generation, after: int, limit: int) -> Batch | None:
        """None where only the store can tell."""
        if generation.partition or after < generation.resumed_after:
            return None
        entries = self._tail.remembered(after)
        if entries is None:
            return None
        selection = _Selection(generation, "", limit)
        full = selection.take(entry for entry in entries if entry.environment == projection.environment)
        return Batch(selection.events, selection.position if full else max(after, self._tail.head), after)

    def _begin(self, key: projections.Key, after: int) -> int:
        """After where there can be something for a generation whose cursor is at a position."""
        known, through = self._clear.get(key, (-1, 0))
        return max(after, through) if known == after else after

    def _note(self, projection: Projection, generation: Generation, after: int, through: int) -> None:
        """That there is nothing for the generation between its cursor and a position."""
        if len(self._clear) > 10_000:
            self._clear.clear()
        self._clear[projection.key(generation)] = (after, through)


def limit_of(tx: Transaction, projection: Projection, generation: Generation, head: int) -> int:
    """Up to where events are for the generation now. One of a single partition goes no further than the one that
    serves: it takes the others over from that, as they are."""
    if not generation.partition:
        return head
    cursor = projections.cursor(tx, projection.key())
    return cursor.position if cursor is not None else projection.serving.after


def read(
    tx: Transaction,
    projection: Projection,
    generation: Generation,
    after: int,
    until: int,
    *,
    limit: int,
    partition: str = "",
) -> Batch:
    """At most `limit` events of the generation, or of a partition of it, after a position and not after another."""
    definition = generation.definition
    wanted = partition or generation.partition
    text = definitions.text_of(wanted, definition.partition_key)
    selection = _Selection(generation, wanted, limit)
    size, position = max(limit, 100), _beyond_gap(generation, after)
    names = definitions.chosen(definition.events).names
    for _ in range(SPANS_MAX):
        end = min(position + SPAN, until)
        if position < generation.until:
            end = min(end, generation.until)
        records = projections.events(
            tx, projection.environment, after=position, until=end, names=names, text=text, limit=size
        )
        if selection.take([Entry(record) for record in records]):
            return Batch(selection.events, selection.position, after)
        position = _beyond_gap(generation, end) if len(records) < size else selection.position
        if position >= until:
            break
    return Batch(selection.events, position, after)


class _Selection:
    """The events that a generation is for, of one partition if that is wanted, among entries that are taken in order;
    `position` is that of the last one looked at."""

    def __init__(self, generation: Generation, wanted: str, limit: int) -> None:
        self.events: list[Delivered] = []
        self.position = 0
        self._chosen = definitions.chosen(generation.definition.events)
        self._partition_key = generation.definition.partition_key
        self._passed = frozenset(one.position for one in generation.passed)
        self._wanted = wanted
        self._limit = limit
        self._bytes = 0

    def take(self, entries: Iterable[Entry]) -> bool:
        """Whether there are enough now: those that follow were not looked at."""
        for entry in entries:
            self.position = entry.position
            if entry.kind != EventEmitted.kind or entry.position in self._passed:
                continue
            fact = entry.fact
            assert isinstance(fact, EventEmitted)
            if not self._chosen.wants(fact.name):
                continue
            delivered = Delivered(entry, fact, self._partition_key)
            if self._wanted not in ("", delivered.partition):
                continue
            self.events.append(delivered)
            self._bytes += len(entry.record.data)
            if len(self.events) >= self._limit or self._bytes > BATCH_BYTES_MAX:
                return True
        return False


def _beyond_gap(generation: Generation, position: int) -> int:
    """A position, or where the generation goes on from there."""
    return generation.resumed_after if generation.until <= position < generation.resumed_after else position


def _name(entry: Entry) -> str:
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    return fact.name
