"""Durable timers of runs: when a sleep or a retry delay is over, and when an execution has had its time.

A timer is nothing but an instant in a run's state, so it survives whatever the process does not. This follower keeps
the instants in memory and acts when they come; acting is a command, which finds out whether it still holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from app.clock import Clock
from app.history.entry import Entry
from app.history.kinds import (
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    RunWoken,
)
from app.history.tail import Tail
from app.scheduler.schedule import Schedule
from storage import runs
from storage.contract import Storage

_KINDS = frozenset(
    fact.kind
    for fact in (
        RunCreated,
        RunStarted,
        RunReleased,
        RunRetrying,
        RunPaused,
        RunResumed,
        RunCompleted,
        RunFailed,
        RunCancelled,
        RunSuspended,
        RunUnwinding,
        RunWoken,
    )
)

TOGETHER_MAX = 250
"""Runs that are due, and offered before others have their turn in the event loop: the store may be done meanwhile."""

Act = Callable[[str, str], None]
"""Called with environment and run id."""

Key = tuple[str, str]
"""Environment and run id."""


class Timers:
    """`resume` is called for waiting runs that are due, `expire` for a running one whose timeout has come."""

    def __init__(
        self,
        *,
        storage: Storage,
        tail: Tail,
        clock: Clock,
        resume: Callable[[Sequence[Key]], None],
        expire: Act,
    ) -> None:
        self._storage = storage
        self._tail = tail
        self._clock = clock
        self._resume = resume
        self._expire = expire
        self._due: Schedule[Key] = Schedule()
        self._expiry: Schedule[Key] = Schedule()
        self._changed = asyncio.Event()
        self._position = 0

    def __len__(self) -> int:
        return len(self._due) + len(self._expiry)

    async def start(self) -> None:
        """Take up the timers that the runs table holds."""
        self._position = self._tail.head
        after = ""
        while rows := await self._storage.read(lambda tx, after=after: runs.unfinished(tx, after=after)):  # type: ignore[misc]
            for row in rows:
                if row.due_at is not None:
                    self._due.set((row.environment, row.id), row.due_at)
                if row.timeout_at is not None:
                    self._expiry.set((row.environment, row.id), row.timeout_at)
            after = rows[-1].id

    async def run(self) -> None:
        """Act on every instant as it comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="timers-follow")
            tasks.create_task(self._fire(), name="timers-fire")

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            before = self._next_at()
            for entry in batch:
                self._learn(entry)
            if self._next_at() != before:
                self._changed.set()

    async def _fire(self) -> None:
        while True:
            now = self._clock.now_us()
            due = self._due.pop_due(now)
            for begin in range(0, len(due), TOGETHER_MAX):
                self._resume(due[begin : begin + TOGETHER_MAX])
                await asyncio.sleep(0)
            for environment, run_id in self._expiry.pop_due(now):
                self._expire(environment, run_id)
            self._changed.clear()
            await self._clock.wait_until(self._next_at(), self._changed)

    def _next_at(self) -> int | None:
        instants = [at for at in (self._due.next_at(), self._expiry.next_at()) if at is not None]
        return min(instants, default=None)

    def _learn(self, entry: Entry) -> None:
        key = (entry.environment, entry.stream[4:])
        self._due.clear(key)
        self._expiry.clear(key)
        match entry.fact:
            case RunCreated(start_at=at) if at > entry.recorded_at:
                self._due.set(key, at)
            case RunStarted(timeout_at=at) if at:
                self._expiry.set(key, at)
            case RunSuspended(due_at=at) | RunRetrying(due_at=at) if at:
                self._due.set(key, at)
            case _:
                pass
