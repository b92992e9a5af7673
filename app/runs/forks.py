"""New runs made of old ones: forks with a part of their history, replays with nothing but their event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app import jsonvalue
from app.errors import FailedPrecondition, FunctionNotFound, IdempotencyConflict, InvalidArgument, RunChanged
from app.history import revisions
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry, through
from app.history.kinds import ABSENT, Asked, Fact, FunctionRegistered, GatePassed, Origin, RunCreated
from app.ids import Ids
from app.runs import admission, forking, gates, planning
from app.runs.admission import Arrival
from app.runs.asking import Request, fingerprint
from app.runs.functions import Functions
from app.runs.gates import Gate
from app.runs.matching import Candidate
from app.runs.noun import given, stream
from app.runs.planning import Plan
from app.runs.reading import load, not_found
from app.runs.rewind import compensated, foreseen
from app.runs.state import Run
from storage import history, runs
from storage.contract import Storage, Transaction
from storage.records import RunRow

LINEAGE_MAX = 1_000


class Wish(NamedTuple):
    """A fork that is asked for: of the origin's history up to `position` (0: the end, REPLAY: nothing), without what
    came from `from_step` on; `patches` are outputs by step, `input` other data than the event's."""

    position: int = 0
    from_step: str = ""
    patches: Mapping[str, msgspec.Raw] = {}
    input: msgspec.Raw = ABSENT


REPLAY = Wish(position=-1)
"""The same input, and nothing else."""


class Branch(msgspec.Struct, frozen=True):
    """A run of a lineage, and those that were forked from it, oldest first."""

    row: RunRow
    forks: list[Branch] = msgspec.field(default_factory=list)


class Lineage(msgspec.Struct, frozen=True):
    """The tree that a run is in, from its first ancestor that is still there; `more`: it has too many to show."""

    root: Branch
    more: bool = False


class _Source(NamedTuple):
    """What was read of the origin: its state, entries up to the position, and its event."""

    run: Run
    entries: Sequence[Entry]
    event: Entry


class Forks:
    def __init__(self, *, storage: Storage, committer: Committer, functions: Functions, ids: Ids) -> None:
        self._storage = storage
        self._committer = committer
        self._functions = functions
        self._ids = ids

    async def plan(self, environment: str, run_id: str, wish: Wish) -> Plan:
        """What the fork would begin with, and what it would run. Raises as `fork` does."""
        source = await self._read(environment, run_id, wish, Request())
        _, facts = self._made(environment, "run_planned", source, wish, "")
        names = [*source.run.steps, *source.run.open]
        plan = planning.forked("replay" if wish.position < 0 else "fork", source.run, names, facts)
        foreseen(plan, await self._storage.read(lambda tx: compensated(tx, environment, source.run)))
        return plan

    async def fork(self, environment: str, run_id: str, wish: Wish, request: Request) -> str:
        """The id of the new run; with an idempotency key the same for the same wish. The origin is only read. Raises
        InvalidArgument, RunNotFound, StepNotFound, FunctionNotFound, FailedPrecondition, RunChanged,
        IdempotencyConflict."""
        made: str = await self._committer.commit(await self.command(environment, run_id, wish, request))
        return made

    async def command(self, environment: str, run_id: str, wish: Wish, request: Request) -> Command:
        """What records the fork, and answers with its id. Raises as `fork` does."""
        request = request.checked(needs_reason=True)
        source = await self._read(environment, run_id, wish, request)
        new_id = self._ids.run()
        created, facts = self._made(environment, new_id, source, wish, request.reason)
        if request.key:
            created = msgspec.structs.replace(created, asked=Asked(request.key, fingerprint(msgspec.json.encode(wish))))
        where, origin = stream(new_id), stream(run_id)
        key = f"{run_id} {request.key}"
        once = gates.stream("fork", created.function_id, key)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            drafts = [
                Draft(where, fact, origin, source.run.correlation, request.actor, through(request.via))
                for fact in (created, *facts)
            ]
            if not request.key:
                return Decision(drafts, new_id)
            gate: Gate | None = states[once]
            if gate is not None:
                _check_same(states[stream(gate.run_id)], created, run_id)
                return Decision((), gate.run_id)
            passed = GatePassed(function_id=created.function_id, option="fork", key=key, run_id=new_id)
            return Decision([*drafts, Draft(once, passed, causation=where)], new_id)

        return Command(environment, (once,) if request.key else (), decide, new=(where,))

    async def lineage(self, environment: str, run_id: str) -> Lineage:
        """Raises RunNotFound."""
        if "\0" in run_id:
            raise not_found(environment, run_id)
        return await self._storage.read(lambda tx: _lineage(tx, environment, run_id))

    async def _read(self, environment: str, run_id: str, wish: Wish, request: Request) -> _Source:
        _check(wish)
        if "\0" in run_id:
            raise not_found(environment, run_id)
        source = await self._storage.read(lambda tx: _source(tx, environment, run_id, wish))
        where = stream(run_id)
        async with revisions.telling(self._storage, environment, where, version=request.expected, conflict=RunChanged):
            if request.expected is not None and request.expected != source.run.version:
                raise RunChanged(
                    f"{run_id} is at version {source.run.version}, not {request.expected}", hint="read the run again"
                )
        return source

    def _made(
        self, environment: str, new_id: str, source: _Source, wish: Wish, reason: str
    ) -> tuple[RunCreated, list[Fact]]:
        """The fork's first facts."""
        if wish.position < 0:
            prefix = forking.Prefix(source.run.id, 0, (), {}, _created_of(source).tags)
        else:
            prefix = forking.prefix(source.entries, origin=source.run, from_step=wish.from_step)
        begun = forking.begun(prefix, new_id, wish.patches, reason)
        origin = Origin(source.run.id, prefix.position)
        created = self._created(environment, new_id, source, wish.input, origin, reason)
        return msgspec.structs.replace(created, tags=prefix.tags), begun

    def _created(
        self, environment: str, new_id: str, source: _Source, input: msgspec.Raw, origin: Origin, reason: str
    ) -> RunCreated:
        """Without an `input` of its own it has that of its origin, which may be a fork with another one."""
        run, first = source.run, _created_of(source)
        input = input if bytes(input) else first.input
        try:
            function = self._functions.get(environment, run.function_id)
        except FunctionNotFound as unknown:
            raise FailedPrecondition(
                f"function {run.function_id!r} is not registered any more", hint="start a worker that has it"
            ) from unknown
        event = given(msgspec.structs.replace(first, input=input), source.event)
        created = wanted(function.fact, event, new_id, field="input")
        return msgspec.structs.replace(created, forked_from=origin, input=input, reason=reason)


