"""Which unfinished runs an event cancels: their functions' cancel_on, with the values of their own events.

In memory, and found by value, so that a hundred thousand waiting runs cost an event nothing. It is filled from the runs
table at start and follows history; the runs of this process are in it when their creation is answered. Cancelling is
part of the event's own commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from app import expressions
from app.history.kinds import CancelWhen, Dispatch, RunCancelled, RunCompleted, RunCreated, RunFailed, RunResumed
from app.history.tail import Tail
from app.patterns import PatternIndex
from app.runs.limits import VARIABLES, key_text, path_of, value_at
from storage import runs
from storage.contract import Storage

_ENDED = frozenset((RunCompleted.kind, RunFailed.kind, RunCancelled.kind))
_KINDS = _ENDED | {RunCreated.kind, RunResumed.kind}
_dispatch = msgspec.json.Decoder(Dispatch)


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
    def __init__(self, *, storage: Storage, tail: Tail) -> None:
        self._storage = storage
        self._tail = tail
        self._environments: dict[str, _Environment] = {}
        self._position = 0

    async def start(self) -> None:
        """Take up the unfinished runs that the store holds, paused ones too."""
        self._position = self._tail.head
        after = ""
        while rows := await self._storage.read(lambda tx, after=after: runs.cancellable(tx, after=after)):  # type: ignore[misc]
            for environment, run_id, dispatch in rows:
                self.add(environment, run_id, _dispatch.decode(dispatch))
            after = rows[-1][1]

    async def run(self) -> None:
        """Follow runs, of other nodes too, until cancelled."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                if entry.kind == RunCreated.kind:
                    created = entry.fact
                    assert isinstance(created, RunCreated)
                    if created.dispatch.cancel_on:
                        self.add(entry.environment, entry.stream[4:], created.dispatch)
                elif entry.kind == RunResumed.kind:  # it may have failed, and been forgotten
                    await self._add_again(entry.environment, entry.stream[4:])
                else:
                    self.remove(entry.environment, entry.stream[4:])

    def add(self, environment: str, run_id: str, dispatch: Dispatch) -> None:
        """From now on events can cancel the run."""
        if not dispatch.cancel_on:
            return
        known = self._environments.setdefault(environment, _Environment())
        if run_id in known.of_run:
            return
        known.of_run[run_id] = dispatch.cancel_on
        for one in dispatch.cancel_on:
            case = _Case(one.event, one.match, one.expression)
            if case not in known.waiting:
                known.waiting[case] = {}
                known.index.add(case.event, case)
            known.waiting[case].setdefault(one.value, {})[run_id] = None

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

    async def _add_again(self, environment: str, run_id: str) -> None:
        row = await self._tail.read(lambda tx: runs.get(tx, environment, run_id))
        if row is not None and row.dispatch:
            self.add(environment, run_id, _dispatch.decode(row.dispatch))

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
    compiled = expressions.compile(expression, variables=VARIABLES, field="expression")
    return compiled.true(variables(), on_error=False)
