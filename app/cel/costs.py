"""What an evaluation may cost, in steps of the engine, and what takes about as long as one."""

from __future__ import annotations

from typing import Any

COST_MAX = 10_000

TEXT_SHIFT = 12
"""As powers of two: so many characters are read in a step,"""
VALUES_SHIFT = 3
"""so many values are converted or compared,"""
MATCH_SHIFT = 9
"""and so many characters times instructions of a regular expression are matched at its worst."""


class TooCostly(Exception):
    """The evaluation costs more than it may."""


class Budget:
    """What an evaluation may still cost."""

    __slots__ = ("_left", "cost_max")

    def __init__(self, cost_max: int = COST_MAX) -> None:
        self.cost_max = self._left = cost_max

    @property
    def spent(self) -> int:
        return self.cost_max - self._left

    def spend(self, cost: int) -> None:
        """Raises TooCostly."""
        self._left -= cost
        if self._left < 0:
            raise TooCostly(f"it costs more than {self.cost_max} steps")


def size_of(value: Any) -> int:
    """What it costs to read a value to its depths, or a bit more than an evaluation may cost."""
    size, waiting = 0, [value]
    while waiting and size <= COST_MAX:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            size += len(one) >> TEXT_SHIFT
        elif isinstance(one, list):
            size += len(one)
            waiting += one
        elif isinstance(one, dict):
            size += len(one)
            waiting += one.values()
    return size