def _created_of(source: _Source) -> RunCreated:
    first = source.entries[0].fact
    assert isinstance(first, RunCreated)
    return first


def wanted(function: FunctionRegistered, event: Entry, run_id: str, *, field: str) -> RunCreated:
    """The run that the function's options of now make of an event. It is wanted by a person, so nothing holds it back
    or lets it go; capacity counts as for every run. Raises InvalidArgument where it can have no throttle key."""
    candidate = Candidate(event)
    fact, envelope = candidate.fact, candidate.envelope
    size = len(bytes(fact.data))
    arrival = Arrival(fact.id, fact.name, envelope["data"], size, lambda: envelope, candidate.variables)
    plan = admission.plan(function, arrival, run_id)
    if plan.failure is not None:
        raise InvalidArgument(plan.failure.message, field=field)
    return plan.created


def _source(tx: Transaction, environment: str, run_id: str, wish: Wish) -> _Source:
    record = load(tx, environment, run_id)
    until = wish.position if wish.position > 0 else history.END
    entries = [Entry(one) for one in history.whole_stream(tx, environment, stream(run_id), until=until)]
    if not entries:
        raise InvalidArgument(
            f"{run_id} was not there yet at position {wish.position}",
            field="position",
            hint="a position of its timeline",
        )
    assert record.event is not None, "a run was read with its event"
    return _Source(record.state, entries, record.event)


def _check_same(existing: Run | None, wanted: RunCreated, origin_id: str) -> None:
    """Raises IdempotencyConflict if the key was used for another fork."""
    asked = wanted.asked
    assert asked is not None, "a fork is looked for by its key"
    if existing is not None and existing.asked.get(asked.key) != asked.hash:
        raise IdempotencyConflict(
            f"idempotency key {asked.key!r} was used for another fork of {origin_id}",
            field="Idempotency-Key",
            hint="use a new key for a new fork",
        )


def _check(wish: Wish) -> None:
    if wish.position > history.END:
        raise InvalidArgument(f"position {wish.position} is out of range", field="position")
    for step, output in wish.patches.items():
        jsonvalue.check(bytes(output), field=f"patches[{step[:80]}]")
    if bytes(wish.input):
        jsonvalue.check(bytes(wish.input), field="input")


def _lineage(tx: Transaction, environment: str, run_id: str) -> Lineage:
    row = runs.get(tx, environment, run_id)
    if row is None:
        raise not_found(environment, run_id)
    while row.forked_from_run_id:
        before = runs.get(tx, environment, row.forked_from_run_id)
        if before is None:  # it was deleted
            break
        row = before
    root = Branch(row)
    left, shown = [root], 1
    while left:
        branch = left.pop(0)
        found = runs.forks(tx, environment, branch.row.id, limit=LINEAGE_MAX - shown + 1)
        if shown + len(found) > LINEAGE_MAX:
            return Lineage(root, more=True)
        branch.forks.extend(Branch(one) for one in found)
        shown += len(found)
        left += branch.forks
    return Lineage(root)
