"""Rebuilding: a new generation is folded from the beginning while the old one serves, and takes its place once it has
caught up.

Caught up means: it has reached what history was when it was begun, and no less than the generation that serves. That
one is closed to writers first, so that nobody reads what is older than what was read before.

Of a single partition the same is done: the new generation folds the events of that partition only, and no further than
the one that serves has come; when it is there, it takes over that one's cursor and all other states.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.clock import Clock
from app.errors import Conflict, FailedPrecondition, InvalidArgument, RebuildNotFound
from app.events.reading import EventReader
from app.history.kinds import Fact, ProjectionRebuildCancelled, ProjectionRebuilding, ProjectionRebuilt
from app.history.tail import Tail
from app.projections import definition as definitions
from app.projections.feed import Feed, limit_of, read
from app.projections.noun import Generation, Projection
from app.projections.registry import Registry
from app.projections.states import check_partition
from storage import projections
from storage.contract import Storage, Transaction

CLOSED_S = 10.0
"""How long a generation that was overtaken stays closed, should the end of the rebuild not be recorded."""


class Job(msgspec.Struct, frozen=True):
    """How far a rebuild is. `status` is pending, running, completed, paused or failed; `progress` 0 to 100."""

    id: str
    projection: str
    status: str
    processed: int
    total: int
    progress: float
    started_at: int
    remaining_us: int | None
    error: str = ""
    dry_run: bool = False


class Rebuilds:
    def __init__(self, *, storage: Storage, tail: Tail, registry: Registry, feed: Feed, clock: Clock) -> None:
        self._storage = storage
        self._tail = tail
        self._registry = registry
        self._feed = feed
        self._clock = clock
        self._events = EventReader(storage)

    async def start(
        self,
        environment: str,
        name: str,
        *,
        partition: str = "",
        from_event_id: str = "",
        to_event_id: str = "",
        from_position: int = 0,
        to_position: int = 0,
        retried: Sequence[int] = (),
        dry_run: bool = False,
        reason: str = "",
        actor: str = "",
        expected: int | None = None,
    ) -> Job:
        """Begin one; with `dry_run`, only tell what it would be. An external projection can be given events from one
        on, or from one to another, after which it goes on where it was; or from and to positions of history. What was
        skipped and parked is left out, but for the parked events at positions `retried`. Raises ProjectionNotFound,
        EventNotFound, Conflict if one is under way that this would end before it is done, InvalidArgument,
        RevisionConflict."""
        projection = self._registry.get(environment, name)
        serving = projection.serving
        _check_partition(projection, partition)
        after, until = await self._between(projection, from_event_id, to_event_id, from_position, to_position)
        reached, _ = await self._feed.reached(projection, serving)
        resumed_after = max(reached, serving.resumed_after, until) if until else 0
        if dry_run:
            total = await self._count(projection, serving, after, until or self._tail.head)
            return Job("", name, "completed", 0, total, 0.0, self._clock.now_us(), None, dry_run=True)

        def decide(known: Projection) -> Sequence[Fact]:
            if known.building is not None:
                raise Conflict(
                    f"{name} is being rebuilt already", hint=f"`ironflow projection cancel-rebuild {name}` ends that"
                )
            if known.serving.number != serving.number:
                raise Conflict(f"another rebuild of {name} began meanwhile", hint="look at it, then ask again")
            if reached < serving.until and (after > reached or 0 < until < serving.until):
                raise Conflict(
                    f"{name} is being given events again, and has those up to position {serving.until} to come",
                    hint="ask again when it has them, or rebuild it from the beginning",
                )
            if not {one.position for one in known.serving.parked}.issuperset(retried):
                raise Conflict(
                    f"an event that {name} was to have in its place is parked no more",
                    field="event_ids",
                    hint=f"look again: `ironflow projection parked {name}`",
                )
            return [
                ProjectionRebuilding(
                    known.generations + 1, after, reason, partition, until, resumed_after, tuple(retried)
                )
            ]

        await self._registry.change(environment, name, decide, reason=reason, actor=actor, expected=expected)
        return await self.job(environment, name)

    async def cancel(
        self, environment: str, name: str, *, reason: str = "", actor: str = "", expected: int | None = None
    ) -> None:
        """The generation that serves goes on. Raises ProjectionNotFound, RevisionConflict, FailedPrecondition if none
        is built."""

        def decide(known: Projection) -> Sequence[Fact]:
            if known.building is None:
                raise FailedPrecondition(f"{name} is not being rebuilt")
            return [ProjectionRebuildCancelled(known.building.number, reason)]

        await self._registry.change(environment, name, decide, reason=reason, actor=actor, expected=expected)

    async def job(self, environment: str, name: str) -> Job:
        """The rebuild under way, or the last one. Raises ProjectionNotFound, RebuildNotFound."""
        projection = self._registry.get(environment, name)
        generation = projection.rebuilt
        if generation is None:
            raise RebuildNotFound(f"{name} was never rebuilt", hint=f"`ironflow projection rebuild {name}`")
        position, _ = await self._feed.reached(projection, generation)
        position = min(max(position, generation.after), generation.target)
        whole = max(1, generation.target - generation.after)
        done = (position - generation.after) / whole
        running = projection.building is generation or position < generation.target
        return Job(
            f"rebuild-{name}-{generation.number}",
            name,
            _status(projection, generation, running),
            await self._count(projection, generation, generation.after, position),
            await self._count(projection, generation, generation.after, generation.target),
            round(100.0 * done, 2) if running else 100.0,
            generation.begun_at,
            _remaining_us(done, self._clock.now_us() - generation.begun_at) if running else 0,
            generation.error,
        )

    async def reached(self, projection: Projection, generation: Generation) -> None:
        """Told whenever a generation has come further: if it is one that is built, and it has caught up, it serves from
        now on."""
        known = self._registry.find(projection.environment, projection.name)
        if known is None or known.building is None or known.building.number != generation.number:
            return
        position, _ = await self._feed.reached(known, known.building)
        if known.building.partition:
            await self._take_over(known, known.building, position)
            return
        if position < known.building.target:
            return
        now = self._clock.now_us()

        def close(tx: Transaction) -> bool:
            key = known.key(known.serving)
            projections.begin(tx, key, position=known.serving.after, now=now)
            return projections.retire(tx, key, overtaken_at=position, until=now + int(CLOSED_S * 1_000_000))

        if await self._storage.write(close):
            await self._registry.change(known.environment, known.name, lambda one: _ended(one, generation))

    async def _take_over(self, known: Projection, building: Generation, reached: int) -> None:
        """If its partition is where the generation that serves is, close that one and have all that it has."""
        now = self._clock.now_us()
        serving, key = known.key(known.serving), known.key(building)

        def work(tx: Transaction) -> bool:
            projections.begin(tx, serving, position=known.serving.after, now=now)
            projections.begin(tx, key, position=building.after, now=now)
            until = limit_of(tx, known, building, 0)
            left = read(tx, known, building, reached, until, limit=1)
            if left.events or left.through < until:
                return False
            if not projections.retire(tx, serving, overtaken_at=until, until=now + int(CLOSED_S * 1_000_000)):
                return False
            projections.take_over(tx, key, serving, but=building.partition, position=until)
            return True

        if await self._storage.write(work):
            await self._registry.change(known.environment, known.name, lambda one: _ended(one, building))

    async def _between(
        self, projection: Projection, from_event_id: str, to_event_id: str, from_position: int, to_position: int
    ) -> tuple[int, int]:
        """The position after which to begin, and that of the last event to be given again; 0 without one."""
        bounds = {
            "from_event_id": from_event_id,
            "to_event_id": to_event_id,
            "from_position": from_position,
            "to_position": to_position,
        }
        given = next((name for name, value in bounds.items() if value), "")
        if not given:
            return 0, 0
        _check_bound(from_event_id, from_position, self._tail.head, field="from_position")
        _check_bound(to_event_id, to_position, self._tail.head, field="to_position")
        if projection.serving.definition.mode != "external":
            raise InvalidArgument(
                "a state is the fold of all its events: it is rebuilt from the first one to the last",
                field=given,
                hint="leave it out; the state as of a position can be read with at",
            )
        environment = projection.environment
        first = (await self._events.get(environment, from_event_id)).position if from_event_id else from_position
        until = (await self._events.get(environment, to_event_id)).position if to_event_id else to_position
        after = max(0, first - 1)
        if until and until <= after:
            raise InvalidArgument(
                f"{to_event_id or to_position} was recorded before {from_event_id or from_position}",
                field="to_event_id" if to_event_id else "to_position",
                hint="swap them",
            )
        return after, until

    async def _count(self, projection: Projection, generation: Generation, after: int, until: int) -> int:
        names = definitions.chosen(generation.definition.events).names
        return await self._storage.read(
            lambda tx: projections.count_events(tx, projection.environment, after=after, until=until, names=names)
        )


def _check_bound(event_id: str, position: int, head: int, *, field: str) -> None:
    """Raises InvalidArgument."""
    if event_id and position:
        raise InvalidArgument(f"{field} and an event are two ways to say the same", field=field, hint="give one")
    if not 0 <= position <= head:
        raise InvalidArgument(f"position {position} is none of history", field=field, hint=f"1 to {head}")


def _check_partition(projection: Projection, partition: str) -> None:
    """Raises InvalidArgument."""
    definition = projection.serving.definition
    if not partition:
        return
    check_partition(partition)
    if definition.mode not in ("managed", "declared"):
        raise InvalidArgument(f"{projection.name} is {definition.mode}: it has no partitions", field="partition")
    if not definition.partition_key and partition != definitions.GLOBAL:
        raise InvalidArgument(
            f"{projection.name} has no partition but {definitions.GLOBAL}", field="partition", hint="leave it out"
        )


def _ended(known: Projection, generation: Generation) -> Sequence[Fact]:
    if known.building is None or known.building.number != generation.number:
        return []
    return [ProjectionRebuilt(generation.number)]


def _status(projection: Projection, generation: Generation, running: bool) -> str:
    if not running:
        return "completed"
    if generation.error:
        return "failed"
    return "paused" if projection.paused else "running"


def _remaining_us(done: float, elapsed_us: int) -> int | None:
    """How long it takes yet, at the pace so far; None where nobody can tell."""
    return round(elapsed_us * (1 - done) / done) if done > 0 else None
