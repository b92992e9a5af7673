"""How far behind a projection is and how fast it folds, in a node whose clock the test moves; on both stores."""

from __future__ import annotations

from contextlib import aclosing

import msgspec
import pytest

from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.history.kinds import ProjectionDefinition, Rule
from app.node import Node
from app.projections import feed
from app.projections.leases import TTL_S
from app.projections.noun import Projection
from app.projections.service import GONE, HERE, NEVER, UNKNOWN
from app.projections.states import Progress, Saved, State
from storage.projections import Fence

ENVIRONMENT, NAME = "default", "counts"
MANAGED = ProjectionDefinition("managed", ("n",), partition_key="$.data.p")


async def registered(node: Node) -> Projection:
    projection, _ = await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)
    return projection


async def emit(node: Node, partition: str = "a") -> None:
    await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b'{"p": "%b"}' % partition.encode()))


async def lease(node: Node) -> Fence:
    granted = await node.projections.leases.acquire(ENVIRONMENT, NAME, version=1)
    assert granted is not None
    return granted.fence


async def fold(node: Node, projection: Projection, fence: Fence) -> None:
    """All that there is, in one batch."""
    batch = await node.projections.next(ENVIRONMENT, NAME, fence)
    last = {one.partition: one for one in batch.events}
    saved = [Saved(partition, b"{}", one.fact.id, one.position) for partition, one in last.items()]
    await node.projections.save(
        projection, fence, saved, position=batch.through, last_event_id=batch.events[-1].fact.id
    )


async def test_lag_is_told_by_the_age_of_the_oldest_entry_that_was_not_reached(node: Node, clock: ManualClock) -> None:
    projection = await registered(node)
    fence = await lease(node)
    clock.advance(seconds=100)
    await emit(node)
    clock.advance(seconds=30)
    await emit(node)
    clock.advance(seconds=5)

    behind = await node.projections.status(projection)
    await fold(node, projection, fence)
    after = await node.projections.status(projection)

    assert (behind.behind_us, behind.lag) == (35_000_000, node.tail.head - behind.position)
    assert (after.behind_us, after.lag) == (0, 0)


async def test_the_rate_counts_what_was_folded_however_often_it_was_given(node: Node, clock: ManualClock) -> None:
    projection = await registered(node)
    fence = await lease(node)
    assert (await node.projections.status(projection)).per_second is None
    await node.projections.paces.sample(node.tail.head)
    for _ in range(6):
        await emit(node)

    await node.projections.next(ENVIRONMENT, NAME, fence)
    await fold(node, projection, fence)
    clock.advance(seconds=2)
    await node.projections.paces.sample(node.tail.head)

    assert (await node.projections.status(projection)).per_second == 3.0
    first, *_, last = node.projections.paces.of(projection)
    assert (first.folded, last.folded, last.lag, last.at - first.at) == (0, 6, 0, 2_000_000)


async def test_it_is_told_who_folds_a_projection(node: Node, clock: ManualClock) -> None:
    projection = await registered(node)

    async def runner() -> str:
        return (await node.projections.status(projection)).runner

    assert await runner() == NEVER
    fence = await lease(node)
    assert await runner() == HERE
    clock.advance(seconds=TTL_S + 1)
    assert await runner() == GONE
    await emit(node)
    fence = await lease(node)
    await fold(node, projection, fence)
    await node.projections.leases.release(projection, fence)
    assert await runner() == GONE


async def test_of_runners_without_leases_nobody_knows_whether_they_are_there(node: Node) -> None:
    projection = await registered(node)
    await emit(node)

    await fold(node, projection, Fence())

    assert (await node.projections.status(projection)).runner == UNKNOWN


async def test_partitions_are_counted_and_each_tells_where_it_is(node: Node) -> None:
    projection = await registered(node)
    fence = await lease(node)
    for partition in ("b", "a", "b"):
        await emit(node, partition)
    await fold(node, projection, fence)

    rows, total = await node.projections.states.partitions(projection, limit=1)
    [found], few = await node.projections.states.partitions(projection, search="b")
    recent, _ = await node.projections.states.partitions(projection, recent=True)

    assert ([one.partition_key for one in rows], total) == (["a"], 2)
    assert (found.partition_key, found.position, found.size_bytes, few) == ("b", node.tail.head, 2, 1)
    assert [one.partition_key for one in recent] == ["b", "a"]
    assert (await node.projections.status(projection)).partitions == 2


async def test_the_fold_of_a_past_state_tells_how_far_it_is(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", (100, 2))
    rules = (Rule("n", set={"count": "state.count + 1"}),)
    definition = ProjectionDefinition("declared", ("n",), initial=msgspec.Raw(b'{"count":0}'), rules=rules)
    projection, _ = await node.projections.registry.register(ENVIRONMENT, "folded", definition)
    await node.projections.registry.pause(ENVIRONMENT, "folded")
    empty = node.tail.head  # its follower may have noted that there is nothing as far as this
    for _ in range(5):
        await emit(node)
    at = node.tail.head

    async with aclosing(node.projections.states.past(projection, "", at)) as told:
        *progress, state = [one async for one in told]

    assert isinstance(state, State)
    assert state.state == b'{"count":5}'
    assert [one.events for one in progress if isinstance(one, Progress)] == [2, 4, 5]
    assert [one.until for one in progress if isinstance(one, Progress)] == [at] * 3
    assert len({one.begun for one in progress if isinstance(one, Progress)}) == 1
    assert all(0 <= one.begun <= empty for one in progress if isinstance(one, Progress))
