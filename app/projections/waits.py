"""Read your writes: wait until a projection has reached a position, or has an event in its state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from app.errors import InvalidArgument, IronflowError, ProjectionStopped
from app.events.reading import EventReader
from app.history.tail import Tail
from app.listening import listening
from app.projections.feed import Feed
from app.projections.noun import Projection
from app.projections.registry import Registry
from storage.contract import Storage
from storage.projections import Key

TIMEOUT_S = 30.0
TIMEOUT_S_MAX = 60.0
FOLLOW_S_MAX = 300.0
ITEMS_MAX = 16
RECHECK_S = 0.1
"""How often to look whether another node has folded on, while somebody waits."""


class Caught(msgspec.Struct, frozen=True):
    """How far a projection has come towards `target`."""

    caught_up: bool
    timed_out: bool
    current: int
    target: int
    rebuilding: bool
    mode: str

    @property
    def over(self) -> bool:
        """Whether nobody waits any more."""
        return self.caught_up or self.timed_out

    @property
    def behind(self) -> int:
        return max(0, self.target - self.current)


class Item(msgspec.Struct, frozen=True):
    name: str
    target: int


class CatchUps:
    def __init__(self, *, storage: Storage, tail: Tail, registry: Registry, feed: Feed) -> None:
        self._alone = storage.dialect == "sqlite"
        self._tail = tail
        self._registry = registry
        self._feed = feed
        self._events = EventReader(storage)
        self._moved = asyncio.Event()
        self._moves: dict[Key, asyncio.Event] = {}
        self._saved: dict[Key, int] = {}

    @property
    def next_move(self) -> asyncio.Event:
        """Set once a projection has come further on this node."""
        return self._moved

    def moved(self, key: Key, position: int) -> None:
        """A generation has come to a position on this node."""
        self._saved[key] = max(position, self._saved.get(key, 0))
        if (move := self._moves.pop(key, None)) is not None:
            move.set()
        self._moved.set()
        self._moved = asyncio.Event()

    async def until(self, environment: str, name: str, target: int, *, timeout_s: float = TIMEOUT_S) -> Caught:
        """Returns when the projection that serves has reached a position, or the time is over. Raises
        ProjectionNotFound, ProjectionStopped if it is stopped before that, InvalidArgument."""
        _check(target, timeout_s, TIMEOUT_S_MAX)
        looks = self._looks(environment, name, target, timeout_s=timeout_s, beat_s=timeout_s)
        async with aclosing(looks):
            async for caught in looks:
                if caught.over:
                    return caught
        raise AssertionError("the last look is the end of a wait")

    async def follow(
        self, environment: str, name: str, target: int, *, timeout_s: float = TIMEOUT_S, beat_s: float
    ) -> AsyncGenerator[Caught, None]:
        """How far it is: at first, whenever it has come further, whenever `beat_s` have gone by without that, and at
        the end of the wait. Who is slow to take it is told less often. Raises as `until` does."""
        _check(target, timeout_s, FOLLOW_S_MAX)
        loop = asyncio.get_running_loop()
        told, told_at = -1, 0.0
        looks = self._looks(environment, name, target, timeout_s=timeout_s, beat_s=beat_s)
        async with aclosing(looks):
            async for caught in looks:
                if caught.over or caught.current > told or loop.time() - told_at >= beat_s:
                    told, told_at = caught.current, loop.time()
                    yield caught

    async def _looks(
        self, environment: str, name: str, target: int, *, timeout_s: float, beat_s: float
    ) -> AsyncGenerator[Caught, None]:
        """A look whenever something may have changed, and at least every `beat_s`; the last one is the end."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while True:
            projection = self._registry.get(environment, name)
            move = self._moves.setdefault(projection.key(), asyncio.Event())
            with listening(move.wait(), self._registry.changed()) as first:
                left_s = until - loop.time()
                caught = await self._look(projection, target, last=left_s <= 0)
                yield caught
                if caught.over:
                    return
                if projection.serving.error:
                    raise ProjectionStopped(
                        f"{name} was stopped by event {projection.serving.error_event_id}: {projection.serving.error}",
                        hint=f"`ironflow projection resume {name}` tries it again; `skip` and `park` go on without it",
                    )
                # Events that it is not for only move history on.
                wait_s = left_s if self._alone and target <= self._tail.head else min(left_s, RECHECK_S)
                await first(min(wait_s, beat_s))

    async def until_event(self, environment: str, event_id: str, name: str, *, timeout_s: float = TIMEOUT_S) -> Caught:
        """Returns when an event is in the state, or the time is over. Raises EventNotFound, and as `until`."""
        self._registry.get(environment, name)
        entry = await self._events.get(environment, event_id)
        return await self.until(environment, name, entry.position, timeout_s=timeout_s)

    async def until_all(
        self, environment: str, items: Sequence[Item], *, timeout_s: float = TIMEOUT_S
    ) -> Sequence[Caught | IronflowError]:
        """One answer each, in order. Raises InvalidArgument for too many."""
        if not 1 <= len(items) <= ITEMS_MAX:
            raise InvalidArgument(f"{len(items)} items cannot be waited for", field="items", hint=f"1 to {ITEMS_MAX}")

        async def one(item: Item) -> Caught | IronflowError:
            try:
                return await self.until(environment, item.name, item.target, timeout_s=timeout_s)
            except IronflowError as error:
                return error

        return await asyncio.gather(*map(one, items))

    async def _look(self, projection: Projection, target: int, *, last: bool) -> Caught:
        reached = self._saved.get(projection.key(), 0)
        if reached < target:
            reached, _ = await self._feed.reached(projection, projection.serving)
        return Caught(
            reached >= target,
            last and reached < target,
            reached,
            target,
            projection.building is not None,
            projection.serving.definition.mode,
        )


def _check(target: int, timeout_s: float, timeout_s_max: float) -> None:
    """Raises InvalidArgument."""
    if not 0 <= timeout_s <= timeout_s_max:
        hint = f"at most {timeout_s_max:g} s"
        raise InvalidArgument(f"timeout {timeout_s:g} s is out of range", field="timeout", hint=hint)
    if not 0 <= target < 2**62:
        raise InvalidArgument(f"position {target} is out of range", field="minSeq", hint="a position of history")
