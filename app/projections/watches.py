"""Watches: the state of a partition, again whenever it has changed.

States are not history, so their changes have no position from which a subscription could be resumed. A watch needs
none: it tells the state as it is, not what led to it. Changes that come quickly, or while who watches is slow, are told
as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from app.listening import listening
from app.projections.registry import Registry
from app.projections.states import State, States
from app.projections.waits import CatchUps
from storage.contract import Storage

PACE_S = 0.05
"""What a watch waits for at least between two looks at the state."""
RECHECK_S = 0.5
"""How often to look whether another node has folded on."""


class Watches:
    def __init__(self, *, storage: Storage, registry: Registry, states: States, waits: CatchUps) -> None:
        self._alone = storage.dialect == "sqlite"
        self._registry = registry
        self._states = states
        self._waits = waits

    async def watch(
        self, environment: str, name: str, partition: str = "", *, beat_s: float
    ) -> AsyncGenerator[State | None, None]:
        """The state that serves, as it is and then whenever it has changed; None whenever it has not for `beat_s`.
        Raises ProjectionNotFound, also when it is deleted, InvalidArgument."""
        loop = asyncio.get_running_loop()
        seen, told_at = (0, -1), loop.time()
        while True:
            with listening(self._waits.next_move.wait(), self._registry.changed()) as first:
                found = await self._states.get(self._registry.get(environment, name), partition)
                now = (found.generation.number, found.version)
                if now != seen:
                    seen, told_at = now, loop.time()
                    yield found
                elif loop.time() - told_at >= beat_s:
                    told_at = loop.time()
                    yield None
                await asyncio.sleep(PACE_S)
                left_s = max(0.0, told_at + beat_s - loop.time())
                wait_s = left_s if self._alone else min(left_s, RECHECK_S)
                await first(wait_s)
