"""What history says of runs, as the dispatcher has to know it: which are there to be started, and which have ended."""

from __future__ import annotations

from collections.abc import Callable

from app.dispatch.backlog import LEARNED, Backlog
from app.dispatch.queue import Lane
from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunResumed,
    RunSuspended,
    RunUnwinding,
    RunWoken,
)
from app.history.tail import Tail
from storage import runs

_ENDED = frozenset((RunCompleted.kind, RunFailed.kind, RunPaused.kind, RunCancelled.kind, RunUnwinding.kind))
_AVAILABLE = frozenset((RunReleased.kind, RunResumed.kind, RunWoken.kind, RunUnwinding.kind))
_KINDS = LEARNED | _ENDED | _AVAILABLE | {RunCreated.kind, RunSuspended.kind, EventEmitted.kind}


class Arrivals:
    """`offer` is told of each lane that has something new, `ended` of each run that no execution holds any more."""

    def __init__(
        self,
        *,
        tail: Tail,
        backlog: Backlog,
        offer: Callable[[Lane | None], None],
        ended: Callable[[str, str], None],
    ) -> None:
        self._tail = tail
        self._backlog = backlog
        self._offer = offer
        self._ended = ended
        self._position = 0

    def start(self) -> None:
        """What follows from here on is news."""
        self._position = self._tail.head

    async def run(self) -> None:
        """Follow history until cancelled, before everybody else."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS, first=True):
            events: dict[str, Entry] = {}
            for entry in batch:
                kind = entry.kind
                if kind == RunCreated.kind:
                    self._offer(self._backlog.create(entry, events.get(entry.correlation)))
                    continue
                self._offer(self._backlog.learn(entry))
                if kind == EventEmitted.kind:
                    events[entry.correlation] = entry
                elif kind == RunSuspended.kind:
                    suspended = entry.fact
                    assert isinstance(suspended, RunSuspended)
                    if suspended.ready:
                        await self._available_again(entry)
                else:
                    if kind in _ENDED:
                        self._ended(entry.stream[4:], kind)
                    if kind in _AVAILABLE:
                        await self._available_again(entry)
            self._position = batch[-1].position

    async def _available_again(self, entry: Entry) -> None:
        run_id = entry.stream[4:]
        if not self._backlog.known(run_id):
            row = await self._tail.ask(lambda tx: runs.get(tx, entry.environment, run_id))
            assert row is not None, "what history tells of has a row"
            self._backlog.know(row)
        self._offer(self._backlog.again(run_id))
