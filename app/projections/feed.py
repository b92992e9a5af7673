"""The feed: the events that a projection is for, in order, after its cursor, as soon as they are there.

Events are read from the store; the tail only says when to look. A projection has reached a position if every event for
it up to there is in its state, so one whose events are rare is not behind merely because others are recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.tail import Tail
from app.listening import listening
from app.projections import definition as definitions
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


@dataclass(frozen=True, slots=True)
class Batch:
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
                        return batch, generation, projection
                    await first(left_s)
            finally:
                self._waiters.discard(waiter)

    async def reached(self, projection: Projection, generation: Generation) -> tuple[int, Cursor | None]:
        """Up to where every event for the generation is in its state, and its cursor."""
        head = self._tail.head
        cursor = await self._storage.read(lambda tx: projections.cursor(tx, projection.key(generation)))
        after = cursor.position if cursor is not None else generation.after
        known, through = self._clear.get(projection.key(generation), (-1, 0))
        through = max(after, through) if known == after else after
        if through < head:
            begin = through

            def look(tx: Transaction) -> Batch:
                return read(tx, projection, generation, begin, limit_of(tx, projection, generation, head), limit=1)

            batch = await self._storage.read(look)
            through = batch.events[0].position - 1 if batch.events else batch.through
            self._note(projection, generation, after, through)
        return through, cursor

    async def _read(
        self, projection: Projection, generation: Generation, fence: Fence, beyond: int, limit: int
    ) -> Batch:
        head = self._tail.head
        key = projection.key(generation)
        known = self._clear.get(key, (-1, 0))
        size = min(limit or BATCH[0], BATCH[1])

        def work(tx: Transaction) -> Batch:
            cursor = projections.cursor(tx, key)
            self._leases.check(projection, cursor, fence)
            after = cursor.position if cursor is not None else generation.after
            begin = max(after, beyond, known[1] if known[0] == after else 0)
            found = read(tx, projection, generation, begin, limit_of(tx, projection, generation, head), limit=size)
            return Batch(found.events, found.through, after)

        batch = await self._storage.read(work)
        if not batch.events and beyond <= batch.after:
            self._note(projection, generation, batch.after, batch.through)
        return batch

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
    chosen = definitions.chosen(definition.events)
    found: list[Delivered] = []
    size, position = 0, _beyond_gap(generation, after)
    for _ in range(SPANS_MAX):
        end = min(position + SPAN, until)
        if position < generation.until:
            end = min(end, generation.until)
        records = projections.events(
            tx,
            projection.environment,
            after=position,
            until=end,
            names=chosen.names,
            text=text,
            limit=max(limit, 100),
        )
        for record in records:
            position = record.position
            fact = (entry := Entry(record)).fact
            if isinstance(fact, EventEmitted) and chosen.wants(fact.name):
                delivered = Delivered(entry, fact, definition.partition_key)
                if wanted not in ("", delivered.partition):
                    continue
                found.append(delivered)
                size += len(entry.data)
                if len(found) >= limit or size > BATCH_BYTES_MAX:
                    return Batch(found, position, after)
        if len(records) < max(limit, 100):
            position = _beyond_gap(generation, end)
        if position >= until:
            break
    return Batch(found, position, after)


def _beyond_gap(generation: Generation, position: int) -> int:
    """A position, or where the generation goes on from there."""
    return generation.resumed_after if generation.until <= position < generation.resumed_after else position


def _name(entry: Entry) -> str:
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    return fact.name
