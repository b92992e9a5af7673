"""Grouped reads: the counterpart of the group commit.

What is asked for while a read is under way shares the next one: one transaction, one snapshot, one hop to the store's
thread. Each snapshot is younger than every question that it answers, so a read sees all that was acknowledged before
it was asked, on every node of a store: reads are linearizable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from app.errors import ResourceExhausted
from storage.contract import Storage, Transaction

Q = TypeVar("Q")
A = TypeVar("A")

BATCH_MAX = 256
WAITING_MAX = 50_000


class GroupedReads(Generic[Q, A]):
    """`answer` is given the questions of one read, and gives an answer for each, in their order. It asks the store at
    most once for each."""

    def __init__(self, storage: Storage, answer: Callable[[Transaction, Sequence[Q]], Sequence[A]]) -> None:
        self._storage = storage
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._wake = asyncio.Event()

    def ask(self, question: Q) -> asyncio.Future[A]:
        """The answer to come. Raises StorageError, and ResourceExhausted while too many wait for an answer."""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= WAITING_MAX:
            busy = ResourceExhausted("too many reads are waiting for an answer", hint="slow down and try again")
            answered.set_exception(busy)
            return answered
        self._waiting.append((question, answered))
        self._wake.set()
        return answered

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = self._waiting[:BATCH_MAX]
                del self._waiting[:BATCH_MAX]
                await self._read([waiting for waiting in batch if not waiting[1].done()])

    async def _read(self, batch: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        questions = [question for question, _ in batch]
        try:
            read = self._storage.read_once if len(questions) == 1 else self._storage.read
            answers = await read(lambda tx: self._answer(tx, questions))
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told, and the next read goes on
            for _, answered in batch:
                if not answered.done():
                    answered.set_exception(error)
            return
        for (_, answered), answer in zip(batch, answers, strict=True):
            if not answered.done():
                answered.set_result(answer)
