"""How projections have kept up: every few seconds each node looks how far all of them are, and keeps what it saw for an
hour, in memory. Of cursors, which all nodes share: what one saw, another one saw too.

While history stands still and a projection has caught up, it is not looked at anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from app.clock import Clock
from app.projections.noun import Projection
from app.projections.registry import Registry
from storage.contract import StorageError
from storage.projections import Key

log = structlog.get_logger(__name__)

EVERY_S = 15.0
KEPT = 240
RATE_US = 60 * 1_000_000
"""Over how long events a second are counted, as far as that was seen."""
RATE_US_MIN = 1_000_000
PROJECTIONS_MAX = 1_000
"""So many are looked at, and no more."""


class Sample(msgspec.Struct, frozen=True):
    """`lag` in positions of history, `behind_us` is the age of the oldest entry that it had not reached; `folded` is
    how many events it had folded by then."""

    at: int
    lag: int
    behind_us: int
    folded: int


Look = Callable[[Projection], Awaitable[Sample]]


def per_second(samples: Sequence[Sample], now: int, folded: int) -> float | None:
    """Events a second since the oldest sample that is not older than RATE_US, or the newest that is; None if nothing
    was seen that is old enough to tell."""
    old = [one for one in samples if one.at <= now - RATE_US_MIN]
    since = next((one for one in old if one.at >= now - RATE_US), old[-1] if old else None)
    if since is None:
        return None
    return max(0, folded - since.folded) * 1_000_000 / (now - since.at)


class Paces:
    def __init__(self, *, registry: Registry, clock: Clock, look: Look) -> None:
        self._registry = registry
        self._clock = clock
        self._look = look
        self._samples: dict[Key, deque[Sample]] = {}
        self._heads: dict[Key, int] = {}

    async def run(self, head: Callable[[], int]) -> None:
        """Look every EVERY_S until cancelled; `head` is how far history is."""
        while True:
            try:
                await self.sample(head())
            except StorageError as error:
                log.warning("projections could not be looked at", reason=str(error))
            await asyncio.sleep(EVERY_S)

    async def sample(self, head: int) -> None:
        """Look at all of them once, and forget those that are no more."""
        followed = list(self._registry.everything())[:PROJECTIONS_MAX]
        keys = {one.key() for one in followed}
        self._samples = {key: kept for key, kept in self._samples.items() if key in keys}
        self._heads = {key: seen for key, seen in self._heads.items() if key in keys}
        for projection in followed:
            key = projection.key()
            kept = self._samples.setdefault(key, deque(maxlen=KEPT))
            if kept and kept[-1].lag == 0 and self._heads.get(key) == head:
                kept.append(msgspec.structs.replace(kept[-1], at=self._clock.now_us()))
                continue
            kept.append(await self._look(projection))
            self._heads[key] = head

    def of(self, projection: Projection) -> Sequence[Sample]:
        """What was seen of the generation that serves, the oldest first."""
        return tuple(self._samples.get(projection.key(), ()))
