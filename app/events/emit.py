"""Emit: an event, the runs it starts and the runs it cancels are one commit.

The answer means: durable, and its runs exist. An idempotency key names the event: its id is derived from the key, so
a repeat finds the first one and returns its ids, and a repeat with other content is refused. What the options of a
function make of the event is decided in app/runs/admission.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import msgspec

from app import clock, ids, jsonvalue, patterns
from app.clock import Clock
from app.errors import FailedPrecondition, IdempotencyConflict, InvalidArgument, IronflowError
from app.events import noun
from app.events.noun import Event
from app.events.schemas import Schemas
from app.history.committer import Command, Committer, Decision, Done, submitted
from app.history.entry import Draft
from app.history.kinds import EventEmitted, Fact, Outcome, entity
from app.ids import Ids
from app.runs import admission, steering, triggers
from app.runs import noun as run_noun
from app.runs.admission import Arrival, Plan
from app.runs.cancellations import Cancellations
from app.runs.function import Function
from app.runs.functions import Functions
from app.runs.gates import Gate
from app.runs.state import TERMINAL

BATCH_MAX = 1_000
KEY_BYTES_MAX = 255
SOURCE_BYTES_MAX = 255
VERSION_MAX = 2**31 - 1
START_US_MAX = 366 * 24 * 3_600 * 1_000_000
"""How far ahead of now the runs of an event may start."""


class Claim(NamedTuple):
    """An event that is emitted once, by whoever comes first: the gate that remembers, and what it is told. `decide`
    gives nothing if somebody was first."""

    stream: str
    decide: Callable[[Gate | None, str], Fact | None]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it came in: `data` and `metadata` are JSON texts, not yet checked.

    Its runs start at `start_at` (µs) or `delay_ms` from now, or at once. `function_ids` start too, whether or not it
    fits them, and alone if `only_these`. `waits` tells that the caller waits for the runs, which an option that holds
    events would make endless; `owes_nothing` that no on_failure function runs for them. `entity` is the type and id of
    what the event is appended to.
    """

    environment: str
    name: str
    data: bytes
    idempotency_key: str = ""
    metadata: bytes = b"{}"
    version: int = 1
    source: str = "api"
    actor: str = ""
    run_id: str = ""
    start_at: int = 0
    delay_ms: int = 0
    function_ids: tuple[str, ...] = ()
    only_these: bool = False
    entity: tuple[str, str] | None = None
    waits: bool = False
    owes_nothing: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that passed the door, and the runs it may start: `runs` are their streams. `record` decides, under the
    lock, what becomes of it: the drafts, the event's entry first, and what its emitter is told; or None if another
    claimed it. What it can cancel from now on is in `plans`."""

    event_id: str
    plans: Sequence[Plan]
    runs: tuple[str, ...]
    record: Callable[[Mapping[str, Any], int], Recorded | None]


class Recorded(NamedTuple):
    drafts: list[Draft]
    emitted: Emitted


@dataclass(frozen=True, slots=True)
class Emitted:
    """`duplicate` tells that the key was known and nothing was recorded now; the functions are then not named. Runs
    that were there before, of the same idempotency value, are `earlier` too. `outcomes` says what became of the event
    at functions that it did not simply start."""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False
    function_ids: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    earlier: frozenset[str] = frozenset()


class Emitter:
    def __init__(
        self,
        *,
        committer: Committer,
        functions: Functions,
        schemas: Schemas,
        cancellations: Cancellations,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._committer = committer
        self._functions = functions
        self._schemas = schemas
        self._cancellations = cancellations
        self._ids = ids
        self._clock = clock

    async def emit(self, event: NewEvent) -> Emitted:
        """Raises InvalidArgument, PayloadTooLarge, IdempotencyConflict, and FailedPrecondition for one whose caller
        waits for a function that holds its events."""
        emitted: Emitted = await submitted(partial(self._submit, event))
        return emitted

    async def emit_batch(self, events: Sequence[NewEvent | IronflowError]) -> Sequence[Emitted | BaseException]:
        """One answer an event, in order: what was recorded, or why this one was not. An error among the events stands
        for one that could not be read, and is its own answer. Raises InvalidArgument for more than BATCH_MAX."""
        if len(events) > BATCH_MAX:
            raise InvalidArgument(
                f"{len(events)} events are too many at once", field="events", hint=f"at most {BATCH_MAX}"
            )
        answers: list[Any] = list(events)
        waiting = 1
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(number: int, answer: Any, error: BaseException | None) -> None:
            nonlocal waiting
            answers[number] = answer if error is None else error
            waiting -= 1
            if not waiting and not answered.done():
                answered.set_result(None)

        for number, event in enumerate(events):
            if isinstance(event, IronflowError):
                continue
            waiting += 1
            try:
                self._submit(event, partial(done, number))
            except IronflowError as error:
                answers[number] = error
                waiting -= 1
        waiting -= 1
        if waiting:
            await answered
        return answers

    def command(self, event: NewEvent) -> Command:
        """What records the event and its runs; its answer is an Emitted. Raises as `emit` does."""
        return self._command(event)[0]

    def prepare(self, event: NewEvent, event_id: str = "") -> Prepared:
        """The event, checked, and the runs it may start, to be recorded by one command; without an id it gets one.
        Raises InvalidArgument, PayloadTooLarge."""
        patterns.validate_name(event.name, field="name")
        data = jsonvalue.check(event.data, field="data")
        metadata = _checked_metadata(event.metadata)
        check_key(event.idempotency_key)
        _check_source(event.source)
        now = self._clock.now_us()
        if not 1 <= event.version <= VERSION_MAX:
            raise InvalidArgument(f"version {event.version} is out of range", field="version", hint="1 or more")
        self._schemas.check(event.environment, event.name, event.version, data)
        start_at = _start_at(event, now)
        event_id = event_id or self._ids.event()
        envelope = _Once(lambda: _envelope(event, event_id, data, metadata, now))
        variables = _Once(lambda: _variables(envelope()))
        arrival = Arrival(
            event_id, event.name, data, len(event.data), envelope, variables, start_at, event.owes_nothing
        )
        functions = self._chosen(event, variables)
        plans = [admission.plan(function.fact, arrival, self._ids.run()) for function in functions]
        if event.waits:
            _refuse_to_wait(plans)
        cancelled = self._cancellations.matching(event.environment, event.name, envelope, variables)
        runs = tuple(run_noun.stream(plan.run_id) for plan in plans)
        return Prepared(event_id, plans, runs, _recorder(event, event_id, plans, cancelled))

    def _submit(self, event: NewEvent, done: Done) -> None:
        """Queue the event. Later ones find its runs among those that they may cancel, though none is recorded yet."""
        command, plans = self._command(event)
        cancellable = [plan for plan in plans if plan.created.dispatch.cancel_on]
        if not cancellable:
            self._committer.submit(command, done)
            return

        def settled(answer: Any, error: BaseException | None) -> None:
            begun = answer.run_ids if error is None else ()
            for plan in cancellable:
                if plan.run_id not in begun:
                    self._cancellations.remove(event.environment, plan.run_id)
            done(answer, error)

        for plan in cancellable:
            self._cancellations.add(event.environment, plan.run_id, plan.created.dispatch)
        self._committer.submit(command, settled)

    def _command(self, event: NewEvent) -> tuple[Command, Sequence[Plan]]:
        key = event.idempotency_key
        prepared = self.prepare(event, keyed_id(event.environment, key) if key else "")
        event_id = prepared.event_id
        where = noun.stream(event_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Event | None = states[where]
            if known is not None:
                return Decision((), _known(event, event_id, known))
            recorded = prepared.record(states, now)
            if recorded is None:
                return Decision((), Emitted(event_id, (), duplicate=True))
            return Decision(recorded.drafts, recorded.emitted)

        if key:
            return Command(event.environment, (where,), decide, new=prepared.runs), prepared.plans
        return Command(event.environment, (), decide, new=(where, *prepared.runs)), prepared.plans

    def _chosen(self, event: NewEvent, variables: Callable[[], Mapping[str, Any]]) -> Sequence[Function]:
        """The functions that the event starts: those it is meant for, then those it fits."""
        meant = [self._functions.get(event.environment, function_id) for function_id in event.function_ids]
        if event.only_these:
            return meant
        fitting = triggers.matching(self._functions.triggered(event.environment, event.name), variables)
        return [*meant, *(function for function in fitting if function not in meant)] if meant else fitting


def keyed_id(environment: str, key: str) -> str:
    """The event id that an idempotency key stands for. Raises InvalidArgument for one that cannot be used."""
    check_key(key)
    return ids.keyed("evt", environment, key)


def key_conflict(key: str, used_for: str) -> IdempotencyConflict:
    return IdempotencyConflict(
        f"idempotency key {key!r} was used for {used_for}",
        field="idempotency_key",
        hint="use a new key for new data, or send the same data again",
    )


def _recorder(
    event: NewEvent, event_id: str, plans: Sequence[Plan], cancelled: Sequence[str]
) -> Callable[[Mapping[str, Any], int], Recorded | None]:
    where = entity.stream(*event.entity) if event.entity else noun.stream(event_id)

    def record(stream: str, fact: Fact) -> Draft:
        return Draft(stream, fact, where, event_id, event.actor)

    def decide(states: Mapping[str, Any], now: int) -> Recorded | None:
        claimed: list[Draft] = []
        if event.claim is not None:
            claim = event.claim.decide(states[event.claim.stream], plans[0].run_id if plans else "")
            if claim is None:
                return None
            claimed.append(record(event.claim.stream, claim))
        drafts: list[Draft] = []
        verdicts = []
        for plan in plans:
            if plan.is_plain:
                verdict = admission.start(plan, record)
            else:
                verdict = admission.admit(plan, states, now, record)
            verdicts.append(verdict)
            drafts += verdict.drafts
        for run_id in cancelled:
            run = states[run_noun.stream(run_id)]
            if run is not None and run.status not in TERMINAL:
                facts = steering.decide_cancel(run, reason=f"event {event_id}", cause="cancel-on-event")
                drafts += [record(run_noun.stream(run_id), fact) for fact in facts]
        belonging = [
            (verdict, plan.function.id) for verdict, plan in zip(verdicts, plans, strict=True) if verdict.run_id
        ]
        emitted = Emitted(
            event_id,
            tuple(verdict.run_id for verdict, _ in belonging),
            function_ids=tuple(function_id for _, function_id in belonging),
            outcomes=tuple(verdict.outcome for verdict in verdicts if verdict.outcome is not None),
            earlier=frozenset(verdict.run_id for verdict, _ in belonging if not verdict.fresh),
        )
        return Recorded([_emitted(event, event_id, where, emitted), *drafts, *claimed], emitted)

    return decide


def _known(event: NewEvent, event_id: str, known: Event) -> Emitted:
    """The answer to a repeat. Raises IdempotencyConflict if it is none."""
    if known.fingerprint != noun.fingerprint(event.name, event.data):
        used_for = f"another event ({known.row.name})" if known.row else "an append to a stream"
        raise key_conflict(event.idempotency_key, used_for)
    return Emitted(event_id, known.run_ids, duplicate=True, earlier=frozenset(known.run_ids))


def _emitted(event: NewEvent, event_id: str, where: str, emitted: Emitted) -> Draft:
    fact = EventEmitted(
        id=event_id,
        name=event.name,
        data=msgspec.Raw(event.data),
        source=event.source,
        version=event.version,
        idempotency_key=event.idempotency_key,
        run_id=event.run_id,
        run_ids=emitted.run_ids,
        outcomes=emitted.outcomes,
    )
    cause = run_noun.stream(event.run_id) if event.run_id else ""
    return Draft(where, fact, cause, event_id, event.actor, event.metadata.decode())


def _start_at(event: NewEvent, now: int) -> int:
    """When the runs may start, 0 for at once. Raises InvalidArgument naming the field."""
    if event.start_at and event.delay_ms:
        raise InvalidArgument("an event starts its runs at an instant or after a delay", field="delay", hint="send one")
    field, start_at = ("delay", now + event.delay_ms * 1_000) if event.delay_ms else ("at", event.start_at)
    if start_at > now + START_US_MAX or event.delay_ms < 0:
        raise InvalidArgument(f"{field} is out of range", field=field, hint="at most a year from now")
    return start_at


def _refuse_to_wait(plans: Sequence[Plan]) -> None:
    for plan in plans:
        for option in ("debounce", "batch"):
            if option in plan.keys:
                raise FailedPrecondition(
                    f"function {plan.function.id!r} has {option}: its run is not there yet when the event is recorded",
                    hint="emit without waiting, and look at the runs of the function later",
                )


def _envelope(event: NewEvent, event_id: str, data: Any, metadata: Any, now: int) -> Mapping[str, Any]:
    envelope = {
        "id": event_id,
        "name": event.name,
        "data": data,
        "metadata": metadata,
        "source": event.source,
        "version": event.version,
        "timestamp": clock.rfc3339(now),
    }
    if event.entity:
        envelope["entity_type"], envelope["entity_id"] = event.entity
    return envelope


def _variables(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """The CEL variables of an event (see limits.VARIABLES)."""
    name = envelope["name"]
    return {**envelope, "event": envelope, "topic": name, "eventNamespace": name.partition(".")[0]}


class _Once:
    """The same value each time, made when it is first needed."""

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make
        self._value: Mapping[str, Any] | None = None

    def __call__(self) -> Mapping[str, Any]:
        if self._value is None:
            self._value = self._make()
        return self._value


def _checked_metadata(metadata: bytes) -> Any:
    value = jsonvalue.check(metadata, field="metadata")
    if not isinstance(value, dict):
        raise InvalidArgument("metadata must be an object", field="metadata", hint='such as {"tenant": "a"}')
    return value


def check_key(key: str) -> None:
    """Returns for a usable idempotency key, or none. Raises InvalidArgument."""
    if len(key.encode("utf-8", "surrogatepass")) > KEY_BYTES_MAX or any(
        not c.isprintable() or c.isspace() for c in key
    ):
        raise InvalidArgument(
            "idempotency_key is not usable",
            field="idempotency_key",
            hint=f"at most {KEY_BYTES_MAX} bytes of printable characters without spaces",
        )


def _check_source(source: str) -> None:
    if not source.isprintable() or len(source.encode("utf-8", "surrogatepass")) > SOURCE_BYTES_MAX:
        raise InvalidArgument(
            f"source {source[:40]!r} is not usable",
            field="source",
            hint=f"at most {SOURCE_BYTES_MAX} bytes of printable characters",
        )
