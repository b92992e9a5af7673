"""Threads that do one unit of work after another, for what only they may touch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class WorkThread:
    """Cheaper than an executor, whose locks and chained futures cost more than a short transaction. It is of at most
    `count` threads, each begun when the others have something to do."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._name = name
        self._count = count
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._going = 0
        self._stopped = False

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; works are begun in the order of asking. One whose caller is cancelled before
        its turn is left out."""
        if self._stopped:
            raise RuntimeError(f"{self._name} was stopped")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[T] = loop.create_future()

        def item() -> None:
            try:
                answer = None if answered.cancelled() else work()
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                loop.call_soon_threadsafe(self._fail, answered, error)
            else:
                loop.call_soon_threadsafe(self._answer, answered, answer)

        if self._going >= len(self._threads) < self._count:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            thread.start()
            self._threads.append(thread)
        self._going += 1
        self._queue.put(item)
        return await answered

    async def stop(self) -> None:
        """Returns when all work is done and the threads have ended; whoever asks for more gets a RuntimeError."""
        self._stopped = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            item()
            del item  # or what it refers to lives until the next one comes

    def _answer(self, answered: asyncio.Future[Any], answer: Any) -> None:
        self._going -= 1
        if not answered.done():
            answered.set_result(answer)

    def _fail(self, answered: asyncio.Future[Any], error: BaseException) -> None:
        self._going -= 1
        if not answered.done():
            answered.set_exception(error)
