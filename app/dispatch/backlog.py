"""The backlog: every unfinished run of the store, where it belongs, and which of them is next.

Between history and the queue: it follows runs and functions entry by entry, says which functions may have something to
hand out now, and counts what executes, on other nodes too. In memory only; at start it is filled from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from app.clock import Clock
from app.dispatch.queue import Lane, Limits, Queue, Ready, Takes
from app.dispatch.workers import Session, Sessions
from app.history.entry import Entry
from app.history.kinds import (
    Dispatch,
    FunctionRegistered,
    FunctionStatusChanged,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    Throttle,
)
from app.runs.function import Function
from storage import runs
from storage.contract import Storage
from storage.records import RunRow

ACTORS_MAX = 100_000

_PLAIN = Dispatch()
_STOPPED = frozenset((RunPaused.kind, RunReleased.kind, RunRetrying.kind, RunSuspended.kind, RunUnwinding.kind))
_ENDED = frozenset((RunCompleted.kind, RunFailed.kind, RunCancelled.kind))
_decode = msgspec.json.Decoder(Dispatch).decode


class Place(msgspec.Struct):
    """An unfinished run; `started` tells that it was handed out before, so that a throttle does not count it again."""

    lane: Lane
    dispatch: Dispatch
    created_at: int
    started: bool = False


class Elsewhere(NamedTuple):
    """An execution of a run by a worker that is connected to another node."""

    environment: str
    run_id: str
    execution_seq: int
    node_id: str


class Backlog:
    """`node_id` is this node's."""

    def __init__(self, *, storage: Storage, clock: Clock, sessions: Sessions, node_id: str) -> None:
        self._storage = storage
        self._clock = clock
        self._sessions = sessions
        self._node_id = node_id
        self._places: dict[str, Place] = {}
        self._elsewhere: dict[str, Elsewhere] = {}
        self._actors = _Actors()
        self.throttled = asyncio.Event()
        self.queue = Queue(self.throttled.set)

    def __len__(self) -> int:
        return len(self.queue)

    # At start.

    async def allow(self, functions: Iterable[Function]) -> None:
        """What each function allows, and which of its runs started within the window of its throttle."""
        for function in functions:
            lane, fact = (function.environment, function.fact.id), function.fact
            self.queue.configure(lane, Limits(fact.concurrency, fact.throttle, _stands_still(function.status)))
            if fact.throttle is not None:
                await self._take_up_starts(lane, fact.throttle)

    def take_up(self, row: RunRow) -> None:
        """An unfinished run that the store has."""
        self._places[row.id] = place = _place(row)
        if row.status == "waiting_for_capacity":
            self.queue.push(place.lane, _ready(row.id, place))

    def executes_elsewhere(self, execution: Elsewhere) -> None:
        """A run that the store has, executed by a worker of another node: it takes up capacity."""
        place = self._places[execution.run_id]
        place.started = True
        self._elsewhere[execution.run_id] = execution
        self.queue.occupy(place.lane, execution.run_id, place.dispatch)

    # As history goes on.

    def create(self, entry: Entry, event: Entry | None) -> Lane | None:
        """A run was created: its function, unless it starts later. With its event it can be handed out as it is."""
        created, run_id = entry.fact, entry.stream[4:]
        assert isinstance(created, RunCreated)
        lane = (entry.environment, created.function_id)
        place = self._places[run_id] = Place(lane, created.dispatch, entry.recorded_at)
        if created.start_at > entry.recorded_at:  # its timer brings it
            return None
        ready = _ready(run_id, place)
        if event is not None and created.forked_from is None:  # a fork is handed out with what it begins with
            ready.created, ready.event = created, event
        self.queue.push(lane, ready)
        return lane

    def learn(self, entry: Entry) -> Lane | None:
        """What any other entry changes here; the function that may have something to hand out because of it."""
        match entry.fact if entry.kind in LEARNED else None:
            case RunStarted() as started:
                self._started(entry, started)
            case FunctionRegistered() as fact:
                return self._configure(entry, concurrency=fact.concurrency, throttle=fact.throttle)
            case FunctionStatusChanged(status=status):
                return self._configure(entry, paused=_stands_still(status))
            case RunCompleted() | RunFailed() | RunCancelled():
                return self._stopped(entry.stream[4:], forget=True)
            case RunReleased() | RunRetrying() | RunSuspended() | RunUnwinding() | RunPaused():
                return self._stopped(entry.stream[4:], forget=False)
            case _:
                pass
        return None

    def again(self, run_id: str) -> Lane | None:
        """The run can go on; its function, or None for a run that has ended or is not known here."""
        place = self._places.get(run_id)
        if place is None:
            return None
        self.queue.push(place.lane, _ready(run_id, place))
        return place.lane

    def known(self, run_id: str) -> bool:
        return run_id in self._places

    def executed_by(self, node_id: str) -> Sequence[Elsewhere]:
        """What another node's workers execute."""
        return [execution for execution in self._elsewhere.values() if execution.node_id == node_id]

    def know(self, row: RunRow) -> None:
        """A run that had been forgotten, because it had ended, and was resumed."""
        self._places[row.id] = _place(row)

    # Handing out.

    def next(self, session: Session, lane: Lane) -> Ready | None:
        """The run of the function that this worker may have next; it takes up capacity until it is released."""
        if not self.queue.waits(lane):
            return None
        ready = self.queue.pop(lane, self._clock.now_us(), self._actors.taken_by(session, lane))
        if ready is not None and ready.dispatch.actor_id:
            self._actors.bind(lane, ready.dispatch.actor_id, session)
        return ready

    def _started(self, entry: Entry, started: RunStarted) -> None:
        run_id = entry.stream[4:]
        place = self._places.get(run_id)
        if place is None:
            return
        place.started = True
        if started.node != self._node_id:
            self.queue.discard(place.lane, run_id)
            self.executes_elsewhere(Elsewhere(entry.environment, run_id, started.execution_seq, started.node))

    def _stopped(self, run_id: str, *, forget: bool) -> Lane | None:
        place = self._places.get(run_id)
        if place is None:
            return None
        self.queue.discard(place.lane, run_id)
        if forget:
            del self._places[run_id]
        if self._elsewhere.pop(run_id, None) is not None:
            self.queue.release(run_id)
            return place.lane
        return None

    def _configure(self, entry: Entry, **changes: object) -> Lane:
        lane = (entry.environment, entry.stream.partition("/")[2])
        self.queue.configure(lane, self.queue.limits(lane)._replace(**changes))  # type: ignore[arg-type]
        return lane

    async def _take_up_starts(self, lane: Lane, throttle: Throttle) -> None:
        since = self._clock.now_us() - throttle.period_ms * 1_000
        rows = await self._storage.read(lambda tx: runs.throttled(tx, *lane, since=since))
        found: dict[str, list[int]] = {}
        for started_at, text in reversed(rows):
            key = _decode(text).throttle_key
            if key is not None:
                found.setdefault(key, []).append(started_at)
        for key, instants in found.items():
            self.queue.started(lane, key, instants)


