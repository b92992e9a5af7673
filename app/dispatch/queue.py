"""Runs that could start now, first come first served within each function.

In memory only: at start the dispatcher fills it from the runs table, afterwards from the tail.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from app.history.entry import Entry
from app.history.kinds import RunCreated

KEPT_BYTES_MAX = 32 * 2**20

Lane = tuple[str, str]
"""Environment and function id."""


@dataclass(slots=True)
class Ready:
    """A run to start. A fresh one, never started, comes with its creation and its event, unless memory was short."""

    run_id: str
    created: RunCreated | None = None
    event: Entry | None = None


class Queue:
    def __init__(self) -> None:
        self._lanes: dict[Lane, OrderedDict[str, Ready]] = {}
        self._kept_bytes = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, lane: Lane, ready: Ready) -> None:
        """Add the run at the end of its lane, unless it is there already."""
        runs = self._lanes.setdefault(lane, OrderedDict())
        if ready.run_id in runs:
            return
        if ready.event is not None:
            if self._kept_bytes > KEPT_BYTES_MAX:
                ready.created = ready.event = None
            else:
                self._kept_bytes += len(ready.event.data)
        runs[ready.run_id] = ready
        self._count += 1

    def pop(self, lane: Lane) -> Ready | None:
        """The longest waiting run of the lane."""
        runs = self._lanes.get(lane)
        if not runs:
            return None
        _, ready = runs.popitem(last=False)
        self._left(lane, ready)
        return ready

    def discard(self, lane: Lane, run_id: str) -> None:
        """Take the run out, if it is there: it was cancelled, or another node has it."""
        ready = self._lanes.get(lane, OrderedDict()).pop(run_id, None)
        if ready is not None:
            self._left(lane, ready)

    def _left(self, lane: Lane, ready: Ready) -> None:
        self._count -= 1
        if ready.event is not None:
            self._kept_bytes -= len(ready.event.data)
        if not self._lanes[lane]:
            del self._lanes[lane]
