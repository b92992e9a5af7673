"""The gatekeeper: makes runs of the events that wait at gates, when their time has come.

    debounce  a run for the last event            batch    an event that lists those that waited, and a run for it
    failure   an event with the error and the event of a run that failed, for the on_failure function

What waits is in history and in the gates table; this follower keeps the instants in memory. Firing is a command that
finds out whether there is still something to fire, so that two nodes, or a restart, never make two runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from app import clock as instants
from app import texts
from app.clock import Clock
from app.errors import FunctionNotFound, IronflowError, NotFound
from app.events import noun as event_noun
from app.events.emit import Emitter
from app.events.new_event import Claim, NewEvent
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.fold import Fold
from app.history.insist import passing
from app.history.kinds import (
    EventEmitted,
    Failure,
    FunctionRegistered,
    GateCancelled,
    GateFired,
    GateHeld,
    RunCreated,
)
from app.history.tail import Tail
from app.ids import Ids
from app.runs import admission, gates, limits, tags
from app.runs import noun as run_noun
from app.runs.functions import Functions
from app.runs.gates import Gate, Held
from app.runs.matching import Candidate
from app.runs.reading import RunReader
from app.scheduler.schedule import Schedule
from storage import events
from storage import gates as table
from storage.contract import Storage, StorageError, Transaction
from storage.records import GateRow

log = structlog.get_logger(__name__)

RETRY_US = 1_000_000
REFUSED_US = 60_000_000
LISTED_MAX = 1_000
BATCH_EVENT = "ironflow.batch"
FAILURE_EVENT = "ironflow.run.failed"

Key = tuple[str, str]
"""Environment and stream of a gate."""


_KINDS = frozenset((GateHeld.kind, GateFired.kind, GateCancelled.kind, FunctionRegistered.kind))


class Gatekeeper:
    def __init__(
        self,
        *,
        storage: Storage,
        tail: Tail,
        committer: Committer,
        fold: Fold,
        functions: Functions,
        emitter: Emitter,
        reader: RunReader,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._tail = tail
        self._committer = committer
        self._fold = fold
        self._functions = functions
        self._emitter = emitter
        self._reader = reader
        self._ids = ids
        self._clock = clock
        self._due: Schedule[Key] = Schedule()
        self._orphans: dict[tuple[str, str], set[str]] = {}
        self._changed = asyncio.Event()
        self._position = 0

    def __len__(self) -> int:
        return len(self._due)

    async def start(self) -> None:
        """Take up the gates at which something waits."""
        self._position = self._tail.head
        for row in await self._storage.read(lambda tx: list(table.everything(tx))):
            self._due.set((row.environment, row.stream), row.fires_at)

    async def run(self) -> None:
        """Fire what is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="gates-follow")
            tasks.create_task(self._fire_due(), name="gates-fire")

    # For people and programs.

    async def waiting(self, environment: str, option: str, *, limit: int = LISTED_MAX) -> Sequence[GateRow]:
        """The gates of an option at which events wait, next to fire first."""
        return await self._storage.read(lambda tx: table.waiting(tx, environment, option=option, limit=limit))

    async def cancel(
        self, environment: str, option: str, function_id: str, key: str, *, actor: str = "", reason: str = ""
    ) -> int:
        """How many events that waited are dropped now. Raises NotFound if none did."""
        where = gates.stream(option, function_id, key)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            gate: Gate | None = states[where]
            if gate is None or not gate.held:
                raise NotFound(
                    f"nothing waits at {option} of function {function_id[:80]!r} for key {key[:80]!r}",
                    hint="it may have fired meanwhile",
                )
            fact = GateCancelled(function_id=function_id, option=option, key=key, reason=texts.reason(reason))
            return Decision([Draft(where, fact, actor=actor)], len(gate.held))

        dropped: int = await self._committer.commit(Command(environment, (where,), decide))
        return dropped

    # Following and firing.

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            before = self._due.next_at()
            for entry in batch:
                self._learn(entry)
            if self._due.next_at() != before:
                self._changed.set()

    def _learn(self, entry: Entry) -> None:
        key = (entry.environment, entry.stream)
        match entry.kind:
            case GateHeld.kind:
                assert isinstance(entry.fact, GateHeld)
                self._due.set(key, entry.fact.fires_at)
            case GateFired.kind:
                assert isinstance(entry.fact, GateFired)
                if entry.fact.left:
                    self._due.set(key, entry.fact.fires_at)
                else:
                    self._due.clear(key)
            case GateCancelled.kind:
                self._due.clear(key)
            case FunctionRegistered.kind:
                waiting = self._orphans.pop((entry.environment, entry.stream.partition("/")[2]), set())
                for stream in waiting:
                    self._due.set((entry.environment, stream), entry.recorded_at)

    async def _fire_due(self) -> None:
        while True:
            due = self._due.pop_due(self._clock.now_us())
            await asyncio.gather(*(self._fire(environment, stream) for environment, stream in due))
            self._changed.clear()
            await self._clock.wait_until(self._due.next_at(), self._changed)

    async def _fire(self, environment: str, stream: str) -> None:
        """Make a run of what waits at the gate. What cannot be done now is tried again."""
        function_id = ""
        try:
            gate: Gate | None = await self._storage.read(lambda tx: self._fold.load(tx, environment, stream).state)
            if gate is None or not gate.held:
                return
            function_id = gate.function_id
            again_at = await _FIRE[gate.option](self, gate)
        except FunctionNotFound as error:
            log.warning("on_failure waits for its function", stream=stream, reason=str(error))
            self._orphans.setdefault((environment, function_id), set()).add(stream)
            return
        except (StorageError, IronflowError) as error:
            log.warning("gate not fired", stream=stream, error=str(error))
            again_at = self._clock.now_us() + (RETRY_US if passing(error) else REFUSED_US)
        if again_at:
            self._due.set((environment, stream), again_at)

    async def _fire_debounce(self, gate: Gate) -> int:
        run_id = self._ids.run()
        delay_ms = self._delay_ms(gate)
        event_id = gate.held[0].event_id
        given = self._tags(gate, await self._storage.read(lambda tx: _event(tx, gate.environment, event_id)))

        def drafts(held: Sequence[Held], now: int, created: RunCreated) -> list[Draft] | None:
            if held[0].event_id != event_id:
                return None
            created = msgspec.structs.replace(created, tags=given)
            return [_created(run_id, admission.delayed(created, delay_ms, now))]

        return await self._release(gate, run_id, 1, drafts)

    async def _fire_batch(self, gate: Gate) -> int:
        run_id, event_id = self._ids.run(), self._ids.event()
        delay_ms = self._delay_ms(gate)
        count = _together(gate.held, self._size(gate))
        listed = [held.event_id for held in gate.held[:count]]
        entries = await self._storage.read(lambda tx: [_event(tx, gate.environment, one) for one in listed])
        data = msgspec.Raw(msgspec.json.encode([_shown(entry) for entry in entries]))
        given = self._tags(gate, entries[-1])

        def drafts(held: Sequence[Held], now: int, created: RunCreated) -> list[Draft] | None:
            if [one.event_id for one in held] != listed:
                return None
            event = EventEmitted(id=event_id, name=BATCH_EVENT, data=data, source="batch", run_ids=(run_id,))
            created = msgspec.structs.replace(created, event_id=event_id, event_name=BATCH_EVENT, tags=given)
            return [
                Draft(event_noun.stream(event_id), event, gate.stream, event_id),
                _created(run_id, admission.delayed(created, delay_ms, now)),
            ]

        return await self._release(gate, run_id, count, drafts, new=(event_noun.stream(event_id),))

    async def _release(
        self,
        gate: Gate,
        run_id: str,
        count: int,
        drafts: Callable[[Sequence[Held], int, RunCreated], list[Draft] | None],
        new: tuple[str, ...] = (),
    ) -> int:
        """Let the first `count` events go as a run, if they are what waits and their time has come; when to look
        again, or 0."""
        where, size = gate.stream, self._size(gate)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Gate | None = states[where]
            if known is None or not known.held or known.created is None:
                return Decision((), 0)
            if known.fires_at > now:
                return Decision((), known.fires_at)
            made = drafts(known.held[:count], now, known.created)
            if made is None:
                return Decision((), now)
            left = len(known.held) - count
            fires_at = 0 if left <= 0 else now if left >= size else now + self._timeout_us(gate)
            fired = GateFired(
                function_id=gate.function_id,
                option=gate.option,
                key=gate.key,
                run_id=run_id,
                count=count,
                left=max(0, left),
                fires_at=fires_at,
            )
            return Decision([*made, Draft(where, fired, correlation=made[-1].correlation)], 0)

        again_at: int = await self._committer.commit(
            Command(gate.environment, (where,), decide, new=(run_noun.stream(run_id), *new))
        )
        return again_at

    async def _fire_failure(self, gate: Gate) -> int:
        record = await self._reader.get(gate.environment, gate.run_id)
        error = gate.error or Failure(message="")
        failed, event = record.state, record.event
        assert event is not None, f"{failed.id} was read without its event"
        data = {
            "run_id": failed.id,
            "function_id": failed.function_id,
            "function_version": failed.function_version,
            "error": {"message": error.message, "code": error.code, "retryable": error.retryable},
            "event": _shown(event),
        }

        def claim(known: Gate | None, run_id: str) -> GateFired | None:
            if known is None or not known.held:
                return None
            return GateFired(function_id=gate.function_id, option="failure", key=gate.key, run_id=run_id)

        await self._emitter.emit(
            NewEvent(
                environment=gate.environment,
                name=FAILURE_EVENT,
                data=msgspec.json.encode(data),
                source="ironflow",
                run_id=failed.id,
                function_ids=(gate.function_id,),
                only_these=True,
                owes_nothing=True,
                claim=Claim(gate.stream, claim),
            )
        )
        return 0

    def _tags(self, gate: Gate, event: Entry) -> tuple[str, ...]:
        """The tags of a run for the event: those given with it, then what the function gives it, as both are now."""
        candidate = Candidate(event)
        function = self._functions.find(gate.environment, gate.function_id)
        templates = function.fact.tags if function else ()
        return tags.started_with(candidate.fact.tags, templates, candidate.envelope["data"], candidate.variables)

    def _delay_ms(self, gate: Gate) -> int:
        function = self._functions.find(gate.environment, gate.function_id)
        return function.fact.delay_ms if function else 0

    def _size(self, gate: Gate) -> int:
        function = self._functions.find(gate.environment, gate.function_id)
        return function.fact.batch.size if function and function.fact.batch else len(gate.held) or 1

    def _timeout_us(self, gate: Gate) -> int:
        function = self._functions.find(gate.environment, gate.function_id)
        return function.fact.batch.timeout_ms * 1_000 if function and function.fact.batch else 0


_FIRE = {
    "debounce": Gatekeeper._fire_debounce,
    "batch": Gatekeeper._fire_batch,
    "failure": Gatekeeper._fire_failure,
}


def _created(run_id: str, created: RunCreated) -> Draft:
    cause = event_noun.stream(created.event_id)
    return Draft(run_noun.stream(run_id), created, cause, created.event_id)


def _together(held: Sequence[Held], size: int) -> int:
    """How many of the waiting events, from the first on, make one batch: at least one, within its size and weight."""
    weight = 0
    for count, one in enumerate(held[:size]):
        weight += one.size_bytes
        if count and weight > limits.BATCH_BYTES_MAX:
            return count
    return min(len(held), size)


def _event(tx: Transaction, environment: str, event_id: str) -> Entry:
    record = events.entry(tx, environment, event_id)
    assert record is not None, f"the event {event_id} is missing"
    return Entry(record)


def _shown(entry: Entry) -> Mapping[str, Any]:
    """An event as it lies in the data of another."""
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    return {
        "id": fact.id,
        "name": fact.name,
        "data": fact.data,
        "timestamp": instants.rfc3339(entry.recorded_at),
        "metadata": msgspec.Raw(entry.metadata),
        "source": fact.source,
        "version": fact.version,
    }