LEARNED = _STOPPED | _ENDED | {RunStarted.kind, FunctionRegistered.kind, FunctionStatusChanged.kind}


class _Actors:
    """Which worker has the runs of an actor: the one that had the last, while it is there. What is longest ago is
    forgotten first."""

    def __init__(self) -> None:
        self._bound: dict[tuple[Lane, str], Session] = {}

    def bind(self, lane: Lane, actor_id: str, session: Session) -> None:
        """The worker has a run of the actor."""
        key = (lane, actor_id)
        self._bound.pop(key, None)
        self._bound[key] = session
        if len(self._bound) > ACTORS_MAX:
            del self._bound[next(iter(self._bound))]

    def taken_by(self, session: Session, lane: Lane) -> Takes:
        """Whether the worker may have runs of an actor: unless they stick to another that takes jobs."""

        def takes(actor_id: str) -> bool:
            holder = self._bound.get((lane, actor_id))
            return holder is None or holder is session or holder.closed or holder.draining

        return takes


def _ready(run_id: str, place: Place) -> Ready:
    return Ready(run_id, dispatch=place.dispatch, created_at=place.created_at, is_first=not place.started)


def _place(row: RunRow) -> Place:
    dispatch = _decode(row.dispatch) if row.dispatch else _PLAIN
    return Place((row.environment, row.function_id), dispatch, row.created_at, row.started_at is not None)


def _stands_still(status: str) -> bool:
    return status in ("paused", "archived")
