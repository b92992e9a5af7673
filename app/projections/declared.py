"""Declared projections: rules make of a state what it is after each event.

An event that the rules do not fit stops the projection, or is skipped and recorded, as the definition says.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from app.projections.feed import Batch, Delivered
from app.projections.leases import Lease
from app.projections.noun import Generation, Projection
from app.projections.reducer import Reducer
from app.projections.rules import ReducerFailed, State
from app.projections.runners import Runner
from app.projections.service import Projections
from app.projections.states import Saved
from storage.projections import Key

STATES_MAX = 5_000
SLICE = 50
"""Events that are folded before others have their turn in the event loop."""


class DeclaredRunner(Runner):
    def __init__(self, projections: Projections, key: Key, generation: Generation) -> None:
        super().__init__(projections, key)
        self._reducer = Reducer(generation.definition)
        self._states: OrderedDict[str, State] = OrderedDict()

    async def begin(self, projection: Projection) -> None:
        self._states.clear()

    async def fold(self, projection: Projection, lease: Lease, batch: Batch) -> None:
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
                if not await self.goes_on(one, str(failed)):
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
            await self.stop_at(one, error)

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
        return self._reducer.taken(found.state)
