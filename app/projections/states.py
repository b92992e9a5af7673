"""States: what a reducer has made of the events up to the cursor. State and cursor are one write, under the fence of
the runner's lease: an event is in the state once, however often its batch was folded.

Now and then a partition's state is kept as a snapshot, from which its past is folded again: after so many events of the
partition, and before it is overwritten after so many positions without one of its own. A write that has the states of
all partitions up to the cursor tells how long the states before it held: such a gap is not looked through again.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from app import jsonvalue
from app.clock import Clock
from app.errors import FailedPrecondition, InvalidArgument
from app.history.tail import Tail
from app.projections import feed
from app.projections.definition import GLOBAL, PARTITION_CHARS_MAX
from app.projections.feed import Feed
from app.projections.given import beyond
from app.projections.leases import Leases, lost
from app.projections.lending import Lending
from app.projections.noun import Generation, Projection
from app.projections.refolding import ByRules, ByWorker, Refold
from app.projections.registry import Registry
from storage import history, projections
from storage.contract import Storage, Transaction
from storage.projections import Fence, OverwrittenState, PartitionRow, ProjectionSnapshotRow, ProjectionStateRow

PARTITIONS_MAX = 1_000
PARTITIONS_COUNTED_MAX = 1_000
"""Lists count them for every projection, again and again."""
PARTITIONS_COMPARED_MAX = 10_000
"""Among so many is looked for those that changed last."""
SNAPSHOT_BYTES_PER_EVENT = 100
"""A state is kept as a snapshot the more rarely the larger it is."""
KEPT_POSITIONS = 5_000
KEPT_POSITIONS_PER_BYTE = 10
"""After how many positions a state is kept, and that at least for each of its bytes."""
REFOLD_POSITIONS_MAX = 2_000_000
"""How far is looked for events of a partition for its past."""
_COUNTED_MAX = 100_000


class Saved(msgspec.Struct, frozen=True):
    """The state of a partition after its event at `position`; `events` is how many were folded since the last one."""

    partition: str
    state: bytes
    last_event_id: str
    position: int
    at: int = 0
    events: int = 1


class State(msgspec.Struct, frozen=True):
    """`state` is JSON, None if the partition has none. `position` is that of the last event in it."""

    projection: Projection
    generation: Generation
    partition: str
    state: bytes | None = None
    version: int = 0
    last_event_id: str = ""
    last_event_at: int = 0
    position: int = 0
    updated_at: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How far the fold of a past state is: from position `begun` it has come to `position`, on its way `until` another
    one, and has folded so many events."""

    begun: int
    position: int
    until: int
    events: int


