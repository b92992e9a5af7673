"""A thread that does one unit of work after another, for what only one thread may touch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class WorkThread:
    """Cheaper than an executor of one, whose locks and chained futures cost more than a short transaction."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = False

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; works are done in the order of asking. One whose caller is cancelled before
        its turn is left out."""
        if self._stopped:
            raise RuntimeError(f"{self._name} was stopped")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[T] = loop.create_future()

        def item() -> None:
            if answered.cancelled():
                return
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                loop.call_soon_threadsafe(_fail, answered, error)
            else:
                loop.call_soon_threadsafe(_answer, answered, answer)

        self._queue.put(item)
        return await answered

    async def stop(self) -> None:
        """Returns when all work is done and the thread has ended; whoever asks for more gets a RuntimeError."""
        self._stopped = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            item()
            del item  # or what it refers to lives until the next one comes


def _answer(answered: asyncio.Future[Any], answer: Any) -> None:
    if not answered.done():
        answered.set_result(answer)


def _fail(answered: asyncio.Future[Any], error: BaseException) -> None:
    if not answered.done():
        answered.set_exception(error)
