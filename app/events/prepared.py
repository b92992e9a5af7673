"""A new event that passed the door, and what is recorded of it: decided under the lock, and pure.

Most events are plain: what they start does not depend on anything recorded before, and so not on each other either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from app.events import noun
from app.events.new_event import NewEvent
from app.history.entry import Draft
from app.history.kinds import EventEmitted, Fact, Outcome, entity
from app.runs import admission, steering
from app.runs import noun as run_noun
from app.runs.admission import HELD, Plan, Verdict


class Emitted(msgspec.Struct, frozen=True):
    """`duplicate` tells that the key was known and nothing was recorded now; the functions are then not named. Runs
    that were there before, of the same idempotency value, are `earlier` too. `outcomes` says what became of the event
    at functions that it did not simply start."""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False
    function_ids: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    earlier: frozenset[str] = frozenset()


class Recorded(NamedTuple):
    """What the command records, the event's entry first, and what the emitter of the event is told."""

    drafts: list[Draft]
    emitted: Emitted


class Prepared(msgspec.Struct, frozen=True):
    """An event that passed the door, the runs it may start and those it cancels."""

    event: NewEvent
    event_id: str
    plans: Sequence[Plan]
    cancelled: Sequence[str]

    @property
    def stream(self) -> str:
        """Where the event is recorded."""
        return entity.stream(*self.event.entity) if self.event.entity else noun.stream(self.event_id)

    @property
    def runs(self) -> tuple[str, ...]:
        """The streams of the runs that it may start."""
        return tuple([run_noun.stream(plan.run_id) for plan in self.plans])

    @property
    def cancellable(self) -> list[Plan]:
        """The runs that later events may cancel."""
        return [plan for plan in self.plans if plan.created.dispatch.cancel_on]

    @property
    def is_plain(self) -> bool:
        """Whether what is recorded of it depends on nothing but its idempotency key, and no later event on it."""
        if self.event.claim is not None or self.cancelled:
            return False
        return not self.plans or all(plan.is_plain and not plan.created.dispatch.cancel_on for plan in self.plans)

    def record(self, states: Mapping[str, Any], now: int) -> Recorded | None:
        """What becomes of the event; None if another claimed it."""
        event, event_id, where = self.event, self.event_id, self.stream
        if not self.plans and not self.cancelled and event.claim is None:
            emitted = Emitted(event_id, ())
            return Recorded([_emitted(event, event_id, where, emitted)], emitted)

        def record(stream: str, fact: Fact) -> Draft:
            return Draft(stream, fact, where, event_id, event.actor)

        claimed: list[Draft] = []
        if event.claim is not None:
            run_id = self.plans[0].run_id if self.plans else ""
            claim = event.claim.decide(states[event.claim.stream], run_id)
            if claim is None:
                return None
            claimed.append(record(event.claim.stream, claim))
        verdicts = [_verdict(plan, states, now, record) for plan in self.plans]
        drafts = [draft for verdict in verdicts for draft in verdict.drafts]
        for run_id in self.cancelled:
            stream = run_noun.stream(run_id)
            drafts += [record(stream, fact) for fact in steering.decide_cancel_on(states[stream], event_id)]
        emitted = _told(event_id, self.plans, verdicts)
        return Recorded([_emitted(event, event_id, where, emitted), *drafts, *claimed], emitted)


def _verdict(plan: Plan, states: Mapping[str, Any], now: int, record: Callable[[str, Fact], Draft]) -> Verdict:
    return admission.start(plan, record) if plan.is_plain else admission.admit(plan, states, now, record)


def _told(event_id: str, plans: Sequence[Plan], verdicts: Sequence[Verdict]) -> Emitted:
    belonging = [(verdict, plan.function.id) for verdict, plan in zip(verdicts, plans, strict=True) if verdict.run_id]
    return Emitted(
        event_id,
        tuple([verdict.run_id for verdict, _ in belonging]),
        function_ids=tuple([function_id for _, function_id in belonging]),
        outcomes=tuple([verdict.outcome for verdict in verdicts if verdict.outcome is not None]),
        earlier=frozenset([verdict.run_id for verdict, _ in belonging if not verdict.fresh]),
    )


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
        tags=tuple(dict.fromkeys(event.tags)) if any(one.outcome in HELD for one in emitted.outcomes) else (),
        reemitted_from=event.reemitted_from,
    )
    cause = run_noun.stream(event.run_id) if event.run_id else event.cause
    return Draft(where, fact, cause, event_id, event.actor, event.metadata.decode())
