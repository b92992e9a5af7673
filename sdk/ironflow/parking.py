"""Executions that wait, kept in memory so that they can be resumed in place.

They are a convenience: one that is dropped is replayed from history instead, so there is a bound to how many there are,
how old they get, and what they may cost.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironflow.execution import Execution

COUNT_MAX = 10_000
AGE_S_MAX = 3_600.0
MEMORY_FREE_MIN = 0.1
MEMORY_CHECK_S = 1.0


class Parking:
    """By the id of the job that was parked, oldest first."""

    def __init__(
        self,
        *,
        count_max: int = COUNT_MAX,
        age_s_max: float = AGE_S_MAX,
        now_s: Callable[[], float] = time.monotonic,
        memory_free: Callable[[], float] | None = None,
    ) -> None:
        """`memory_free` is the share of memory, of the machine or the container, that can be had. `on_evicted` is
        told of each execution that had to give way, which nobody asked for."""
        self._count_max = count_max
        self._age_s_max = age_s_max
        self._now_s = now_s
        self._memory_free = memory_free or share_free
        self._checked_at_s = -MEMORY_CHECK_S
        self._short = False
        self._parked: OrderedDict[str, tuple[float, Execution]] = OrderedDict()  # its first is found at once
        self.on_evicted: Callable[[Execution], None] = lambda execution: None

    def __len__(self) -> int:
        return len(self._parked)

    def admits(self) -> bool:
        """Whether one more may be kept. When memory is short, none is, and all that there are are dropped."""
        if self._count_max == 0:
            return False
        self.sweep()
        return not self._short

    def put(self, job_id: str, execution: Execution) -> None:
        """Keep it; the oldest gives way."""
        while len(self._parked) >= self._count_max:
            self._evict(next(iter(self._parked)))
        self._parked[job_id] = (self._now_s(), execution)

    def take(self, job_id: str) -> Execution | None:
        """The execution, no longer kept here; None if it is gone."""
        found = self._parked.pop(job_id, None)
        return found[1] if found is not None else None

    def drop(self, job_id: str) -> bool:
        """Let it go. Whether it was there."""
        execution = self.take(job_id)
        if execution is not None:
            execution.abandon()
        return execution is not None

    def clear(self) -> None:
        for job_id in list(self._parked):
            self.drop(job_id)

    def sweep(self) -> None:
        """Drop those that are too old, and all when memory is short."""
        now_s = self._now_s()
        if now_s - self._checked_at_s >= MEMORY_CHECK_S:
            self._checked_at_s = now_s
            self._short = self._memory_free() < MEMORY_FREE_MIN
        for job_id in list(self._parked) if self._short else ():
            self._evict(job_id)
        while self._parked:
            job_id, (since_s, _) = next(iter(self._parked.items()))
            if now_s - since_s < self._age_s_max:
                break
            self._evict(job_id)

    def _evict(self, job_id: str) -> None:
        execution = self.take(job_id)
        if execution is not None:
            execution.abandon()
            self.on_evicted(execution)


def share_free() -> float:
    """The share of memory that can still be had: 1 where the system does not tell."""
    shares = [1.0]
    with contextlib.suppress(OSError, ValueError, KeyError, ZeroDivisionError):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        told = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
        shares.append(told["MemAvailable"] / told["MemTotal"])
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))  # "max" is no number: no limit
        shares.append(1 - int(Path("/sys/fs/cgroup/memory.current").read_text("ascii")) / limit)
    return min(shares)
