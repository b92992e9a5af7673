"""Runs that could start now: which one is next, and whether its function has capacity for it.

    function ─┬─ lane (concurrency key, throttle key, actor) ─── runs, first by priority and age
              ├─ lane …        lanes take turns, so that a hot key starves no other
              └─ parked lanes: until a run of their concurrency key ends, or their throttle's window has room

A priority counts in seconds of waiting: a run of priority 60 goes before those that came up to a minute earlier, and
whatever waits long enough is first. In memory only: at start the dispatcher fills it from the runs table, afterwards
from the tail. All instants are arguments.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from app.history.entry import Entry
from app.history.kinds import Concurrency, Dispatch, RunCreated, Throttle
from app.runs.limits import fits_at

KEPT_BYTES_MAX = 32 * 2**20
STARTS_KEPT_MAX = 1_000

Lane = tuple[str, str]
"""Environment and function id."""

Takes = Callable[[str], bool]
"""Whether the worker that asks may have runs of an actor."""

_PLAIN = Dispatch()


class Ready(msgspec.Struct):
    """A run to start. A fresh one, never started, comes with its creation and its event, unless memory was short; it
    alone counts for a throttle. `created_at` is where its waiting counts from."""

    run_id: str
    created: RunCreated | None = None
    event: Entry | None = None
    dispatch: Dispatch = _PLAIN
    created_at: int = 0
    is_first: bool = False


class Limits(NamedTuple):
    """What a function allows now."""

    concurrency: Concurrency | None = None
    throttle: Throttle | None = None
    paused: bool = False


class _Key(msgspec.Struct, frozen=True):
    """A lane within a function; `throttle` is None for runs that no throttle counts."""

    concurrency: str
    throttle: str | None
    actor: str


_Item = tuple[float, int, Ready]


class _Function(msgspec.Struct):
    limits: Limits
    lanes: dict[_Key, list[_Item]] = msgspec.field(default_factory=dict)
    turn: deque[_Key] = msgspec.field(default_factory=deque)
    at_capacity: dict[str, list[_Key]] = msgspec.field(default_factory=dict)
    throttled: list[tuple[int, int, _Key]] = msgspec.field(default_factory=list)
    running: dict[str, int] = msgspec.field(default_factory=dict)
    starts: dict[str, deque[int]] = msgspec.field(default_factory=dict)
    starts_max: int = STARTS_KEPT_MAX


class Queue:
    """`on_throttled` is called when a lane has to wait for its throttle, and `next_at` may have changed."""

    def __init__(self, on_throttled: Callable[[], None] = lambda: None) -> None:
        self._on_throttled = on_throttled
        self._functions: dict[Lane, _Function] = {}
        self._items: dict[str, Ready] = {}
        self._busy: dict[str, tuple[Lane, str]] = {}
        self._more: dict[str, int] = {}
        """Of runs that were popped again before they were released, how often."""
        self._kept_bytes = 0
        self._number = 0

    def __len__(self) -> int:
        return len(self._items)

    def configure(self, lane: Lane, limits: Limits) -> None:
        """What the function allows from now on."""
        function = self._function(lane)
        function.limits = limits
        self._unpark_all(function)

    def push(self, lane: Lane, ready: Ready) -> None:
        """Add the run, unless it is there already."""
        if ready.run_id in self._items:
            return
        if ready.event is not None:
            if self._kept_bytes > KEPT_BYTES_MAX:
                ready.created = ready.event = None
            else:
                self._kept_bytes += len(ready.event.data)
        self._items[ready.run_id] = ready
        function, dispatch = self._function(lane), ready.dispatch
        key = _Key(dispatch.concurrency_key, dispatch.throttle_key if ready.is_first else None, dispatch.actor_id)
        self._number += 1
        item = (ready.created_at - dispatch.priority * 1e6, self._number, ready)
        items = function.lanes.get(key)
        if items is None:
            function.lanes[key] = [item]
            function.turn.append(key)
        else:
            heapq.heappush(items, item)

    def waits(self, lane: Lane) -> bool:
        """Whether `pop` may find a run of the function: cheap, for those who ask of many."""
        function = self._functions.get(lane)
        return function is not None and bool(function.lanes)

    def pop(self, lane: Lane, now: int, takes: Takes | None = None) -> Ready | None:
        """The next run of the function that may start; it counts as running until it is released. Lanes of actors that
        `takes` refuses are left."""
        function = self._functions.get(lane)
        if function is None or function.limits.paused or not function.lanes:
            return None
        self._unpark_due(function, now)
        for _ in range(len(function.turn)):
            key = function.turn[0]
            items = function.lanes[key]
            while items and self._items.get(items[0][2].run_id) is not items[0][2]:
                heapq.heappop(items)  # discarded
            if not items:
                function.turn.popleft()
                del function.lanes[key]
                continue
            if self._parked(function, key, now):
                function.turn.popleft()
                continue
            if key.actor and takes is not None and not takes(key.actor):
                function.turn.rotate(-1)
                continue
            function.turn.popleft()
            ready = heapq.heappop(items)[2]
            if items:
                function.turn.append(key)
            else:
                del function.lanes[key]
            self._left(ready)
            self._count(lane, function, key, ready.run_id, now)
            return ready
        return None

    def discard(self, lane: Lane, run_id: str) -> None:
        """Take the run out, if it is there: it was cancelled, or another node has it."""
        ready = self._items.get(run_id)
        if ready is not None:
            self._left(ready)
            ready.created = ready.event = None

    def occupy(self, lane: Lane, run_id: str, dispatch: Dispatch) -> None:
        """The run executes, though it did not come from this queue: another node started it."""
        if run_id not in self._busy:
            self._busy[run_id] = (lane, dispatch.concurrency_key)
            running = self._function(lane).running
            running[dispatch.concurrency_key] = running.get(dispatch.concurrency_key, 0) + 1

    def release(self, run_id: str) -> None:
        """The run executes no more: another of its concurrency key may. One that was popped twice, because it could go
        on again before it was known what came of its start, is released twice."""
        lane, key = self._busy.get(run_id, (None, ""))
        if lane is None:
            return
        more = self._more.pop(run_id, 0)
        if more > 1:
            self._more[run_id] = more - 1
        elif not more:
            del self._busy[run_id]
        function = self._functions[lane]
        left = function.running[key] - 1
        if left:
            function.running[key] = left
        else:
            del function.running[key]
        function.turn.extend(function.at_capacity.pop(key, ()))

    def executes(self, run_id: str) -> bool:
        """Whether the run was popped, or executes on another node, and is not released."""
        return run_id in self._busy

    def started(self, lane: Lane, throttle_key: str, instants: Iterable[int]) -> None:
        """Runs of a throttled function that started before this queue was there, oldest first."""
        self._function(lane).starts[throttle_key] = deque(instants)

    def next_at(self) -> int | None:
        """When the next throttled lane may go on."""
        return min((one.throttled[0][0] for one in self._functions.values() if one.throttled), default=None)

    def wake(self, now: int) -> list[Lane]:
        """Let the throttled lanes go on whose time has come; the functions they belong to."""
        due = [lane for lane, one in self._functions.items() if one.throttled and one.throttled[0][0] <= now]
        for lane in due:
            self._unpark_due(self._functions[lane], now)
        return due

    def limits(self, lane: Lane) -> Limits:
        """What the function allows now."""
        function = self._functions.get(lane)
        return function.limits if function else Limits()

    def running(self, lane: Lane) -> Mapping[str, int]:
        """How many runs of the function execute, by concurrency key."""
        function = self._functions.get(lane)
        return dict(function.running) if function else {}

    def functions(self, environment: str) -> Sequence[Lane]:
        """The functions of an environment that had something here."""
        return [lane for lane in self._functions if lane[0] == environment]

    def waiting(self, lane: Lane) -> Sequence[Ready]:
        """The runs of the function that wait, in no order."""
        function = self._functions.get(lane)
        queued = function.lanes.values() if function else ()
        return [ready for items in queued for _, _, ready in items if self._items.get(ready.run_id) is ready]

    def blocking(self, lane: Lane) -> Callable[[Ready], str]:
        """Why a waiting run of the function does not start: paused, concurrency, throttle, or worker when only that is
        missing. To be asked of many runs at once, before anything changes."""
        function = self._functions.get(lane) or _Function(Limits())
        limit = function.limits.concurrency
        throttled = {parked.throttle for _, _, parked in function.throttled}

        def reason(ready: Ready) -> str:
            if function.limits.paused:
                return "paused"
            if limit is not None and function.running.get(ready.dispatch.concurrency_key, 0) >= limit.limit:
                return "concurrency"
            if ready.is_first and ready.dispatch.throttle_key in throttled:
                return "throttle"
            return "worker"

        return reason

    def _function(self, lane: Lane) -> _Function:
        function = self._functions.get(lane)
        if function is None:
            function = self._functions[lane] = _Function(Limits())
        return function

    def _parked(self, function: _Function, key: _Key, now: int) -> bool:
        """Whether the lane has to wait; it is put where it will be found again."""
        concurrency, throttle = function.limits.concurrency, function.limits.throttle
        if concurrency is not None and function.running.get(key.concurrency, 0) >= concurrency.limit:
            function.at_capacity.setdefault(key.concurrency, []).append(key)
            return True
        if throttle is None or key.throttle is None:
            return False
        starts = function.starts.get(key.throttle, ())
        at = fits_at(starts, limit=throttle.limit, period_us=throttle.period_ms * 1_000, now=now)
        if at > now:
            self._number += 1
            heapq.heappush(function.throttled, (at, self._number, key))
            self._on_throttled()
            return True
        return False

    def _count(self, lane: Lane, function: _Function, key: _Key, run_id: str, now: int) -> None:
        if run_id in self._busy:
            self._more[run_id] = self._more.get(run_id, 0) + 1
        self._busy[run_id] = (lane, key.concurrency)
        function.running[key.concurrency] = function.running.get(key.concurrency, 0) + 1
        throttle = function.limits.throttle
        if throttle is not None and key.throttle is not None:
            starts = function.starts.setdefault(key.throttle, deque())
            starts.append(now)
            while len(starts) > throttle.limit:
                starts.popleft()
            if len(function.starts) > function.starts_max:
                _forget(function.starts, now - throttle.period_ms * 1_000)
                function.starts_max = max(STARTS_KEPT_MAX, 2 * len(function.starts))

    def _unpark_due(self, function: _Function, now: int) -> None:
        while function.throttled and function.throttled[0][0] <= now:
            function.turn.append(heapq.heappop(function.throttled)[2])

    def _unpark_all(self, function: _Function) -> None:
        for keys in function.at_capacity.values():
            function.turn.extend(keys)
        function.turn.extend(key for _, _, key in function.throttled)
        function.at_capacity.clear()
        function.throttled.clear()

    def _left(self, ready: Ready) -> None:
        del self._items[ready.run_id]
        if ready.event is not None:
            self._kept_bytes -= len(ready.event.data)


def _forget(starts: dict[str, deque[int]], before: int) -> None:
    """Drop windows in which nothing started lately."""
    for key in [key for key, instants in starts.items() if instants[-1] < before]:
        del starts[key]
