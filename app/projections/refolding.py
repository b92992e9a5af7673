"""How the past of a state is folded on from a snapshot: by the rules of a declared projection, or by a worker that
lends the reducer of a managed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from app.history.kinds import ProjectionDefinition
from app.projections.feed import Delivered
from app.projections.lending import Lender, Lending
from app.projections.reducer import Reducer
from app.projections.rules import ReducerFailed


class Refold(Protocol):
    """`last` is the last event that was folded, None before the first; `events_max` how many may be."""

    last: Delivered | None
    events_max: int

    async def fold(self, events: Sequence[Delivered]) -> bool:
        """Whether it goes on after these: not if one of them stopped the projection. Raises FailedPrecondition."""
        ...

    def state(self) -> bytes:
        """What came of it, as JSON."""
        ...


class ByRules:
    """Events that the rules do not fit are left out, or end it, as the definition says."""

    events_max = 200_000

    def __init__(self, definition: ProjectionDefinition, stored: bytes | None) -> None:
        self._reducer = Reducer(definition)
        self._stops = definition.on_error == "stop"
        self._state = self._reducer.taken(stored)
        self.last: Delivered | None = None

    async def fold(self, events: Sequence[Delivered]) -> bool:
        """See Refold.fold."""
        for one in events:
            try:
                self._state, self.last = self._reducer.apply(self._state, one), one
            except ReducerFailed:
                if self._stops:
                    return False
        return True

    def state(self) -> bytes:
        """See Refold.state."""
        return msgspec.json.encode(self._state)


class ByWorker:
    events_max = 20_000

    def __init__(
        self, definition: ProjectionDefinition, stored: bytes | None, lending: Lending, lender: Lender
    ) -> None:
        self._skips = definition.on_error == "skip"
        self._state = stored
        self._lending = lending
        self._lender = lender
        self.last: Delivered | None = None

    async def fold(self, events: Sequence[Delivered]) -> bool:
        """See Refold.fold."""
        self._state = await self._lending.fold(self._lender, self._state, events, skips=self._skips)
        self.last = events[-1]
        return True

    def state(self) -> bytes:
        """See Refold.state."""
        assert self._state is not None, "nothing was folded"
        return self._state
