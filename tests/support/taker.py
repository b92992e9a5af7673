"""A worker that takes jobs from a node's dispatcher, and a test says what becomes of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.node import Node
from storage import postgres, sqlite
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.worker import Worker

LEASE_S = 3_600.0
SETTLE_TIMEOUT_S = 60.0
QUIET_ROUNDS = 3
MEETING_TIMEOUT_S = 30.0


class Taker(Worker):
    """One that is taken to be there for as long as the clock may be moved."""

    def __init__(self, node: Node, *functions: str, slots: int = 10, name: str = "w1") -> None:
        super().__init__(node, slots=slots, name=name, functions=functions or ("f",), lease_s=LEASE_S)

    async def idle(self) -> bool:
        """Whether no job is there once everything recorded so far has been followed."""
        await settled(self.node)
        return self.jobs.empty()


async def settled(node: Node) -> None:
    """Returns once followers have seen all that was recorded, and recorded what follows from it: when history stands
    still, and nobody asks to read, over several rounds of the event loop, the readers and the one writer, in which a
    commit may be under way."""
    quiet = 0
    with _asked_to_read(node.storage) as asked:
        async with within("history to stand still", SETTLE_TIMEOUT_S):
            while quiet < QUIET_ROUNDS:
                before = node.tail.head, len(asked)
                for _ in range(20):
                    await asyncio.sleep(0)
                await _readers_rest(node.storage)
                await node.committer.drain()
                await node.storage.write(lambda tx: None)
                quiet = quiet + 1 if before == (node.tail.head, len(asked)) else 0


@contextmanager
def _asked_to_read(storage: Storage) -> Iterator[list[Callable[[Any], Any]]]:
    """What is read meanwhile, `_readers_rest` aside: one read may lead to the next."""
    asked: list[Callable[[Any], Any]] = []
    read = storage.read

    def told(work: Callable[[Any], Any]) -> Any:
        asked.append(work)
        return read(work)

    storage.read = told  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        storage.read = read  # type: ignore[method-assign]


async def _readers_rest(storage: Storage) -> None:
    """Returns once every read asked for so far has ended: all readers meet, so none of them has one in hand."""
    readers = sqlite.READERS if storage.dialect == "sqlite" else postgres.READERS
    meeting = threading.Barrier(readers)
    read = type(storage).read
    await asyncio.gather(*(read(storage, lambda tx: meeting.wait(MEETING_TIMEOUT_S)) for _ in range(readers)))
