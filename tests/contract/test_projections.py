"""Projections in a node whose clock the test moves: leases, fences, and what a rebuild of the tables says of them."""

from __future__ import annotations

import asyncio
import functools

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import EventNotFound, InvalidArgument, LeaseLost, ProjectionStopped
from app.events.new_event import NewEvent
from app.history.kinds import ProjectionDefinition, Rule
from app.history.rebuild import rebuild
from app.node import Node
from app.projections import definition as definitions
from app.projections import feed, states
from app.projections.leases import TTL_S
from app.projections.states import Saved
from storage import projections
from storage.contract import Storage
from storage.projections import Fence

MANAGED = ProjectionDefinition("managed", ("n",))
PARTED = ProjectionDefinition("managed", ("n",), partition_key="$.data.p")
ENVIRONMENT, NAME = "default", "counts"


async def emit(node: Node) -> int:
    """The event's position."""
    await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b"{}"))
    return node.tail.head


async def emitted(node: Node) -> str:
    """The event's id."""
    return (await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b"{}"))).event_id


async def acknowledge_all(node: Node) -> list[str]:
    """What an external runner is given, in order, until there is no more."""
    given: list[str] = []
    held = await lease(node)
    while events := (await node.projections.next(ENVIRONMENT, NAME, held, limit=1)).events:
        given += [one.fact.id for one in events]
        projection = node.projections.registry.get(ENVIRONMENT, NAME)
        await node.projections.save(projection, held, (), position=events[-1].position)
    await node.projections.leases.release(node.projections.registry.get(ENVIRONMENT, NAME), held)
    return given


async def lease(node: Node) -> Fence:
    granted = await node.projections.leases.acquire(ENVIRONMENT, NAME, version=1)
    assert granted is not None
    return granted.fence


async def save(node: Node, fence: Fence, state: bytes, position: int) -> None:
    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    await node.projections.save(projection, fence, [Saved("", state, "e", position)], position=position)


async def state(node: Node) -> bytes | None:
    found = await node.projections.states.get(node.projections.registry.get(ENVIRONMENT, NAME))
    return found.state


async def test_a_runner_that_is_not_heard_of_is_replaced_and_fenced(node: Node, clock: ManualClock) -> None:
    await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)
    position = await emit(node)
    silent = await lease(node)
    assert await node.projections.leases.acquire(ENVIRONMENT, NAME, version=1) is None

    clock.advance(seconds=TTL_S + 1)
    heir = await lease(node)
    await save(node, heir, b"1", position)

    with pytest.raises(LeaseLost):
        await save(node, silent, b"99", position)
    with pytest.raises(LeaseLost):
        await node.projections.next(ENVIRONMENT, NAME, silent)
    assert heir.epoch == silent.epoch + 1
    assert await state(node) == b"1"


async def test_a_lease_that_is_renewed_holds(node: Node, clock: ManualClock) -> None:
    await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)
    held = await lease(node)

    for _ in range(3):
        clock.advance(seconds=TTL_S * 0.9)
        await node.projections.leases.renew(node.projections.registry.get(ENVIRONMENT, NAME), held)

    assert await node.projections.leases.acquire(ENVIRONMENT, NAME, version=1) is None


async def test_neither_cursor_nor_state_ever_goes_back(node: Node) -> None:
    await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)
    first, second = await emit(node), await emit(node)
    fence = await lease(node)
    await save(node, fence, b"2", second)

    await save(node, fence, b"1", first)

    assert await state(node) == b"2"
    assert (await node.projections.next(ENVIRONMENT, NAME, fence)).after == second


async def test_who_asks_for_changes_misses_none_before_the_wait_begins(node: Node) -> None:
    changed = node.projections.registry.changed()

    await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)

    async with asyncio.timeout(5):
        await changed


@pytest.mark.parametrize("partition_key", ["", "$.data.p"])
async def test_the_newest_events_come_from_memory_as_the_store_has_them(
    node: Node, storage: Storage, partition_key: str
) -> None:
    """From every position, with events between them that are for others."""
    definition = ProjectionDefinition("managed", ("n", "m.*"), partition_key=partition_key)
    await node.projections.registry.register(ENVIRONMENT, NAME, definition)
    held, begun = await lease(node), node.tail.head
    for number, (environment, name) in enumerate(
        [(ENVIRONMENT, "n"), ("other", "n"), (ENVIRONMENT, "m.a"), (ENVIRONMENT, "z"), (ENVIRONMENT, "n")] * 2
    ):
        data = b'{"p":"%d"}' % (number % 3)
        await node.emitter.emit(NewEvent(environment=environment, name=name, data=data))
    projection, head = node.projections.registry.get(ENVIRONMENT, NAME), node.tail.head
    remembered = {id(entry) for entry in node.tail.remembered(begun) or ()}
    assert len(remembered) == 10

    for after in range(begun, head + 1):
        batch, generation, _ = await node.projections.feed.next(ENVIRONMENT, NAME, held, after=after, limit=2)
        read = functools.partial(feed.read, projection=projection, generation=generation, limit=2)
        stored = await storage.read(functools.partial(read, after=after, until=head))

        assert {id(one.entry) for one in batch.events} <= remembered
        assert [(one.position, one.partition) for one in batch.events] == [
            (one.position, one.partition) for one in stored.events
        ]
        assert batch.through == stored.through