class States:
    def __init__(
        self,
        *,
        storage: Storage,
        tail: Tail,
        registry: Registry,
        leases: Leases,
        feed: Feed,
        lending: Lending,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._tail = tail
        self._registry = registry
        self._leases = leases
        self._feed = feed
        self._lending = lending
        self._clock = clock
        self._since_snapshot: dict[tuple[projections.Key, str], int] = {}

    async def save(
        self,
        projection: Projection,
        fence: Fence,
        saved: Sequence[Saved],
        *,
        position: int,
        last_event_id: str = "",
        whole: bool = True,
    ) -> Generation:
        """Write states and move the cursor to a position, which the fold of all events up to it has reached: with
        these states, if they are the `whole`. Raises LeaseLost, InvalidArgument; then nothing was written."""
        generation = self._leases.generation_of(projection, fence)
        await self._check_position(position)
        if len(saved) > PARTITIONS_MAX:
            raise InvalidArgument(f"{len(saved)} partitions are too many", field="partitions", hint="save more often")
        for one in saved:
            check_partition(one.partition)
            jsonvalue.check(one.state, field="state")
        now, key = self._clock.now_us(), projection.key(generation)
        given = self._feed.given.take(key, position)
        snapshots = [row for one in saved if (row := self._snapshot(key, generation, one)) is not None]

        def work(tx: Transaction) -> bool:
            cursor = projections.cursor(tx, key)
            if cursor is None:
                projections.begin(tx, key, position=generation.after, now=now)
            reached = cursor.position if cursor is not None else generation.after
            folded = beyond(given, reached)
            if not projections.advance(
                tx, key, fence, position=position, last_event_id=last_event_id, folded=folded, now=now
            ):
                return False
            before = _before(reached, saved) if whole and saved else 0
            if before:
                projections.keep(tx, [_overwritten(key, one, before) for one in saved])
            projections.save_states(tx, [_row(key, one, now, before) for one in saved])
            if snapshots:
                projections.save_snapshots(tx, snapshots)
            return True

        if not await self._storage.write(work):
            raise lost(projection)
        return generation

    async def get(
        self,
        projection: Projection,
        partition: str = "",
        *,
        generation: Generation | None = None,
        at: int = history.END,
    ) -> State:
        """The state of a partition, now or as of a position; with None for a partition that has none. Of a generation
        that is no more, what serves now. Raises FailedPrecondition if it cannot be told."""
        check_partition(partition)
        generation, partition = generation or projection.serving, partition or GLOBAL
        if at < history.END:
            async with aclosing(self.past(projection, partition, at, generation=generation)) as told:
                async for one in told:
                    if isinstance(one, State):
                        return one
            raise AssertionError("a past ends with its state")
        row = await self._row(projection.key(generation), partition)
        if row is not None:
            return _of_row(projection, generation, row)
        now = self._registry.find(projection.environment, projection.name)
        if now is not None and now.generation(generation.number) is None:  # another took its place just now
            return await self.get(now, partition)
        return State(projection, generation, partition)

    async def past(
        self, projection: Projection, partition: str, at: int, *, generation: Generation | None = None
    ) -> AsyncGenerator[Progress | State, None]:
        """The state of a partition as of a position, after how far it is as often as some of it was folded. Raises
        FailedPrecondition if it cannot be told."""
        check_partition(partition)
        generation = generation or projection.serving
        async for one in self._as_of(projection, generation, partition or GLOBAL, at):
            yield one

    async def partitions(
        self, projection: Projection, *, search: str = "", after: str = "", limit: int = 100, recent: bool = False
    ) -> tuple[Sequence[PartitionRow], int]:
        """Those that have a state, by key, or those first that changed last, of PARTITIONS_COMPARED_MAX; and how many
        there are, of which PARTITIONS_COUNTED_MAX are counted. Raises InvalidArgument for a page after another of
        those that changed last."""
        if recent and after:
            raise InvalidArgument("what changed last has no page after another", field="after", hint="leave it out")
        key = projection.key()

        def look(tx: Transaction) -> tuple[Sequence[PartitionRow], int]:
            total = projections.count_partitions(tx, key, search=search, limit=PARTITIONS_COUNTED_MAX)
            if recent:
                among = PARTITIONS_COMPARED_MAX
                return projections.recent_partitions(tx, key, search=search, among=among, limit=limit), total
            return projections.partitions(tx, key, search=search, after=after, limit=limit), total

        return await self._storage.read(look)

    async def _check_position(self, position: int) -> None:
        """Raises InvalidArgument for one that history has not reached, on any node."""
        head = self._tail.head
        if position > head:
            head, _ = await self._storage.read(history.head)
        if not 0 <= position <= head:
            raise InvalidArgument(
                f"position {position} is none of history", field="last_event_seq", hint=f"at most {head}"
            )

    async def _row(self, key: projections.Key, partition: str) -> ProjectionStateRow | None:
        return await self._storage.read(lambda tx: projections.state(tx, key, partition))

    async def _as_of(
        self, projection: Projection, generation: Generation, partition: str, at: int
    ) -> AsyncGenerator[Progress | State, None]:
        definition = generation.definition
        if generation.error:  # that event stopped all partitions
            at = min(at, generation.error_position - 1)
        if definition.mode == "external":
            raise FailedPrecondition(f"{projection.name} is external: its state is not here")
        if definition.mode == "sql":
            raise FailedPrecondition(
                f"{projection.name} is a table: it has rows and no state",
                field="at",
                hint=f"`ironflow projection rows {projection.name} --at {at}`",
            )
        key = projection.key(generation)
        reached, _ = await self._feed.reached(projection, generation)  # first: what comes then is in the row
        row = await self._row(key, partition)
        if reached >= at and (row is None or row.position <= at):
            yield State(projection, generation, partition) if row is None else _of_row(projection, generation, row)
            return
        snapshot = await self._storage.read(lambda tx: projections.snapshot(tx, key, partition, until=at))
        if snapshot is not None:
            found = _of_snapshot(projection, generation, snapshot)
            holds_through = max(snapshot.position, snapshot.through)
        else:
            found = State(projection, generation, partition, position=generation.after)
            holds_through = max(generation.after, row.since if row is not None else 0)
        if holds_through >= at:
            yield found
            return
        async for one in self._refolded(found, self._refold(projection, generation, found), holds_through, at):
            yield one

    def _refold(self, projection: Projection, generation: Generation, nearest: State) -> Refold | None:
        """Who can fold on from a state; None if nobody can."""
        definition = generation.definition
        if definition.mode == "declared":
            return ByRules(definition, nearest.state)
        lender = (projection.environment, projection.name, definition.version)
        return ByWorker(definition, nearest.state, self._lending, lender) if self._lending.has(lender) else None

    async def _refolded(
        self, nearest: State, refold: Refold | None, position: int, at: int
    ) -> AsyncGenerator[Progress | State, None]:
        """A state that holds through a position with the events of its partition up to another. Raises
        FailedPrecondition if there are any, and nobody is there to fold them."""
        projection, generation = nearest.projection, nearest.generation
        seen, goes_on, begun = 0, True, position
        if at - position > REFOLD_POSITIONS_MAX:
            raise _too_far(REFOLD_POSITIONS_MAX, "positions", at)
        while position < at and goes_on:
            page = functools.partial(
                feed.read,
                projection=projection,
                generation=generation,
                after=position,
                until=at,
                limit=feed.BATCH[1],
                partition=nearest.partition if generation.definition.partition_key else "",
            )
            batch = await self._storage.read(page)
            position = batch.through
            if not batch.events:
                yield Progress(begun, position, at, seen)
                continue
            if refold is None:
                raise _not_kept(nearest, at)
            seen += len(batch.events)
            if seen > refold.events_max:
                raise _too_far(refold.events_max, "events", at)
            goes_on = await refold.fold(batch.events)
            yield Progress(begun, position, at, seen)
        if refold is None or refold.last is None:
            yield nearest
            return
        last = refold.last
        yield State(
            projection,
            generation,
            nearest.partition,
            refold.state(),
            0,
            last.fact.id,
            last.entry.recorded_at,
            last.position,
        )

    def _snapshot(self, key: projections.Key, generation: Generation, one: Saved) -> ProjectionSnapshotRow | None:
        """The row that keeps a state, if it is time for one."""
        counted, partition = self._since_snapshot, one.partition or GLOBAL
        if len(counted) > _COUNTED_MAX:
            counted.clear()
        count = counted.get((key, partition), 0) + one.events
        every = max(generation.definition.snapshot_every, len(one.state) // SNAPSHOT_BYTES_PER_EVENT)
        counted[key, partition] = 0 if count >= every else count
        if count < every:
            return None
        return ProjectionSnapshotRow(*key, partition, one.position, one.state.decode(), one.last_event_id, one.at)


def check_partition(partition: str) -> None:
    """Raises InvalidArgument."""
    if len(partition) > PARTITION_CHARS_MAX or "\0" in partition:
        raise InvalidArgument(
            f"partition {partition[:40]!r} is too long, or has a NUL",
            field="partition",
            hint=f"at most {PARTITION_CHARS_MAX} characters",
        )


def _too_far(many: int, what: str, at: int) -> FailedPrecondition:
    return FailedPrecondition(
        f"more than {many} {what} lie between position {at} and the nearest snapshot",
        field="at",
        hint="register it with a smaller snapshot_every",
    )


def _not_kept(nearest: State, at: int) -> FailedPrecondition:
    kept = f"; the nearest that is kept is of position {nearest.position}" if nearest.state is not None else ""
    return FailedPrecondition(
        f"the state of {nearest.projection.name} as of {at} is not kept, and no worker is there to fold it{kept}",
        field="at",
        hint="start its worker, or ask for a position that is kept: see docs/guides/projections.md",
    )


def _row(key: projections.Key, one: Saved, now: int, before: int) -> ProjectionStateRow:
    """There is nothing new in it up to `before`."""
    state, since = one.state.decode(), min(before, one.position - 1)
    return ProjectionStateRow(
        *key, one.partition or GLOBAL, state, 1, one.last_event_id, one.at or now, one.position, now, since
    )


def _before(cursor: int, saved: Sequence[Saved]) -> int:
    """Up to where no event is new in these states, which are all that there are after the cursor."""
    known = all(one.events == 1 for one in saved)
    return max(cursor, min(one.position for one in saved) - 1) if known else cursor


def _overwritten(key: projections.Key, one: Saved, before: int) -> OverwrittenState:
    through = min(before, one.position - 1)
    return OverwrittenState(through, *key, one.partition or GLOBAL, KEPT_POSITIONS, KEPT_POSITIONS_PER_BYTE)


def _of_snapshot(projection: Projection, generation: Generation, row: ProjectionSnapshotRow) -> State:
    return State(
        projection,
        generation,
        row.partition_key,
        row.state.encode(),
        0,
        row.last_event_id,
        row.last_event_at,
        row.position,
    )


def _of_row(projection: Projection, generation: Generation, row: ProjectionStateRow) -> State:
    return State(
        projection,
        generation,
        row.partition_key,
        row.state.encode(),
        row.version,
        row.last_event_id,
        row.last_event_at,
        row.position,
        row.updated_at,
    )
