"""Projections as their runners and readers use them: the parts put together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

import msgspec

from app.clock import Clock
from app.errors import ProjectionStopped
from app.history.committer import Committer
from app.history.kinds import ProjectionDefinition
from app.history.tail import Tail
from app.projections import definition as definitions
from app.projections.feed import Batch, Delivered, Feed
from app.projections.leases import Leases, lost
from app.projections.lending import Lending
from app.projections.noun import Generation, Projection
from app.projections.pace import Paces, Sample, per_second
from app.projections.parking import Parking
from app.projections.rebuild import Rebuilds
from app.projections.registry import Registry
from app.projections.revisions import Revisions
from app.projections.statements import Statements
from app.projections.states import PARTITIONS_COUNTED_MAX, Saved, States
from app.projections.tables import ProjectionTables
from app.projections.waits import CatchUps
from app.projections.watches import Watches
from storage import history, projections
from storage.contract import Storage
from storage.projections import RETIRED, Cursor, Fence

UNSAVED_MAX = 1_000
UNSAVED_RECHECK_S = 1.0
"""How far a stream goes ahead of its runner, and how often to look whether it has saved through another node."""


Watcher = Callable[[Projection, Generation, Sequence[Saved]], None]


class Status(msgspec.Struct, frozen=True):
    """`position` is how far the projection that serves has come, `lag` how far history is ahead of it, and `behind_us`
    the age of the oldest entry that it has not reached. `per_second` is how many events it folds, None where nobody
    has seen enough to tell. `runner` is one of RUNNERS, `last_event_id` that of the last event it folded. `partitions`
    is how many have a state, of which PARTITIONS_COUNTED_MAX are counted; None where it has none."""

    projection: Projection
    position: int
    lag: int
    updated_at: int
    behind_us: int
    per_second: float | None
    runner: str
    last_event_id: str
    partitions: int | None


NEVER, GONE, HERE, UNKNOWN = RUNNERS = ("never", "gone", "here", "unknown")
"""Whether somebody folds it: nobody ever has, nobody does now, somebody does, or it is folded without leases."""


class Projections:
    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail, clock: Clock) -> None:
        self._storage = storage
        self._tail = tail
        self._clock = clock
        self._watcher: Watcher | None = None
        self.registry = Registry(storage=storage, committer=committer, tail=tail)
        self.leases = Leases(storage=storage, registry=self.registry, clock=clock)
        self.feed = Feed(storage=storage, tail=tail, registry=self.registry, leases=self.leases)
        self.lending = Lending()
        self.states = States(
            storage=storage,
            tail=tail,
            registry=self.registry,
            leases=self.leases,
            feed=self.feed,
            lending=self.lending,
            clock=clock,
        )
        self.rebuilds = Rebuilds(storage=storage, tail=tail, registry=self.registry, feed=self.feed, clock=clock)
        self.parking = Parking(storage=storage, registry=self.registry, rebuilds=self.rebuilds)
        self.waits = CatchUps(storage=storage, tail=tail, registry=self.registry, feed=self.feed)
        self.revisions = Revisions(storage)
        self.tables = ProjectionTables(storage)
        self.watches = Watches(storage=storage, registry=self.registry, states=self.states, waits=self.waits)
        self.paces = Paces(registry=self.registry, clock=clock, look=self._look)

    async def start(self) -> None:
        """Take up what the store holds."""
        await self.registry.start()
        await self.leases.start()
        await self.tables.start()

    async def watch_paces(self) -> None:
        """Keep what is seen of all of them now and then, until cancelled."""
        await self.paces.run(lambda: self._tail.head)

    async def register(
        self,
        environment: str,
        name: str,
        definition: ProjectionDefinition,
        *,
        reason: str = "",
        actor: str = "",
        expected: int | None = None,
    ) -> tuple[Projection, str]:
        """See Registry.register; the database is asked whether it would take a table. Raises Unimplemented too."""
        definitions.check(name, definition)
        await self.tables.check(definition)
        projection, result = await self.registry.register(
            environment, name, definition, reason=reason, actor=actor, expected=expected
        )
        newest = projection.newest
        if newest.definition.table is not None:  # so that it can be asked at once
            statements = Statements(newest.definition.table)
            await self.tables.ensure(projection.key(newest), statements, after=newest.after)
        return projection, result

    async def next(self, environment: str, name: str, fence: Fence, *, limit: int = 0, wait_s: float = 0.0) -> Batch:
        """The next events for a runner, see Feed.next."""
        batch, generation, projection = await self.feed.next(environment, name, fence, limit=limit, wait_s=wait_s)
        if not batch.events:
            await self.rebuilds.reached(projection, generation)
        return batch

    async def stream(
        self, environment: str, name: str, fence: Fence, *, limit: int, beat_s: float
    ) -> AsyncGenerator[Sequence[Delivered], None]:
        """All events after the cursor, batch by batch, and none at least every `beat_s` while nothing comes. It waits
        where it is more than UNSAVED_MAX events ahead of what the runner saves. Raises ProjectionNotFound, LeaseLost;
        ProjectionStopped if one of those events has stopped the projection."""
        number, unsaved = 0, deque[int]()
        while True:
            move, waiting = self.waits.next_move, len(unsaved) > UNSAVED_MAX
            batch, generation, projection = await self.feed.next(
                environment,
                name,
                fence,
                after=unsaved[-1] if unsaved else 0,
                limit=limit,
                wait_s=0.0 if waiting else beat_s,
            )
            if number not in (0, generation.number):  # the runner has to begin with other states
                raise lost(projection)
            number = generation.number
            while unsaved and unsaved[0] <= batch.after:
                unsaved.popleft()
            if unsaved and generation.error:  # it was sent already, and would not come again
                raise ProjectionStopped(f"{name} was stopped by event {generation.error_event_id}: {generation.error}")
            if len(unsaved) > UNSAVED_MAX:
                with suppress(TimeoutError):
                    async with asyncio.timeout(UNSAVED_RECHECK_S):
                        await move.wait()
                yield ()
                continue
            unsaved.extend(one.position for one in batch.events)
            yield batch.events
            if not batch.events:
                await self.rebuilds.reached(projection, generation)

    async def save(
        self,
        projection: Projection,
        fence: Fence,
        saved: Sequence[Saved],
        *,
        position: int,
        last_event_id: str = "",
        whole: bool = True,
    ) -> None:
        """States and cursor in one write, see States.save; who waits for it hears of it."""
        generation = await self.states.save(
            projection, fence, saved, position=position, last_event_id=last_event_id, whole=whole
        )
        if self._watcher is not None:
            self._watcher(projection, generation, saved)
        self.waits.moved(projection.key(generation), position)
        await self.rebuilds.reached(projection, generation)

    def watch_saves(self, watcher: Watcher) -> None:
        """Have it told of every save on this node."""
        self._watcher = watcher

    async def check_fence(self, projection: Projection, generation: Generation, fence: Fence) -> None:
        """Returns for who may write the generation. Raises LeaseLost."""
        _, cursor = await self.feed.reached(projection, generation)
        self.leases.check(projection, cursor, fence)

    async def status(self, projection: Projection, generation: Generation | None = None) -> Status:
        """How far it has come, and how it keeps up."""
        shown = generation or projection.serving
        position, cursor = await self.feed.reached(projection, shown)
        updated_at = max(projection.updated_at, cursor.updated_at if cursor is not None else 0)
        lag, now = max(0, self._tail.head - position), self._clock.now_us()
        folded, samples = cursor.folded if cursor is not None else 0, self.paces.of(projection)
        return Status(
            projection,
            position,
            lag,
            updated_at,
            await self._behind_us(position, lag),
            per_second(samples, now, folded) if shown is projection.serving else None,
            _runner(cursor, shown, now),
            cursor.last_event_id if cursor is not None else "",
            await self._partitions(projection, shown),
        )

    async def _look(self, projection: Projection) -> Sample:
        position, cursor = await self.feed.reached(projection, projection.serving)
        lag, folded = max(0, self._tail.head - position), cursor.folded if cursor is not None else 0
        return Sample(self._clock.now_us(), lag, await self._behind_us(position, lag), folded)

    async def _behind_us(self, position: int, lag: int) -> int:
        """The age of the entry after a position, if history goes on after it."""
        entry = await self._storage.read_once(lambda tx: history.at(tx, position + 1)) if lag else None
        return 0 if entry is None else max(0, self._clock.now_us() - entry.recorded_at)

    async def _partitions(self, projection: Projection, generation: Generation) -> int | None:
        definition, key = generation.definition, projection.key(generation)
        if not definition.partition_key or definition.mode not in ("managed", "declared"):
            return None
        return await self._storage.read_once(
            lambda tx: projections.count_partitions(tx, key, limit=PARTITIONS_COUNTED_MAX)
        )


def _runner(cursor: Cursor | None, generation: Generation, now: int) -> str:
    if cursor is None or (cursor.lease_epoch == 0 and cursor.position <= generation.after):
        return NEVER
    if cursor.lease_epoch == 0:
        return UNKNOWN
    return HERE if cursor.lease_token not in ("", RETIRED) and cursor.lease_until >= now else GONE
