"""Functions: registering them, changing their status, and the register that every emit looks into.

The register is in memory and follows history: a change made through this process is in it when its caller is answered,
one of another node as soon as the tail has brought it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.errors import InvalidArgument
from app.history import revisions
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.fold import Fold
from app.history.kinds import (
    Fact,
    FunctionPinned,
    FunctionRegistered,
    FunctionStatusChanged,
    FunctionUnpinned,
    Trigger,
)
from app.history.tail import Tail
from app.outbound import url
from app.outbound.reach import Reach
from app.patterns import PatternIndex
from app.runs import function as noun
from app.runs.definition import Definition, checked
from app.runs.function import Function, stream
from app.runs.triggers import Condition
from storage import functions
from storage.contract import Storage, Transaction

Decider = Callable[[Function | None], Sequence[Fact]]

TRIGGERED_NAMES_MAX = 4_096
"""Names of events whose functions are kept at hand."""

_KINDS = frozenset((FunctionRegistered.kind, FunctionStatusChanged.kind, FunctionPinned.kind, FunctionUnpinned.kind))


class Functions:
    def __init__(self, *, storage: Storage, committer: Committer, fold: Fold, tail: Tail, reach: Reach) -> None:
        """`reach` is where endpoints may be."""
        self._storage = storage
        self._committer = committer
        self._fold = fold
        self._tail = tail
        self._reach = reach
        self._known: dict[str, dict[str, Function]] = {}
        self._triggers: dict[str, PatternIndex[Condition]] = {}
        self._conditions: dict[tuple[str, str], list[Condition]] = {}
        self._triggered: dict[tuple[str, str], Sequence[tuple[Function, Condition]]] = {}
        self._watchers: list[Callable[[Function], None]] = []
        self._position = 0

    async def start(self) -> None:
        """Fill the register from the store."""

        def load(tx: Transaction) -> list[Function]:
            rows = list(functions.everything(tx))
            return [self._fold.load(tx, row.environment, stream(row.id)).state for row in rows]

        self._position = self._tail.head
        for function in await self._storage.read(load):
            self._put(function)

    async def run(self) -> None:
        """Follow changes, of other nodes too, until cancelled."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                self._learn(entry)

    async def register(
        self, environment: str, definition: Definition, *, actor: str = "", reason: str = ""
    ) -> tuple[Function, bool]:
        """The function at its newest version, and whether it is new. Registering the same content again changes
        nothing, nor does any other for a function that is pinned; a paused or archived function stays so. Raises
        InvalidArgument."""
        definition = checked(definition)
        if definition.endpoint_url:
            url.check(definition.endpoint_url, self._reach, field="endpoint_url")

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_register(known, definition, reason=reason)

        function, before = await self._change(environment, definition.id, decide, actor)
        return function, before is None or before.status == "deleted"

    async def set_status(
        self,
        environment: str,
        function_id: str,
        status: str,
        *,
        actor: str = "",
        reason: str = "",
        expected: int | None = None,
    ) -> Function:
        """The function, now active, paused or archived. Raises FunctionNotFound, InvalidArgument, RevisionConflict."""

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_status(known, function_id, status, reason=reason)

        function, _ = await self._change(environment, function_id, decide, actor, expected)
        return function

    async def delete(
        self, environment: str, function_id: str, *, actor: str = "", reason: str = "", expected: int | None = None
    ) -> None:
        """Nothing starts it any more, and lists do not show it; its history and its runs stay. Raises
        FunctionNotFound, RevisionConflict."""

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_status(known, function_id, "deleted", reason=reason)

        await self._change(environment, function_id, decide, actor, expected)

    async def roll_back(
        self,
        environment: str,
        target: FunctionRegistered,
        *,
        actor: str = "",
        reason: str = "",
        expected: int | None = None,
    ) -> Function:
        """The function with the content of an earlier version, as a new version. Raises FunctionNotFound,
        RevisionConflict, and FailedPrecondition if it has that content already."""

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_rollback(known, target, reason=reason)

        function, _ = await self._change(environment, target.id, decide, actor, expected)
        return function

    async def pin(
        self,
        environment: str,
        function_id: str,
        target: FunctionRegistered | None = None,
        *,
        actor: str = "",
        reason: str = "",
        expected: int | None = None,
    ) -> Function:
        """The function with the content of that version, or the one it has, whatever is registered from now on. Raises
        FunctionNotFound, RevisionConflict."""

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_pin(known, function_id, target, reason=reason)

        function, _ = await self._change(environment, function_id, decide, actor, expected)
        return function

    async def unpin(
        self, environment: str, function_id: str, *, actor: str = "", reason: str = "", expected: int | None = None
    ) -> Function:
        """The function, as it is until something else is registered. Raises FunctionNotFound, RevisionConflict."""

        def decide(known: Function | None) -> Sequence[Fact]:
            return noun.decide_unpin(known, function_id, reason=reason)

        function, _ = await self._change(environment, function_id, decide, actor, expected)
        return function

    def get(self, environment: str, function_id: str) -> Function:
        """Raises FunctionNotFound."""
        function = self._known.get(environment, {}).get(function_id)
        if function is None or function.status == "deleted":
            raise noun.not_found(environment, function_id)
        return function

    def find(self, environment: str, function_id: str) -> Function | None:
        """The function, deleted or not; None if none was ever registered."""
        return self._known.get(environment, {}).get(function_id)

    def list(self, environment: str) -> Sequence[Function]:
        """Every function of the environment, by id."""
        known = self._known.get(environment, {})
        return [known[function_id] for function_id in sorted(known) if known[function_id].status != "deleted"]

    def everything(self) -> Iterator[Function]:
        """Every function of every environment, deleted ones too."""
        for known in self._known.values():
            yield from list(known.values())

    def triggered(self, environment: str, event_name: str) -> Sequence[tuple[Function, Condition]]:
        """Functions with a trigger whose pattern fits the event, each with what it asks besides. A function's own id
        is an implicit trigger."""
        found = self._triggered.get((environment, event_name))
        if found is None:
            if len(self._triggered) >= TRIGGERED_NAMES_MAX:
                self._triggered.clear()
            found = self._triggered[environment, event_name] = self._look_up(environment, event_name)
        return found

    def faults(self) -> int:
        """How many triggers are known to match nothing because of what is wrong with them."""
        return sum(bool(condition.fault) for conditions in self._conditions.values() for condition in conditions)

    def watch(self, told: Callable[[Function], None]) -> None:
        """Tell of every function there is, and from now on of each that comes or changes."""
        self._watchers.append(told)
        for known in list(self._known.values()):
            for function in list(known.values()):
                told(function)

    def _look_up(self, environment: str, event_name: str) -> Sequence[tuple[Function, Condition]]:
        index = self._triggers.get(environment)
        if index is None:
            return ()
        known = self._known[environment]
        return [(known[condition.function_id], condition) for condition in index.matching(event_name)]

    async def _change(
        self, environment: str, function_id: str, decider: Decider, actor: str, expected: int | None = None
    ) -> tuple[Function, Function | None]:
        """The function after the change, made to its version `expected`, and before."""
        where = stream(function_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Function | None = states[where]
            noun.check_expected(known, expected)
            facts = decider(known)
            return Decision([Draft(where, fact, actor=actor) for fact in facts], (known, bool(facts)))

        async with revisions.telling(self._storage, environment, where, version=expected):
            before, changed = await self._committer.commit(Command(environment, (where,), decide))
        after = before
        if changed:
            after = await self._tail.read(lambda tx: self._fold.load(tx, environment, where).state)  # it is durable
        if changed or self.find(environment, function_id) is None:
            self._put(after)
        return after, before

    def _learn(self, entry: Entry) -> None:
        function_id = entry.stream.partition("/")[2]
        known = self._known.get(entry.environment, {}).get(function_id)
        if known is None or known.version < entry.version:
            self._put(noun.apply(known, entry))

    def _put(self, function: Function) -> None:
        known = self._known.setdefault(function.environment, {})
        before = known.get(function.fact.id)
        if before is not None and before.version > function.version:
            return
        self._triggered.clear()
        index = self._triggers.setdefault(function.environment, PatternIndex())
        key = (function.environment, function.fact.id)
        for condition in self._conditions.get(key, ()):
            index.remove(condition)
        known[function.fact.id] = function
        self._conditions[key] = []
        implicit = Trigger(event=function.fact.id)
        triggers = (implicit, *(one for one in function.fact.triggers if one.event and not one.cron))
        for trigger in triggers if function.is_triggered else ():
            condition = Condition(function.fact.id, trigger.expression)
            self._conditions[key].append(condition)
            try:
                index.add(trigger.event, condition)
            except InvalidArgument as error:  # a release that took it stored it
                condition.refuse(str(error))
        for told in self._watchers:
            told(function)
