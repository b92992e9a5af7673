"""Which unfinished runs an event cancels: their functions' cancel_on, with the values of their own events.

In memory, and found by value, so that a hundred thousand waiting runs cost an event nothing. It is filled from the runs
table at start and follows history; the runs that an event of this process starts are in it before they are recorded.
Cancelling is part of the event's own commit.

Other runs are heard of when they are recorded already: resumed, forked, let go by a gate, begun by a run or on another
node. An event may have looked for them here too early. So once everything has been recorded that was submitted before
the run was known, the events since it began, or went on, are looked at again. The same is done at start for the end of
history, since the process before may have been killed in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from app import expressions
from app.errors import InvalidArgument
from app.history.committer import Command, Committer, Decision, submitted
from app.history.entry import Draft, Entry
from app.history.insist import after_all, insist, unheeded
from app.history.kinds import (
    CancelWhen,
    Dispatch,
    EventEmitted,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunResumed,
)
from app.history.tail import Tail
from app.patterns import PatternIndex
from app.runs import noun, steering
from app.runs.limits import VARIABLES, key_text, path_of, value_at
from app.runs.matching import Candidate
from storage import history, runs
from storage.contract import Storage

_ENDED = frozenset((RunCompleted.kind, RunFailed.kind, RunCancelled.kind))
_KINDS = _ENDED | {RunCreated.kind, RunResumed.kind}
_dispatch = msgspec.json.Decoder(Dispatch)

LOOKED_AT_AGAIN = 2_000
"""Entries at the end of history that a process looks at again when it starts."""

Key = tuple[str, str]
"""Environment and run id."""


class _Case(NamedTuple):
    """A sort of cancellation: what is compared, and what has to hold besides."""

    event: str
    match: str
    expression: str


class _Environment:
    def __init__(self) -> None:
        self.index: PatternIndex[_Case] = PatternIndex()
        self.waiting: dict[_Case, dict[str, dict[str, None]]] = {}
        self.of_run: dict[str, tuple[CancelWhen, ...]] = {}


class Cancellations:
    def __init__(self, *, storage: Storage, tail: Tail, committer: Committer) -> None:
        self._storage = storage
        self._tail = tail
        self._committer = committer
        self._environments: dict[str, _Environment] = {}
        self._position = 0
        self._doubtful = 0
        """Up to there it is not known whether the process before looked back at runs."""

    async def start(self) -> None:
        """Take up the unfinished runs that the store holds, paused ones too."""
        self._position = self._tail.head
        after = ""
        while rows := await self._storage.read(lambda tx, after=after: runs.cancellable(tx, after=after)):  # type: ignore[misc]
            for environment, run_id, dispatch in rows:
                self.add(environment, run_id, _dispatch.decode(dispatch))
            after = rows[-1][1]
        if self._environments:
            self._doubtful = self._position
            self._position = max(0, self._position - LOOKED_AT_AGAIN)

    async def run(self) -> None:
        """Follow runs, of other nodes too, until cancelled."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            late: dict[Key, int] = {}
            for entry in batch:
                if not self._environments and entry.kind in _ENDED:
                    continue
                key = _key(entry)
                match entry.fact:
                    case RunCreated(dispatch=dispatch):
                        is_news = self.add(*key, dispatch)
                        if is_news or (dispatch.cancel_on and entry.position <= self._doubtful):
                            late[key] = entry.position
                    case RunResumed():  # it may have failed, and been forgotten
                        if await self._add_again(*key) or entry.position <= self._doubtful:
                            late[key] = entry.position
                    case _:
                        self.remove(*key)
                        late.pop(key, None)
            if late:
                await self._look_back(late)

    def add(self, environment: str, run_id: str, dispatch: Dispatch) -> bool:
        """From now on events can cancel the run. Whether they could not before."""
        if not dispatch.cancel_on:
            return False
        known = self._environments.setdefault(environment, _Environment())
        if run_id in known.of_run:
            return False
        known.of_run[run_id] = dispatch.cancel_on
        for one in dispatch.cancel_on:
            case = _Case(one.event, one.match, one.expression)
            if case not in known.waiting:
                known.waiting[case] = {}
                known.index.add(case.event, case)
            known.waiting[case].setdefault(one.value, {})[run_id] = None
        return True

    def matching(
        self, environment: str, event_name: str, envelope: Callable[[], Mapping[str, Any]], variables: Callable[[], Any]
    ) -> list[str]:
        """The runs that the event cancels, each once."""
        known = self._environments.get(environment)
        if known is None or not known.of_run:
            return []
        found: dict[str, None] = {}
        for case in known.index.matching(event_name):
            value = key_text(value_at(envelope(), path_of(case.match) or ())) if case.match else ""
            runs_of_value = known.waiting[case].get(value) if value is not None else None
            if runs_of_value and (not case.expression or _holds(case.expression, variables)):
                found |= runs_of_value
        return list(found)

    async def _add_again(self, environment: str, run_id: str) -> bool:
        known = self._environments.get(environment)
        if known is not None and run_id in known.of_run:
            return False
        row = await self._tail.ask(lambda tx: runs.get(tx, environment, run_id))
        return bool(row and row.dispatch and self.add(environment, run_id, _dispatch.decode(row.dispatch)))

    async def _look_back(self, late: Mapping[Key, int]) -> None:
        """Cancel those of the runs, known here from now on, that events recorded after a position of theirs cancel."""
        await submitted(partial(after_all, self._committer))
        after, until = min(late.values()), self._tail.head
        late = dict(late)
        while late and after < until:
            page = await self._tail.ask(lambda tx, after=after: history.after(tx, after))  # type: ignore[misc]
            for entry in map(Entry, page):
                if entry.kind == EventEmitted.kind and entry.position <= until:
                    self._cancel_late(late, entry)
                elif entry.kind in _ENDED and late.get(key := _key(entry), entry.position) < entry.position:
                    del late[key]
            after = page[-1].position

    def _cancel_late(self, late: Mapping[Key, int], event: Entry) -> None:
        seen = Candidate(event)
        environment = event.environment
        for run_id in self.matching(environment, seen.fact.name, lambda: seen.envelope, seen.variables):
            if late.get((environment, run_id), event.position) < event.position:
                command = _cancelling(environment, run_id, event, seen.fact.id)
                insist(partial(self._committer.submit, command), unheeded)

    def remove(self, environment: str, run_id: str) -> None:
        """The run has ended, or was not created after all."""
        known = self._environments.get(environment)
        for one in known.of_run.pop(run_id, ()) if known else ():
            assert known is not None
            case = _Case(one.event, one.match, one.expression)
            by_value = known.waiting[case]
            by_value[one.value].pop(run_id, None)
            if not by_value[one.value]:
                del by_value[one.value]
            if not by_value:
                del known.waiting[case]
                known.index.remove(case)


def _holds(expression: str, variables: Callable[[], Any]) -> bool:
    try:
        compiled = expressions.compile(expression, variables=VARIABLES, field="expression")
    except InvalidArgument:  # what an older release took holds for nothing
        return False
    return compiled.true(variables(), on_error=False)


def _key(entry: Entry) -> Key:
    return entry.environment, entry.stream[4:]


def _cancelling(environment: str, run_id: str, event: Entry, event_id: str) -> Command:
    """Cancel the run by an event that is recorded, unless it has ended."""
    where = noun.stream(run_id)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        facts = steering.decide_cancel_on(states[where], event_id)
        return Decision([Draft(where, fact, event.stream, event_id, event.actor) for fact in facts])

    return Command(environment, (where,), decide)
