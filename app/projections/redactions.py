"""Redacting an event, a step or a run: their payloads go for good, and what was derived from them is made anew.

The state and the row of a run are folded anew in the transaction that redacts (app/history/redaction.py). Snapshots of
the entity that an event belongs to are dropped, and projections of such events are rebuilt: their reducers see the
placeholder. Doing it again finishes what was interrupted, and changes nothing once it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app import ids, texts
from app.errors import (
    Conflict,
    EventNotFound,
    FailedPrecondition,
    InvalidArgument,
    RunNotFound,
    StepNotFound,
    Unimplemented,
)
from app.events.reading import EventReader
from app.history.committer import Command, Committer, Decision
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.kinds.entity import entity_of
from app.history.redaction import Redaction, stream
from app.ids import Ids
from app.projections.definition import chosen
from app.projections.service import Projections
from app.runs import folding, gates, noun
from app.runs.state import TERMINAL, Run
from storage import entities, history
from storage.contract import Storage, Transaction

AT_ONCE = 1_000


class Redacted(msgspec.Struct, frozen=True):
    """How many entries lost their payloads: none if they had none left. `rebuilding` names projections that are folded
    anew. `event_id` is the event of a run whose payload stays, because other runs were started by it too."""

    entries: int
    rebuilding: Sequence[str] = ()
    event_id: str = ""


class Redactions:
    def __init__(self, *, storage: Storage, committer: Committer, projections: Projections, ids: Ids) -> None:
        self._storage = storage
        self._committer = committer
        self._projections = projections
        self._events = EventReader(storage)
        self._ids = ids

    async def event(self, environment: str, event_id: str, *, reason: str, actor: str = "") -> Redacted:
        """The event's data and metadata go. Raises EventNotFound, InvalidArgument."""
        _check(reason)
        entry = await self._events.get(environment, event_id)
        return await self._event(environment, entry, reason, actor)

    async def step(self, environment: str, step_id: str, *, reason: str, actor: str = "") -> Redacted:
        """What was ever recorded as the step's output or failure goes; the run has ended. Raises StepNotFound,
        RunNotFound, FailedPrecondition, InvalidArgument."""
        _check(reason)
        run_id = step_id.partition(":")[0]
        if not ids.valid("run", run_id):
            raise StepNotFound(
                f"{step_id[:80]!r} is no step", field="step_id", hint="an id such as run_…:charge:0, see its run"
            )
        return Redacted(await self._of_run(environment, run_id, reason, actor, step_id=step_id))

    async def run(self, environment: str, run_id: str, *, reason: str, actor: str = "") -> Redacted:
        """All outputs, failures and notes of the run go, and its event, if no other run was started by that; it has
        ended. Raises RunNotFound, FailedPrecondition, InvalidArgument."""
        _check(reason)
        entries = await self._of_run(environment, run_id, reason, actor)
        run: Run | None = await self._storage.read(lambda tx: _state(tx, environment, run_id))
        assert run is not None, f"{run_id} was there"
        if run.on_failure:
            entries += await self._owed(environment, gates.stream("failure", run.on_failure, run_id), reason, actor)
        try:
            event = await self._events.get(environment, run.event_id)
        except EventNotFound:
            return Redacted(entries)
        fact = event.fact
        assert isinstance(fact, EventEmitted)
        if set(fact.run_ids) - {run_id}:
            return Redacted(entries, event_id=fact.id)
        done = await self._event(environment, event, reason, actor)
        return Redacted(entries + done.entries, done.rebuilding)

    async def _event(self, environment: str, entry: Entry, reason: str, actor: str) -> Redacted:
        wanted = Redaction(self._ids.redaction(), entry.stream, entry.version - 1, 1, reason, actor)
        count = await self._commit(environment, wanted, lambda states: None)
        entity = entity_of(entry.stream)
        if entity is not None:
            await self._storage.write(lambda tx: entities.drop_snapshots(tx, environment, *entity))
        fact = entry.fact
        assert isinstance(fact, EventEmitted)
        rebuilding = await self._rebuild(environment, fact.name, reason, actor) if count else ()
        return Redacted(count, rebuilding)

    async def _of_run(self, environment: str, run_id: str, reason: str, actor: str, *, step_id: str = "") -> int:
        where, count = noun.stream(run_id), 0

        def check(states: Mapping[str, Any]) -> None:
            run: Run | None = states[where]
            if run is None:
                raise RunNotFound(f"no run {run_id[:80]!r}", hint="`ironflow run list` shows the newest")
            if step_id and step_id not in run.steps and step_id not in run.open:
                raise StepNotFound(f"run {run_id} has no step {step_id[:120]!r}", field="step_id")
            if run.status not in TERMINAL:
                raise FailedPrecondition(
                    f"run {run_id} is {run.status}", hint="redact it when it has ended, or cancel it first"
                )

        if not ids.valid("run", run_id):
            raise RunNotFound(f"no run {run_id[:80]!r}", hint="`ironflow run list` shows the newest")
        last = await self._storage.read(lambda tx: history.last_of_stream(tx, environment, where))
        for after_version in range(0, max(1, last.version if last else 0), AT_ONCE):
            wanted = Redaction(self._ids.redaction(), where, after_version, AT_ONCE, reason, actor, step_id)
            count += await self._commit(environment, wanted, check)
        return count

    async def _owed(self, environment: str, gate: str, reason: str, actor: str) -> int:
        """What the on_failure function was owed for the run: the failure."""
        wanted = Redaction(self._ids.redaction(), gate, 0, AT_ONCE, reason, actor)
        return await self._commit(environment, wanted, lambda states: None)

    async def _commit(self, environment: str, wanted: Redaction, check: Callable[[Mapping[str, Any]], None]) -> int:
        """How many entries it vouches for."""

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            check(states)
            return Decision((), redaction=wanted)

        await self._committer.commit(Command(environment, (wanted.stream,), decide, weight=wanted.limit))
        told = await self._storage.read(lambda tx: history.last_of_stream(tx, environment, stream(wanted.id)))
        return len(Entry(told).fact.vouchers) if told is not None else 0  # type: ignore[attr-defined]

    async def _rebuild(self, environment: str, name: str, reason: str, actor: str) -> Sequence[str]:
        """Fold projections of such events anew; a rebuild under way may have seen the payload, and begins again."""
        begun: list[str] = []
        rebuilds = self._projections.rebuilds
        for projection in self._projections.registry.list(environment):
            if not chosen(projection.serving.definition.events).wants(name):
                continue
            told = f"an event was redacted: {reason}"[: texts.REASON_CHARS_MAX]
            try:
                if projection.building is not None:
                    await rebuilds.cancel(environment, projection.name, reason=told, actor=actor)
                await rebuilds.start(environment, projection.name, reason=told, actor=actor)
            except (Conflict, FailedPrecondition, Unimplemented):
                continue  # it is not ours to fold, or somebody is about it: the guide says how to do it oneself
            begun.append(projection.name)
        return begun


def _state(tx: Transaction, environment: str, run_id: str) -> Run | None:
    state: Run | None = None
    for record in history.whole_stream(tx, environment, noun.stream(run_id)):
        state = folding.apply(state, Entry(record))
    return state


def _check(reason: str) -> None:
    if not reason.strip():
        raise InvalidArgument("a reason is missing", field="reason", hint="say why: it is kept in history")
    texts.reason(reason)
