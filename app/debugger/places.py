"""Where in a recording something is that a breakpoint may stop at.

So that looking for the next one costs what is found, however long the run is.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from ironflow.past import Record

LISTS_MAX = 100
DENIALS = frozenset(("POLICY_DENIED", "PERMISSION_DENIED"))
EDITS = frozenset(("step.patched", "step.injected"))


class Places:
    """Grown record by record. Places are in order."""

    def __init__(self) -> None:
        self.count = 0
        self.by_name: dict[str, list[int]] = {}
        self.failed_steps: list[int] = []
        self.failed_runs: list[int] = []
        self.compensations: list[int] = []
        self.denials: list[int] = []
        self.edits: list[int] = []

    def add(self, record: Record) -> None:
        """Take up the next record."""
        place, self.count = self.count, self.count + 1
        if record.name:
            self.by_name.setdefault(record.name, []).append(place)
        if record.kind == "step.failed":
            self.failed_steps.append(place)
        elif record.kind == "run.failed":
            self.failed_runs.append(place)
        elif record.kind in EDITS:
            self.edits.append(place)
        if record.compensation_for and record.kind.startswith("step."):
            self.compensations.append(place)
        if record.code in DENIALS:
            self.denials.append(place)

    def named(self, fits: Callable[[str], bool]) -> Sequence[Sequence[int]]:
        """Those of steps and notes whose names fit."""
        found = [places for name, places in self.by_name.items() if fits(name)]
        return found if len(found) <= LISTS_MAX else [range(self.count)]


def between(lists: Sequence[Sequence[int]], begin: int, end: int) -> Iterator[int]:
    """The places in any of some lists from one place on and before another; backwards where `end` comes first."""
    if begin <= end:
        slices = [range(bisect_left(one, begin), bisect_left(one, end)) for one in lists]
        found = heapq.merge(*(map(one.__getitem__, some) for one, some in zip(lists, slices, strict=True)))
    else:
        slices = [range(bisect_left(one, begin + 1) - 1, bisect_left(one, end + 1) - 1, -1) for one in lists]
        ordered = (map(one.__getitem__, some) for one, some in zip(lists, slices, strict=True))
        found = heapq.merge(*ordered, reverse=True)
    last = -1
    for place in found:
        if place != last:
            yield place
        last = place
