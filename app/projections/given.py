"""The events that runners were given and have not saved yet: of a save it is known by that how many events it folds,
whatever the runner tells, and however often it was given them.

In memory, on the node that gave them. A save that comes to another node counts nothing there; published runners keep to
one connection.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from storage.projections import Key

POSITIONS_MAX = 10_000
"""Of one generation; those that come after are not counted."""
GENERATIONS_MAX = 1_000
"""Of more, those that were given events first are forgotten: their runners may be gone."""


class Given:
    def __init__(self) -> None:
        self._positions: dict[Key, list[int]] = {}

    def note(self, key: Key, positions: Iterable[int]) -> None:
        """That a runner is given the events at these positions, which rise."""
        known = self._positions.get(key)
        if known is None:
            if len(self._positions) >= GENERATIONS_MAX:
                del self._positions[next(iter(self._positions))]
            known = self._positions[key] = []
        last = known[-1] if known else 0
        room = POSITIONS_MAX - len(known)
        known.extend([one for one in positions if one > last][:room])

    def take(self, key: Key, through: int) -> list[int]:
        """Those up to a position, which are counted no more."""
        known = self._positions.get(key)
        if known is None:
            return []
        many = bisect_right(known, through)
        taken = known[:many]
        del known[:many]
        if not known:
            del self._positions[key]
        return taken


def beyond(positions: list[int], position: int) -> int:
    """How many of them, which rise, lie behind a position."""
    return len(positions) - bisect_right(positions, position)
