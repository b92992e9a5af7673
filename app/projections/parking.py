"""What becomes of an event that has stopped a projection: it is skipped for good, or parked until somebody retries or
discards it; the projection goes on after it. To have the event tried again, resume the projection.

A state is the fold of its events in their order, so a parked event that is retried takes its place among them: its
partition is folded anew beside what serves, or all of it where the events retried are of several partitions or the
projection is a table. An external projection is given the event once more, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import Conflict, FailedPrecondition, InvalidArgument, ParkedEventNotFound
from app.events.reading import EventReader
from app.history.kinds import EventEmitted, Fact, ProjectionEventPassed, ProjectionParkedDiscarded
from app.projections.feed import Delivered
from app.projections.noun import Passed, Projection
from app.projections.rebuild import Job, Rebuilds
from app.projections.registry import Registry
from app.runs.asking import Request
from storage.contract import Storage

PASSED_MAX = 500
"""Events that one projection goes on without: more are no exceptions, and its definition or its code is to change."""


class Parking:
    def __init__(self, *, storage: Storage, registry: Registry, rebuilds: Rebuilds) -> None:
        self._registry = registry
        self._rebuilds = rebuilds
        self._events = EventReader(storage)

    async def go_on(
        self,
        environment: str,
        name: str,
        *,
        park: bool,
        event_id: str = "",
        reason: str,
        actor: str = "",
        expected: int | None = None,
    ) -> Projection:
        """The projection, which goes on without the event that has stopped it. With `event_id` only if it is that one;
        asked again, it changes nothing. Raises ProjectionNotFound, EventNotFound, InvalidArgument, Conflict,
        FailedPrecondition, RevisionConflict."""
        told = Request(reason, actor).checked(needs_reason=True).reason
        stopped = self._registry.get(environment, name).stopped
        wanted = event_id or (stopped.error_event_id if stopped is not None else "")
        if not wanted:
            raise FailedPrecondition(f"{name} was not stopped by an event", hint="there is nothing to skip or park")
        position = (await self._events.get(environment, wanted)).position  # a runner may have told another
        return await self._registry.change(
            environment,
            name,
            lambda known: _go_on(known, wanted, position, park, told),
            actor=actor,
            expected=expected,
        )

    def parked(self, environment: str, name: str) -> Sequence[Passed]:
        """The events that wait to be retried or discarded, the oldest first. Raises ProjectionNotFound."""
        return self._registry.get(environment, name).serving.parked

    async def discard(
        self,
        environment: str,
        name: str,
        event_ids: Sequence[str] = (),
        *,
        reason: str,
        actor: str = "",
        expected: int | None = None,
    ) -> int:
        """How many parked events it goes on without for good now: those named, or all. Asked again, it
        changes nothing. Raises ProjectionNotFound, ParkedEventNotFound, InvalidArgument, Conflict while a generation is
        built that has one of them, RevisionConflict."""
        told = Request(reason, actor).checked(needs_reason=True).reason
        discarded: list[Passed] = []

        def decide(known: Projection) -> Sequence[Fact]:
            gone = {one.event_id for one in known.serving.passed if not one.parked}
            left = [one for one in event_ids if one not in gone]
            discarded[:] = _named(known, left) if left or not event_ids else []
            _check_out_of_building(known, discarded)
            return [ProjectionParkedDiscarded(tuple(one.position for one in discarded), told)] if discarded else []

        await self._registry.change(environment, name, decide, actor=actor, expected=expected)
        return len(discarded)

    async def retry(
        self,
        environment: str,
        name: str,
        event_ids: Sequence[str] = (),
        *,
        reason: str,
        actor: str = "",
        expected: int | None = None,
    ) -> Job:
        """The rebuild that gives parked events, those named or all, their place. They stay parked until it is over, and
        if it is cancelled. Raises ProjectionNotFound, ParkedEventNotFound, InvalidArgument, Conflict if a rebuild is
        under way, FailedPrecondition if nothing is parked, RevisionConflict."""
        told = Request(reason, actor).checked(needs_reason=True).reason
        projection = self._registry.get(environment, name)
        wanted = _named(projection, event_ids)
        if not wanted:
            raise FailedPrecondition(f"nothing is parked by {name}", hint="`ironflow projection parked` lists what is")
        if projection.serving.definition.mode == "external":
            return await self._give_again(projection, wanted, told, actor, expected)
        return await self._rebuilds.start(
            environment,
            name,
            partition=await self._partition(projection, wanted),
            retried=[one.position for one in wanted],
            reason=told,
            actor=actor,
            expected=expected,
        )

    async def _give_again(
        self, projection: Projection, wanted: Sequence[Passed], reason: str, actor: str, expected: int | None
    ) -> Job:
        if len(wanted) > 1:
            raise InvalidArgument(
                f"{projection.name} is external: it is given one event again at a time",
                field="event_ids",
                hint=f"name one of the {len(wanted)} that are parked",
            )
        return await self._rebuilds.start(
            projection.environment,
            projection.name,
            from_event_id=wanted[0].event_id,
            to_event_id=wanted[0].event_id,
            retried=[wanted[0].position],
            reason=reason,
            actor=actor,
            expected=expected,
        )

    async def _partition(self, projection: Projection, wanted: Sequence[Passed]) -> str:
        """The one that all of them belong to; "" if there is none, or it is not folded by partitions."""
        definition, found = projection.serving.definition, set()
        if definition.mode == "sql" or not definition.partition_key:
            return ""
        for one in wanted:
            entry = await self._events.get(projection.environment, one.event_id)
            fact = entry.fact
            assert isinstance(fact, EventEmitted)
            found.add(Delivered(entry, fact, definition.partition_key).partition)
        return found.pop() if len(found) == 1 else ""


def _go_on(known: Projection, event_id: str, position: int, park: bool, reason: str) -> Sequence[Fact]:
    stopped = known.stopped
    if stopped is None or stopped.error_event_id != event_id:
        if any(one.event_id == event_id and one.parked == park for one in known.newest.passed):
            return []
        where = f"at event {stopped.error_event_id}" if stopped is not None else "at no event"
        raise Conflict(
            f"{known.name} stands {where}, not at {event_id[:80]}",
            field="event_id",
            hint=f"look again: `ironflow projection get {known.name}`",
        )
    if len(stopped.passed) >= PASSED_MAX:
        raise FailedPrecondition(
            f"{known.name} goes on without {PASSED_MAX} events already",
            hint="mend its reducer and count its version up: all of them are tried again then",
        )
    return [ProjectionEventPassed(stopped.number, event_id, position, stopped.error, reason, park)]


def _check_out_of_building(known: Projection, discarded: Sequence[Passed]) -> None:
    """Raises Conflict if the generation that is built has one of these events: once it serves, it would be in the state
    all the same."""
    passed = {one.position for one in known.building.passed} if known.building is not None else None
    for one in discarded:
        if passed is not None and one.position not in passed:
            raise Conflict(
                f"{known.name} is being rebuilt with event {one.event_id}",
                field="event_ids",
                hint=f"ask again when that is over, or end it: `ironflow projection cancel-rebuild {known.name}`",
            )


def _named(known: Projection, event_ids: Sequence[str]) -> list[Passed]:
    """The parked events of these ids; all, if there are none. Raises ParkedEventNotFound."""
    parked = known.serving.parked
    if not event_ids:
        return list(parked)
    of = {one.event_id: one for one in parked}
    for event_id in event_ids:
        if event_id not in of:
            raise ParkedEventNotFound(
                f"{known.name} has parked no event {event_id[:80]!r}",
                field="event_ids",
                hint=f"`ironflow projection parked {known.name}` lists them",
            )
    return [of[event_id] for event_id in dict.fromkeys(event_ids)]