async def test_a_refused_event_is_recorded_once(node: Node) -> None:
    skipping = ProjectionDefinition("managed", ("n",), on_error="skip")
    registry = node.projections.registry
    await registry.register(ENVIRONMENT, NAME, skipping)
    position = await emit(node)
    before = node.tail.head

    for _ in range(2):
        assert await registry.refuse_event(ENVIRONMENT, NAME, 1, event_id="e", position=position, error="x")

    assert node.tail.head == before + 1


async def test_events_between_two_are_handled_again_and_no_others(node: Node) -> None:
    projections, rebuilds = node.projections, node.projections.rebuilds
    await projections.registry.register(ENVIRONMENT, NAME, ProjectionDefinition("external", ("n",)))
    ids = [await emitted(node) for _ in range(4)]
    await acknowledge_all(node)

    dry = await rebuilds.start(ENVIRONMENT, NAME, from_event_id=ids[1], to_event_id=ids[2], dry_run=True)
    await rebuilds.start(ENVIRONMENT, NAME, from_event_id=ids[1], to_event_id=ids[2])
    later = await emitted(node)

    assert dry.total == 2
    assert await acknowledge_all(node) == [ids[1], ids[2], later]
    assert (await rebuilds.job(ENVIRONMENT, NAME)).status == "completed"
    with pytest.raises(InvalidArgument, match="was recorded before"):
        await rebuilds.start(ENVIRONMENT, NAME, from_event_id=ids[2], to_event_id=ids[1])
    with pytest.raises(EventNotFound):
        await rebuilds.start(ENVIRONMENT, NAME, to_event_id="nope")


async def test_events_between_two_positions_are_handled_again(node: Node) -> None:
    await node.projections.registry.register(ENVIRONMENT, NAME, ProjectionDefinition("external", ("n",)))
    ids = [await emitted(node) for _ in range(4)]
    head = node.tail.head
    await acknowledge_all(node)
    rebuilds = node.projections.rebuilds

    dry = await rebuilds.start(ENVIRONMENT, NAME, from_position=head - 2, to_position=head - 1, dry_run=True)
    await rebuilds.start(ENVIRONMENT, NAME, from_position=head - 2, to_position=head - 1)

    assert dry.total == 2
    assert await acknowledge_all(node) == ids[1:3]
    for wrong, field in (
        ({"from_position": node.tail.head + 1}, "from_position"),
        ({"from_position": head, "to_position": head - 1}, "to_position"),
        ({"from_position": 1, "from_event_id": ids[0]}, "from_position"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await rebuilds.start(ENVIRONMENT, NAME, dry_run=True, **wrong)  # type: ignore[arg-type]
        assert refused.value.field == field


async def test_a_state_is_rebuilt_from_all_its_events(node: Node) -> None:
    await node.projections.registry.register(ENVIRONMENT, NAME, MANAGED)
    event_id = await emitted(node)

    for field in ("from_event_id", "to_event_id"):
        with pytest.raises(InvalidArgument) as refused:
            await node.projections.rebuilds.start(ENVIRONMENT, NAME, **{field: event_id})
        assert refused.value.field == field


async def test_the_past_of_a_projection_ends_where_it_was_stopped(node: Node) -> None:
    rule = Rule("n", set={"sum": "state.sum + event.data.n"})
    initial = msgspec.Raw(b'{"sum":0}')
    declared = ProjectionDefinition("declared", ("n",), "$.data.p", initial=initial, rules=(rule,))
    await node.projections.register(ENVIRONMENT, NAME, declared)
    for told in (b'{"p":"a","n":1}', b'{"p":"b","n":"poison"}', b'{"p":"a","n":2}'):
        await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=told))
    with pytest.raises(ProjectionStopped):
        await node.projections.waits.until(ENVIRONMENT, NAME, node.tail.head, timeout_s=30)

    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    past = await node.projections.states.get(projection, "a", at=node.tail.head)

    assert past.state == b'{"sum":1}'


