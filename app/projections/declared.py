"""The server's own runner: folds declared projections, each generation on one node at a time, under a lease.

An event that the rules do not fit stops the projection, or is skipped and recorded, as the definition says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Mapping

import msgspec
import structlog

from app.errors import IronflowError, LeaseLost, NotFound
from app.listening import listening
from app.projections.feed import BATCH, Batch, Delivered
from app.projections.leases import TTL_S, Lease
from app.projections.noun import Projection
from app.projections.reducer import Reducer
from app.projections.rules import ReducerFailed, State
from app.projections.service import Projections
from app.projections.states import Saved
from storage.contract import StorageError
from storage.projections import Key

log = structlog.get_logger(__name__)

WAIT_S = TTL_S / 3
RETRY_S = 1.0
STATES_MAX = 5_000
SLICE = 50
"""Events that are folded before others have their turn in the event loop."""


class Declared:
    def __init__(self, projections: Projections) -> None:
        self._projections = projections
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
            if projection.serving.definition.mode != "declared":
                continue
            for generation in projection.alive:
                key = projection.key(generation)
                if key not in self._running:
                    fold = _Fold(self._projections, key, Reducer(generation.definition))
                    self._running[key] = tasks.create_task(fold.run(), name=f"projection {key.name}")


class _Fold:
    """One generation, for as long as it lives."""

    def __init__(self, projections: Projections, key: Key, reducer: Reducer) -> None:
        self._projections = projections
        self._key = key
        self._reducer = reducer
        self._states: OrderedDict[str, State] = OrderedDict()

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

    async def _hold(self, lease: Lease) -> None:
        """Fold while the lease lasts. Raises LeaseLost, ProjectionNotFound."""
        self._states.clear()
        environment, name = self._key.environment, self._key.name
        try:
            while (projection := self._alive()) is not None:
                batch = await self._projections.next(environment, name, lease.fence, limit=BATCH[1], wait_s=WAIT_S)
                if batch.events:
                    await self._fold(projection, lease, batch)
                else:
                    await self._projections.leases.renew(projection, lease.fence)
        finally:
            if (projection := self._alive()) is not None:
                with contextlib.suppress(StorageError):
                    await self._projections.leases.release(projection, lease.fence)

    async def _fold(self, projection: Projection, lease: Lease, batch: Batch) -> None:
        touched: dict[str, tuple[State, Delivered, int]] = {}
        through, last = batch.through, None
        refused: tuple[Delivered, str] | None = None
        for number, one in enumerate(batch.events):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            known = touched.get(one.partition)
            before = known[0] if known is not None else await self._state(projection, one.partition)
            try:
                after = self._reducer.apply(before, one)
            except ReducerFailed as failed:
                if not await self._goes_on(one, str(failed)):
                    refused = (one, str(failed))
                    through = one.position - 1
                    break
                last = one
                continue
            touched[one.partition] = (after, one, known[2] + 1 if known is not None else 1)
            last = one
        if last is not None:
            await self._save(projection, lease, touched, through, last)
        if refused is not None:
            one, error = refused
            await self._projections.registry.refuse_event(
                *self._key, event_id=one.fact.id, position=one.position, error=error
            )

    async def _save(
        self,
        projection: Projection,
        lease: Lease,
        touched: Mapping[str, tuple[State, Delivered, int]],
        through: int,
        last: Delivered,
    ) -> None:
        saved = [
            Saved(partition, msgspec.json.encode(state), one.fact.id, one.position, one.entry.recorded_at, count)
            for partition, (state, one, count) in touched.items()
        ]
        await self._projections.save(
            projection, lease.fence, saved, position=max(through, last.position), last_event_id=last.fact.id
        )
        for partition, (state, _, _) in touched.items():
            self._states[partition] = state
            self._states.move_to_end(partition)
        while len(self._states) > STATES_MAX:
            self._states.popitem(last=False)

    async def _state(self, projection: Projection, partition: str) -> State:
        if partition in self._states:
            return self._states[partition]
        generation = projection.generation(self._key.generation)
        found = await self._projections.states.get(projection, partition, generation=generation)
        return self._reducer.initial() if found.state is None else msgspec.json.decode(found.state)

    async def _goes_on(self, one: Delivered, error: str) -> bool:
        """Whether the projection goes on without an event; if so, that is recorded."""
        projection = self._alive()
        generation = projection.generation(self._key.generation) if projection is not None else None
        if generation is None or generation.definition.on_error != "skip":
            return False
        return await self._projections.registry.refuse_event(
            *self._key, event_id=one.fact.id, position=one.position, error=error
        )

    def _alive(self) -> Projection | None:
        """The projection, while the generation is one of its own."""
        projection = self._projections.registry.find(self._key.environment, self._key.name)
        if projection is None or projection.generation(self._key.generation) is None:
            return None
        return projection
