"""Instants in memory, earliest first."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

COMPACT_MIN = 10_000

K = TypeVar("K", bound=Hashable)


class Schedule(Generic[K]):
    """Instants by key, earliest first; setting a key again replaces its instant."""

    def __init__(self) -> None:
        self._at: dict[K, int] = {}
        self._heap: list[tuple[int, K]] = []

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: K, at: int) -> None:
        self._at[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > COMPACT_MIN + 2 * len(self._at):
            self._heap = [(at, key) for key, at in self._at.items()]
            heapq.heapify(self._heap)

    def clear(self, key: K) -> None:
        self._at.pop(key, None)

    def next_at(self) -> int | None:
        """The earliest instant."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: int) -> list[K]:
        """Keys whose instant has come, earliest first; they are no longer scheduled."""
        due = []
        while (at := self.next_at()) is not None and at <= now:
            key = heapq.heappop(self._heap)[1]
            del self._at[key]
            due.append(key)
        return due