@pytest.mark.parametrize(
    ("partition", "path", "text"),
    [
        ("c-7", "$.data.customer", "c-7"),
        ("7", "$.data.customer", ""),
        ("1e2", "$.data.customer", ""),
        ("true", "$.data.customer", ""),
        ("__global__", "$.data.customer", ""),
        ("c-7", "$.metadata.customer", ""),
        ("c" * 512, "$.data.customer", ""),
    ],
)
def test_what_is_looked_for_is_in_the_data_of_every_event_of_a_partition(partition: str, path: str, text: str) -> None:
    assert definitions.text_of(partition, path) == text


async def test_events_of_a_partition_are_found_however_its_name_is_written(node: Node) -> None:
    declared = ProjectionDefinition(
        "declared", ("n",), "$.data.p", initial=msgspec.Raw(b'{"n":0}'), rules=(Rule("n", set={"n": "state.n + 1"}),)
    )
    await node.projections.register(ENVIRONMENT, NAME, declared)
    for told in (b'{"p":"caf\xc3\xa9"}', b'{"p":"caf\\u00e9"}', b'{"p":"tea"}'):
        await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=told))
    then = node.tail.head
    await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data='{"p":"café"}'.encode()))
    await node.projections.waits.until(ENVIRONMENT, NAME, node.tail.head, timeout_s=30)

    past = await node.projections.states.get(node.projections.registry.get(ENVIRONMENT, NAME), "café", at=then)

    assert past.state == b'{"n":2}'


async def test_the_past_of_a_partition_is_known_over_the_gaps_between_its_events(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker is there to fold: what is answered is what was kept."""
    monkeypatch.setattr(states, "KEPT_POSITIONS", 10)
    monkeypatch.setattr(states, "KEPT_POSITIONS_PER_BYTE", 0)
    projection, _ = await node.projections.register(ENVIRONMENT, NAME, PARTED)
    fence = await lease(node)

    async def take(partition: str, state: bytes) -> int:
        """The position of an event of a partition, of which the runner makes a state."""
        told = msgspec.json.encode({"p": partition})
        await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=told))
        position = node.tail.head
        saved = [states.Saved(partition, state, "e", position)]
        await node.projections.save(projection, fence, saved, position=position)
        return position

    async def known(partition: str, at: int) -> bytes | None:
        return (await node.projections.states.get(projection, partition, at=at)).state

    first = await take("rare", b"1")
    others = [await take("often", b"%d" % number) for number in range(12)]
    late = await take("late", b"1")
    last = await take("rare", b"2")
    await take("late", b"2")

    assert {await known("rare", at) for at in (first, others[0], others[-1], late)} == {b"1"}
    assert await known("rare", last) == b"2"
    assert await known("rare", first - 1) is None
    assert await known("late", others[-1]) is None
    assert await known("never", last) is None


async def test_who_asks_as_a_rebuild_takes_over_is_told_what_serves_now(node: Node, storage: Storage) -> None:
    """The states of the generation that served are dropped between looking it up and reading."""
    declared = ProjectionDefinition(
        "declared", ("n",), initial=msgspec.Raw(b'{"n":0}'), rules=(Rule("n", set={"n": "state.n + 1"}),)
    )
    await node.projections.register(ENVIRONMENT, NAME, declared)
    await emit(node)
    await node.projections.waits.until(ENVIRONMENT, NAME, node.tail.head, timeout_s=30)
    registry = node.projections.registry
    looked_up = registry.get(ENVIRONMENT, NAME)

    await node.projections.rebuilds.start(ENVIRONMENT, NAME)
    async with asyncio.timeout(30):
        while registry.get(ENVIRONMENT, NAME).building is not None:
            await registry.changed()
    await storage.write(lambda tx: projections.drop(tx, looked_up.key()))  # as the register does right after

    assert (await node.projections.states.get(looked_up)).state == b'{"n":1}'


async def test_the_register_is_what_history_says(node: Node, storage: Storage) -> None:
    registry, rebuilds = node.projections.registry, node.projections.rebuilds
    await registry.register(ENVIRONMENT, NAME, MANAGED)
    await registry.pause(ENVIRONMENT, NAME, reason="r")
    await registry.resume(ENVIRONMENT, NAME)
    await emit(node)
    await registry.refuse_event(ENVIRONMENT, NAME, 1, event_id="e", position=1, error="x")
    await rebuilds.start(ENVIRONMENT, NAME)
    await registry.register(ENVIRONMENT, "other", MANAGED)
    await registry.delete(ENVIRONMENT, "other")

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert report.rows["projection"] == 2
