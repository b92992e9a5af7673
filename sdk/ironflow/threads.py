"""Threads for plain functions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: its result, or the error it raised. A value, because a future cannot carry StopIteration,
    nor an event loop SystemExit."""

    result: Any = None
    error: BaseException | None = None

    @classmethod
    def of(cls, work: Callable[[], Any]) -> Outcome:
        try:
            return cls(work())
        except BaseException as error:  # noqa: BLE001 - it becomes the caller's
            return cls(error=error)


class Threads:
    """Up to `limit` threads, started as they are needed.

    Unlike those of `ThreadPoolExecutor` they do not keep the process alive: what an abandoned run still does in one of
    them is not recorded, so nobody should have to wait for it.
    """

    def __init__(self, limit: int, *, name: str) -> None:
        self._limit = limit
        self._name = name
        self._work: queue.SimpleQueue[tuple[Future[Outcome], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0

    def submit(self, work: Callable[[], Any]) -> Future[Outcome]:
        """What the work came to; queued while all threads are busy. Cancelled in time, it does not begin."""
        future: Future[Outcome] = Future()
        with self._lock:
            self._work.put((future, work))
            if self._idle:
                self._idle -= 1
            elif self._started < self._limit:
                self._started += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def close(self) -> None:
        """Let the threads end when what is queued is done."""
        with self._lock:
            for _ in range(self._started):
                self._work.put(None)

    def _serve(self) -> None:
        while (task := self._work.get()) is not None:
            future, work = task
            if future.set_running_or_notify_cancel():
                future.set_result(Outcome.of(work))
            del future, work, task  # an idle thread holds on to nothing
            with self._lock:
                self._idle += 1
