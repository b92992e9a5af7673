"""The server's own runners: of projections that need no worker. Each generation is folded on one node at a time, under
a lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import structlog

from app.errors import IronflowError, LeaseLost, NotFound
from app.listening import listening
from app.projections.feed import BATCH, Batch, Delivered
from app.projections.leases import TTL_S, Lease
from app.projections.noun import Generation, Projection
from app.projections.service import Projections
from storage.contract import StorageError
from storage.projections import Key

log = structlog.get_logger(__name__)

WAIT_S = TTL_S / 3
RETRY_S = 1.0


class Runner(ABC):
    """Of one generation, for as long as it lives."""

    def __init__(self, projections: Projections, key: Key) -> None:
        self._projections = projections
        self._key = key

    @abstractmethod
    async def begin(self, projection: Projection) -> None:
        """Called with each lease, before its first batch: another node may have folded meanwhile."""

    @abstractmethod
    async def fold(self, projection: Projection, lease: Lease, batch: Batch) -> None:
        """Fold the events of a batch, and save."""

    async def end(self) -> None:  # noqa: B027 - most have nothing to do then
        """Called once the generation is no more."""

    async def run(self) -> None:
        while self._alive() is not None:
            try:
                lease = await self._projections.leases.acquire_of(self._key, wait_s=WAIT_S)
                if lease is not None:
                    await self._hold(lease)
            except (LeaseLost, NotFound):
                continue  # another node has it, or it is gone
            except (StorageError, IronflowError) as error:
                log.warning("a projection cannot be folded, trying again", projection=self._key.name, reason=str(error))
                await asyncio.sleep(RETRY_S)
        await self.end()

    async def _hold(self, lease: Lease) -> None:
        """Fold while the lease lasts. Raises LeaseLost, ProjectionNotFound."""
        environment, name = self._key.environment, self._key.name
        try:
            if (projection := self._alive()) is not None:
                await self.begin(projection)
            while (projection := self._alive()) is not None:
                batch = await self._projections.next(environment, name, lease.fence, limit=BATCH[1], wait_s=WAIT_S)
                if batch.events:
                    await self.fold(projection, lease, batch)
                else:
                    await self._projections.leases.renew(projection, lease.fence)
        finally:
            if (projection := self._alive()) is not None:
                with contextlib.suppress(StorageError):
                    await self._projections.leases.release(projection, lease.fence)

    async def goes_on(self, one: Delivered, error: str) -> bool:
        """Whether the projection goes on without an event; if so, that is recorded."""
        projection = self._alive()
        generation = projection.generation(self._key.generation) if projection is not None else None
        if generation is None or generation.definition.on_error != "skip":
            return False
        return await self._refuse(one, error)

    async def stop_at(self, one: Delivered, error: str) -> None:
        """Record that the projection cannot take an event."""
        await self._refuse(one, error)

    async def _refuse(self, one: Delivered, error: str) -> bool:
        registry = self._projections.registry
        return await registry.refuse_event(*self._key, event_id=one.fact.id, position=one.position, error=error)

    def _alive(self) -> Projection | None:
        """The projection, while the generation is one of its own."""
        projection = self._projections.registry.find(self._key.environment, self._key.name)
        if projection is None or projection.generation(self._key.generation) is None:
            return None
        return projection


Make = Callable[[Projections, Key, Generation], Runner]


class Runners:
    """`kinds` says how the projections of a mode are run."""

    def __init__(self, projections: Projections, kinds: Mapping[str, Make]) -> None:
        self._projections = projections
        self._kinds = kinds
        self._running: dict[Key, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Fold what is there to fold until cancelled."""
        registry = self._projections.registry
        async with asyncio.TaskGroup() as tasks:
            while True:
                with listening(registry.changed()) as first:
                    self._start_missing(tasks)
                    await first(None)

    def _start_missing(self, tasks: asyncio.TaskGroup) -> None:
        self._running = {key: task for key, task in self._running.items() if not task.done()}
        for projection in self._projections.registry.everything():
            make = self._kinds.get(projection.serving.definition.mode)
            if make is None:
                continue
            for generation in projection.alive:
                key = projection.key(generation)
                if key not in self._running:
                    runner = make(self._projections, key, generation)
                    self._running[key] = tasks.create_task(runner.run(), name=f"projection {key.name}")
