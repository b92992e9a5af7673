"""Emit: an event, the runs it starts and the runs it cancels are one commit.

The answer means: durable, and its runs exist. An idempotency key names the event: its id is derived from the key, so
a repeat finds the first one and returns its ids, and a repeat with other content is refused. What the options of a
function make of the event is decided in app/runs/admission.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from app.clock import Clock
from app.errors import FailedPrecondition, IdempotencyConflict, Internal, InvalidArgument, IronflowError
from app.events import new_event, noun
from app.events.keys import key_conflict, keyed_id
from app.events.new_event import NewEvent, Seen
from app.events.noun import Event
from app.events.prepared import Emitted, Prepared
from app.events.schemas import Schemas
from app.history.committer import Command, Committer, Decision, Done, submitted
from app.history.entry import Draft
from app.ids import Ids
from app.runs import admission, triggers
from app.runs.admission import Arrival, Plan
from app.runs.cancellations import Cancellations
from app.runs.function import Function
from app.runs.functions import Functions
from storage.contract import StorageError, StorageUnavailable

BATCH_MAX = 1_000


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
        emitted: Emitted = await submitted(partial(self._submit, self._prepared(event)))
        return emitted

    async def emit_batch(self, events: Sequence[NewEvent | IronflowError]) -> Sequence[Emitted | BaseException]:
        """One answer an event, in order: what was recorded, or why this one was not. The events are of one
        environment; an error among them stands for one that could not be read, and is its own answer. Plain events
        that follow each other are one command. Raises InvalidArgument for more than BATCH_MAX."""
        if len(events) > BATCH_MAX:
            raise InvalidArgument(
                f"{len(events)} events are too many at once", field="events", hint=f"at most {BATCH_MAX}"
            )
        answers = _Answers(events)
        group: dict[str, tuple[int, Prepared]] = {}
        for number, event in enumerate(events):
            if isinstance(event, IronflowError):
                continue
            try:
                prepared = self._prepared(event)
            except IronflowError as error:
                answers.put(number, error)
                continue
            if prepared.is_plain:
                if prepared.event_id in group:
                    self._submit_group(group, answers)
                    group = {}
                group[prepared.event_id] = number, prepared
            else:
                self._submit_group(group, answers)
                group = {}
                self._submit(prepared, answers.expected(number))
        self._submit_group(group, answers)
        return await answers.all()

    def command(self, event: NewEvent) -> Command:
        """What records the event and its runs; its answer is an Emitted. Raises as `emit` does."""
        return _command(self._prepared(event))

    def prepare(self, event: NewEvent, event_id: str = "") -> Prepared:
        """The event, checked, and the runs it may start, to be recorded by one command; without an id it gets one.
        Raises InvalidArgument, PayloadTooLarge."""
        data, metadata = new_event.check(event)
        now = self._clock.now_us()
        self._schemas.check(event.environment, event.name, event.version, data)
        start_at = new_event.starts_at(event, now)
        event_id = event_id or self._ids.event()
        seen = Seen(event, event_id, data, metadata, now)
        plans: Sequence[Plan] = ()
        if functions := self._chosen(event, seen):
            arrival = Arrival(
                event_id,
                event.name,
                data,
                len(event.data),
                seen.envelope,
                seen.variables,
                start_at,
                event.owes_nothing,
                tuple(dict.fromkeys(event.tags)),
            )
            plans = [admission.plan(function.fact, arrival, self._ids.run()) for function in functions]
            if event.waits:
                _refuse_to_wait(plans)
        cancelled = self._cancellations.matching(event.environment, event.name, seen.envelope, seen.variables)
        return Prepared(event, event_id, plans, cancelled)

    def _prepared(self, event: NewEvent) -> Prepared:
        key = event.idempotency_key
        return self.prepare(event, keyed_id(event.environment, key) if key else "")

    def _submit(self, prepared: Prepared, done: Done) -> None:
        """Queue the event. Later ones find its runs among those that they may cancel, though none is recorded yet."""
        environment, cancellable = prepared.event.environment, prepared.cancellable
        if not cancellable:
            self._committer.submit(_command(prepared), done)
            return

        def settled(answer: Any, error: BaseException | None) -> None:
            begun = answer.run_ids if error is None else ()
            for plan in cancellable:
                if plan.run_id not in begun:
                    self._cancellations.remove(environment, plan.run_id)
            done(answer, error)

        for plan in cancellable:
            self._cancellations.add(environment, plan.run_id, plan.created.dispatch)
        self._committer.submit(_command(prepared), settled)

    def _submit_group(self, group: Mapping[str, tuple[int, Prepared]], answers: _Answers) -> None:
        """Queue plain events as one command. If that fails for what one of them may be the reason, each is tried
        alone, so that the others do not suffer from it."""
        if not group:
            return
        numbers = [number for number, _ in group.values()]
        events = [prepared for _, prepared in group.values()]

        def done(answer: Any, error: BaseException | None) -> None:
            if len(events) > 1 and _may_be_of_one(error):
                for told, prepared in zip(each, events, strict=True):
                    self._submit(prepared, told)
                return
            for number, told in enumerate(each):
                one = error or answer[number]
                told(one, one if isinstance(one, BaseException) else None)

        each = [answers.expected(number) for number in numbers]
        self._committer.submit(_group_command(events), done)

    def _chosen(self, event: NewEvent, seen: Seen) -> Sequence[Function]:
        """The functions that the event starts: those it is meant for, then those it fits."""
        meant = [self._functions.get(event.environment, function_id) for function_id in event.function_ids]
        if event.only_these:
            return meant
        triggered = self._functions.triggered(event.environment, event.name)
        if not triggered:
            return meant
        fitting = triggers.matching(triggered, seen.variables)
        return [*meant, *(function for function in fitting if function not in meant)] if meant else fitting


class _Answers:
    """The answers to a batch, which come one by one."""

    def __init__(self, events: Sequence[NewEvent | IronflowError]) -> None:
        self._answers: list[Any] = list(events)
        self._waiting = 1  # the last is not known yet
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, number: int, answer: Any) -> None:
        self._answers[number] = answer

    def expected(self, number: int) -> Done:
        """To be called with the answer to one event."""
        self._waiting += 1
        return partial(self._done, number)

    async def all(self) -> Sequence[Emitted | BaseException]:
        """One an event, in order, when the last has come."""
        self._waiting -= 1
        if self._waiting:
            await self._complete
        return self._answers

    def _done(self, number: int, answer: Any, error: BaseException | None) -> None:
        self._answers[number] = answer if error is None else error
        self._waiting -= 1
        if not self._waiting and not self._complete.done():
            self._complete.set_result(None)


def _command(prepared: Prepared) -> Command:
    event, where = prepared.event, noun.stream(prepared.event_id)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        known: Event | None = states[where]
        if known is not None:
            return Decision((), _known(prepared, known))
        recorded = prepared.record(states, now)
        if recorded is None:
            return Decision((), Emitted(prepared.event_id, (), duplicate=True))
        return Decision(recorded.drafts, recorded.emitted)

    if event.idempotency_key:
        return Command(event.environment, (where,), decide, new=prepared.runs)
    return Command(event.environment, (), decide, new=(where, *prepared.runs))


def _group_command(group: Sequence[Prepared]) -> Command:
    """What records plain events of one environment; its answer has for each an Emitted, or why it is refused."""
    keyed = [noun.stream(one.event_id) for one in group if one.event.idempotency_key]
    new = [noun.stream(one.event_id) for one in group if not one.event.idempotency_key]
    for one in group:
        if one.plans:
            new += one.runs

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        drafts: list[Draft] = []
        answers: list[Emitted | IronflowError] = []
        for one in group:
            known: Event | None = states[noun.stream(one.event_id)] if one.event.idempotency_key else None
            if known is not None:
                try:
                    answers.append(_known(one, known))
                except IdempotencyConflict as refusal:
                    answers.append(refusal)
                continue
            recorded = one.record(states, now)
            assert recorded is not None, "a plain event claims nothing"
            drafts += recorded.drafts
            answers.append(recorded.emitted)
        return Decision(drafts, answers)

    return Command(group[0].event.environment, tuple(keyed), decide, new=tuple(new), weight=len(group))


def _may_be_of_one(error: BaseException | None) -> bool:
    """Whether a command may have failed because of one of the things it records."""
    return isinstance(error, StorageError | Internal) and not isinstance(error, StorageUnavailable)


def _known(prepared: Prepared, known: Event) -> Emitted:
    """The answer to a repeat. Raises IdempotencyConflict if it is none."""
    event = prepared.event
    if known.fingerprint != noun.fingerprint(event.name, event.data):
        used_for = f"another event ({known.row.name})" if known.row else "an append to a stream"
        raise key_conflict(event.idempotency_key, used_for)
    return Emitted(prepared.event_id, known.run_ids, duplicate=True, earlier=frozenset(known.run_ids))


def _refuse_to_wait(plans: Sequence[Plan]) -> None:
    for plan in plans:
        for option in ("debounce", "batch"):
            if option in plan.keys:
                raise FailedPrecondition(
                    f"function {plan.function.id!r} has {option}: its run is not there yet when the event is recorded",
                    hint="emit without waiting, and look at the runs of the function later",
                )
