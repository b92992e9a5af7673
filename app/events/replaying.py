"""Giving recorded events to a function as if it had been there: one run for each, made by a person.

Nothing is emitted again, so nobody else sees the events twice. For a consumer group there is its reset to a position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.errors import FailedPrecondition, InvalidArgument
from app.events.selection import Selection, selection
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import EventEmitted, FunctionRegistered, GatePassed
from app.ids import Ids
from app.runs import gates, triggers
from app.runs.asking import Request
from app.runs.forks import wanted
from app.runs.functions import Functions
from app.runs.gates import Gate
from app.runs.matching import Candidate
from app.runs.noun import stream
from storage import events, history
from storage.contract import Storage, Transaction
from storage.events import EventChoice

EVENTS_MAX = 1_000
LOOKED_AT_MAX = 20_000
PAGE = 500
AT_ONCE = 200


class Range(NamedTuple):
    """Events after a position, none past `until`. They are those that fit `pattern` and the CEL `filter`, or without a
    pattern those that trigger the function."""

    after: int
    until: int = history.END
    pattern: str = ""
    filter: str = ""


class Replayed(NamedTuple):
    """How many events matched, and the run of each by event id, in order; none with a dry run. `next_after` is where to
    go on, 0 at the end of the range."""

    matched: int
    runs: Mapping[str, str]
    next_after: int


class Replaying:
    def __init__(self, *, storage: Storage, committer: Committer, functions: Functions, ids: Ids) -> None:
        self._storage = storage
        self._committer = committer
        self._functions = functions
        self._ids = ids

    async def replay(
        self, environment: str, function_id: str, wish: Range, request: Request, *, dry_run: bool
    ) -> Replayed:
        """At most EVENTS_MAX events at once. With an idempotency key an event that was replayed under it is not again.
        Raises InvalidArgument, FunctionNotFound, FailedPrecondition for an archived function."""
        request = request.checked(needs_reason=not dry_run)
        function = self._functions.get(environment, function_id)
        if function.status == "archived":
            raise FailedPrecondition(f"function {function_id!r} is archived", hint="register it again")
        if not 0 <= wish.after <= wish.until <= history.END:
            raise InvalidArgument("the range ends before it begins", field="until", hint="positions of history")
        if wish.filter and not wish.pattern:
            raise InvalidArgument("a filter goes with a pattern", field="filter", hint="give events, such as order.>")
        takes = self._takes(environment, function_id, wish)
        found, next_after = await self._storage.read(lambda tx: _matching(tx, environment, wish, takes))
        if dry_run:
            return Replayed(len(found), {}, next_after)
        runs: dict[str, str] = {}
        for start in range(0, len(found), AT_ONCE):
            commands = [self._command(function.fact, event, request) for event in found[start : start + AT_ONCE]]
            made = await asyncio.gather(*(self._committer.commit(command) for command in commands))
            runs.update(zip(map(_id, found[start : start + AT_ONCE]), made, strict=True))
        return Replayed(len(found), runs, next_after)

    def _takes(self, environment: str, function_id: str, wish: Range) -> Callable[[Entry], bool]:
        if wish.pattern:
            chosen: Selection = selection(wish.pattern, wish.filter)
            return chosen.takes

        def triggered(entry: Entry) -> bool:
            candidate = Candidate(entry)
            known = self._functions.triggered(environment, candidate.fact.name)
            return any(one.fact.id == function_id for one in triggers.matching(known, candidate.variables))

        return triggered

    def _command(self, function: FunctionRegistered, event: Entry, request: Request) -> Command:
        run_id, event_id = self._ids.run(), _id(event)
        created = wanted(function, event, run_id, field="function_id")
        created = msgspec.structs.replace(created, reason=request.reason)
        where = stream(run_id)
        key = f"{event_id} {request.key}"
        once = gates.stream("replay", function.id, key)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            drafts = [Draft(where, created, causation=event.stream, correlation=event_id, actor=request.actor)]
            if request.key:
                gate: Gate | None = states[once]
                if gate is not None:
                    return Decision((), gate.run_id)
                passed = GatePassed(function_id=function.id, option="replay", key=key, run_id=run_id)
                drafts.append(Draft(once, passed, causation=where))
            return Decision(drafts, run_id)

        return Command(event.environment, (once,) if request.key else (), decide, new=(where,))


def _id(event: Entry) -> str:
    fact = event.fact
    assert isinstance(fact, EventEmitted)
    return fact.id


def _matching(
    tx: Transaction, environment: str, wish: Range, takes: Callable[[Entry], bool]
) -> tuple[Sequence[Entry], int]:
    """The events of the range that are taken, and where to go on."""
    found: list[Entry] = []
    after = wish.after
    for _ in range(LOOKED_AT_MAX // PAGE):
        rows = events.after(tx, environment, after, EventChoice(), limit=PAGE)
        for row in rows:
            if row.position > wish.until:
                return found, 0
            record = events.entry(tx, environment, row.id)
            if record is not None and takes(Entry(record)):
                found.append(Entry(record))
            after = row.position
            if len(found) >= EVENTS_MAX:
                return found, after
        if len(rows) < PAGE:
            return found, 0
    return found, after
