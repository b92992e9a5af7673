"""What becomes of an event that has stopped a projection: skipped, parked, retried in its place, discarded."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from app.errors import Conflict, FailedPrecondition, InvalidArgument, ParkedEventNotFound, ProjectionStopped
from app.events.new_event import NewEvent
from app.history.kinds import ProjectionDefinition, Rule
from app.history.kinds.projection import TableRules
from app.history.rebuild import rebuild
from app.node import Node
from app.projections import parking
from app.projections.rebuild import Job
from app.projections.states import Saved
from storage.contract import Storage

ENVIRONMENT, NAME = "default", "sums"
STRICT = Rule("n", set={"sum": "state.sum + event.data.n"})
LENIENT = Rule("n", set={"sum": "state.sum + int(event.data.n)"})
EXTERNAL = ProjectionDefinition("external", ("n",))
WHY = "a look at it"


def declared(rule: Rule = STRICT, version: int = 1) -> ProjectionDefinition:
    initial = msgspec.Raw(b'{"sum":0}')
    return ProjectionDefinition("declared", ("n",), "$.data.p", version, initial=initial, rules=(rule,))


async def emit(node: Node, partition: str, n: int | str) -> str:
    """The event's id."""
    told = msgspec.json.encode({"p": partition, "n": n})
    return (await node.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=told))).event_id


async def caught_up(node: Node) -> None:
    await node.projections.waits.until(ENVIRONMENT, NAME, node.tail.head, timeout_s=30)


async def stopped(node: Node) -> None:
    """Returns when an event has stopped it."""
    with pytest.raises(ProjectionStopped):
        await caught_up(node)


async def sums(node: Node, *partitions: str, at: int = 2**62) -> list[int | None]:
    """The sums of partitions, as of a position."""
    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    found = [(await node.projections.states.get(projection, one, at=min(at, 2**62))).state for one in partitions]
    return [None if one is None else msgspec.json.decode(one)["sum"] for one in found]


async def rebuilt(node: Node) -> None:
    """Returns when the generation that is built serves."""
    registry = node.projections.registry
    async with asyncio.timeout(30):
        while True:
            changed = registry.changed()
            if registry.get(ENVIRONMENT, NAME).building is None:
                changed.close()
                return
            await changed


async def test_a_projection_goes_on_after_an_event_that_is_skipped(node: Node, storage: Storage) -> None:
    parked = node.projections.parking
    await node.projections.register(ENVIRONMENT, NAME, declared())
    await emit(node, "a", 1)
    poison, _ = await emit(node, "a", "x"), await emit(node, "a", 2)
    await stopped(node)

    for _ in range(2):  # the second time changes nothing
        await parked.go_on(ENVIRONMENT, NAME, park=False, event_id=poison, reason=WHY, actor="ann")
    await caught_up(node)

    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    assert (projection.status, projection.serving.left_out, await sums(node, "a")) == ("active", 1, [3])
    [passed] = projection.serving.passed
    assert (passed.event_id, passed.actor, passed.reason, passed.parked) == (poison, "ann", WHY, False)
    assert await sums(node, "a", at=node.tail.head - 1) == [3]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_parked_event_that_is_retried_takes_its_place(node: Node, storage: Storage) -> None:
    """A rule that is mended, of the same version: only the parked event and its partition are folded anew."""
    parked, registry = node.projections.parking, node.projections.registry
    await node.projections.register(ENVIRONMENT, NAME, declared(Rule("n", set={"sum": "event.data.n * 1"})))
    poison = await emit(node, "a", "x")
    at = node.tail.head
    await emit(node, "a", 1)
    await emit(node, "b", 5)
    await stopped(node)
    await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    await caught_up(node)
    assert [one.event_id for one in parked.parked(ENVIRONMENT, NAME)] == [poison]
    assert await sums(node, "a", "b") == [1, 5]

    await parked.retry(ENVIRONMENT, NAME, [poison], reason=WHY)

    building = registry.get(ENVIRONMENT, NAME).building
    assert building is not None
    assert building.partition == "a"
    async with asyncio.timeout(30):  # it stops at the event again, while the other one serves
        while (found := registry.get(ENVIRONMENT, NAME).stopped) is None:
            await registry.changed()
    assert (found.number, found.error_event_id, await sums(node, "a", "b")) == (building.number, poison, [1, 5])
    assert [one.event_id for one in parked.parked(ENVIRONMENT, NAME)] == [poison]
    await parked.go_on(ENVIRONMENT, NAME, park=True, event_id=poison, reason=WHY)
    await rebuilt(node)
    assert [one.event_id for one in parked.parked(ENVIRONMENT, NAME)] == [poison]

    await node.projections.register(ENVIRONMENT, NAME, declared(Rule("n", set={"sum": "event.data.p.size()"}), 2))
    await rebuilt(node)

    assert parked.parked(ENVIRONMENT, NAME) == []  # another fold tries all events
    assert await sums(node, "a", "b", at=at) == [1, None]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_plain_rebuild_goes_on_without_what_was_passed_and_a_discarded_event_is_no_longer_parked(
    node: Node, storage: Storage
) -> None:
    parked = node.projections.parking
    await node.projections.register(ENVIRONMENT, NAME, declared())
    poisons = []
    for told in (1, "x", 2, "y"):
        event_id = await emit(node, "a", told)
        if isinstance(told, str):
            poisons.append(event_id)
    for _ in poisons:
        await stopped(node)
        await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    await caught_up(node)

    assert await parked.discard(ENVIRONMENT, NAME, poisons[:1], reason=WHY) == 1
    assert await parked.discard(ENVIRONMENT, NAME, poisons[:1], reason=WHY) == 0
    await node.projections.rebuilds.start(ENVIRONMENT, NAME)
    await rebuilt(node)

    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    assert [one.event_id for one in projection.serving.parked] == poisons[1:]
    assert (projection.status, projection.serving.left_out, await sums(node, "a")) == ("active", 1, [3])
    with pytest.raises(ParkedEventNotFound):
        await parked.retry(ENVIRONMENT, NAME, poisons[:1], reason=WHY)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def handle(node: Node, refusing: str = "") -> list[str]:
    """What a runner of the external projection takes until there is no more, or it refuses an event."""
    projections, taken = node.projections, list[str]()
    granted = await projections.leases.acquire(ENVIRONMENT, NAME, version=1)
    assert granted is not None
    while events := (await projections.next(ENVIRONMENT, NAME, granted.fence, limit=1)).events:
        projection, one = projections.registry.get(ENVIRONMENT, NAME), events[0]
        if one.fact.id == refusing:
            told = {"event_id": refusing, "position": 1, "error": "no"}  # the position is a runner's word
            await projections.registry.refuse_event(ENVIRONMENT, NAME, granted.generation, **told)
            break
        taken.append(one.fact.id)
        await projections.save(projection, granted.fence, (), position=one.position)
    await projections.leases.release(projections.registry.get(ENVIRONMENT, NAME), granted.fence)
    return taken


async def test_an_external_projection_is_given_a_parked_event_once_more_and_nothing_else(node: Node) -> None:
    projections, parked = node.projections, node.projections.parking
    await projections.registry.register(ENVIRONMENT, NAME, EXTERNAL)
    first, poison, last = [await emit(node, "a", n) for n in range(3)]
    assert await handle(node, refusing=poison) == [first]
    await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    assert await handle(node) == [last]

    await parked.retry(ENVIRONMENT, NAME, reason=WHY)
    with pytest.raises(Conflict):
        await parked.go_on(ENVIRONMENT, NAME, park=True, event_id=last, reason=WHY)
    later = await emit(node, "a", 4)

    assert await handle(node) == [poison, later]
    assert parked.parked(ENVIRONMENT, NAME) == []


async def test_an_external_projection_loses_no_event_to_what_is_asked_during_a_retry(node: Node) -> None:
    registry, parked, rebuilds = node.projections.registry, node.projections.parking, node.projections.rebuilds
    await registry.register(ENVIRONMENT, NAME, EXTERNAL)
    first, *poisons = [await emit(node, "a", n) for n in range(4)]
    for poison in poisons:
        await handle(node, refusing=poison)
        await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)

    retries = [parked.retry(ENVIRONMENT, NAME, [one], reason=WHY) for one in poisons[:2]]
    told = await asyncio.gather(*retries, return_exceptions=True)  # either may come first

    assert {type(one) for one in told} == {Job, Conflict}
    begun, refused = poisons[:2] if isinstance(told[0], Job) else poisons[1::-1]
    head = node.tail.head
    for one in (refused, poisons[2]):
        with pytest.raises(Conflict, match="to come"):
            await parked.retry(ENVIRONMENT, NAME, [one], reason=WHY)
    with pytest.raises(Conflict, match="to come"):
        await rebuilds.start(ENVIRONMENT, NAME, from_event_id=first, to_event_id=first)
    with pytest.raises(Conflict, match="to come"):
        await rebuilds.start(ENVIRONMENT, NAME, from_event_id=poisons[2])
    assert node.tail.head == head
    assert await handle(node) == [begun]

    await parked.retry(ENVIRONMENT, NAME, [refused], reason=WHY)
    assert await handle(node) == [refused]
    await parked.retry(ENVIRONMENT, NAME, [poisons[2]], reason=WHY)
    await rebuilds.start(ENVIRONMENT, NAME)  # leaves nothing out that is to come
    assert await handle(node) == [first, *poisons]
    assert parked.parked(ENVIRONMENT, NAME) == []


async def test_what_is_being_retried_is_neither_discarded_nor_retried_again(node: Node, storage: Storage) -> None:
    """Unless the rebuild parks it as well, or is cancelled."""
    parked, registry = node.projections.parking, node.projections.registry
    await node.projections.register(ENVIRONMENT, NAME, declared())
    poisons = [await emit(node, partition, "x") for partition in ("a", "b")]
    for _ in poisons:
        await stopped(node)
        await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    await emit(node, "a", 2)
    await caught_up(node)
    await registry.pause(ENVIRONMENT, NAME)
    await parked.retry(ENVIRONMENT, NAME, poisons[:1], reason=WHY)
    head = node.tail.head

    for chosen in (poisons[:1], poisons, []):
        with pytest.raises(Conflict, match=poisons[0]):
            await parked.discard(ENVIRONMENT, NAME, chosen, reason=WHY)
    with pytest.raises(Conflict, match="rebuilt already"):
        await parked.retry(ENVIRONMENT, NAME, poisons[1:], reason=WHY)
    assert node.tail.head == head
    assert await parked.discard(ENVIRONMENT, NAME, poisons[1:], reason=WHY) == 1

    await node.projections.rebuilds.cancel(ENVIRONMENT, NAME)
    retrying = node.projections.rebuilds.start(ENVIRONMENT, NAME, retried=[registry.get(ENVIRONMENT, NAME).position])
    with pytest.raises(Conflict, match="parked no more"):
        await retrying
    assert await parked.discard(ENVIRONMENT, NAME, reason=WHY) == 1
    await registry.resume(ENVIRONMENT, NAME)
    await node.projections.rebuilds.start(ENVIRONMENT, NAME)
    await rebuilt(node)
    projection = registry.get(ENVIRONMENT, NAME)
    assert (projection.serving.left_out, await sums(node, "a", "b")) == (2, [2, None])
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_reducer_that_was_mended_has_a_parked_event_in_its_place(node: Node) -> None:
    """As of the event's own position too; the other partition is taken over as it is."""
    projections, parked = node.projections, node.projections.parking
    managed = ProjectionDefinition("managed", ("n",), "$.data.p", snapshot_every=1)
    await projections.register(ENVIRONMENT, NAME, managed)
    ids: list[str] = []
    positions: list[int] = []
    for partition, n in (("a", 1), ("a", 10), ("b", 5), ("a", 100)):
        ids.append(await emit(node, partition, n))
        positions.append(node.tail.head)

    async def fold(refusing: str = "") -> None:
        """The newest generation, until there is no more or an event is refused."""
        projection = projections.registry.get(ENVIRONMENT, NAME)
        generation = projection.newest
        granted = await projections.leases.acquire_of(projection.key(generation), wait_s=0)
        assert granted is not None
        while events := (await projections.next(ENVIRONMENT, NAME, granted.fence, limit=1)).events:
            one = events[0]
            if one.fact.id == refusing:
                told = {"event_id": one.fact.id, "position": one.position, "error": "no"}
                await projections.registry.refuse_event(ENVIRONMENT, NAME, generation.number, **told)
                break
            found = await projections.states.get(projection, one.partition, generation=generation)
            before = msgspec.json.decode(found.state)["sum"] if found.state else 0
            state = msgspec.json.encode({"sum": before + msgspec.json.decode(one.fact.data)["n"]})
            saved = [Saved(one.partition, state, one.fact.id, one.position)]
            await projections.save(projection, granted.fence, saved, position=one.position)
        await projections.leases.release(projections.registry.get(ENVIRONMENT, NAME), granted.fence)

    await fold(refusing=ids[1])
    await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    await fold()
    assert await sums(node, "a", "b") == [101, 5]

    await parked.retry(ENVIRONMENT, NAME, reason=WHY)
    await fold()
    await rebuilt(node)

    assert await sums(node, "a", "b") == [111, 5]
    assert await sums(node, "a", "b", at=positions[1]) == [11, None]
    assert parked.parked(ENVIRONMENT, NAME) == []


async def test_a_table_goes_on_without_a_parked_event_and_has_it_after_a_retry(node: Node) -> None:
    table = TableRules(
        "create table proj_sums (n integer not null check (n < 10))",
        {"n": "insert into proj_sums (n) values (cast(:data.n as integer))"},
    )
    parked = node.projections.parking
    await node.projections.register(ENVIRONMENT, NAME, ProjectionDefinition("sql", ("n",), table=table))
    for n in (1, 99, 2):
        await emit(node, "a", n)
    await stopped(node)
    await parked.go_on(ENVIRONMENT, NAME, park=True, reason=WHY)
    await caught_up(node)

    projection = node.projections.registry.get(ENVIRONMENT, NAME)
    now, count = await node.projections.tables.rows(projection, order_by="n")
    then, _ = await node.projections.tables.rows(projection, order_by="n", at=node.tail.head)

    assert (list(now.rows), list(then.rows), count) == ([(1,), (2,)], [(1,), (2,)], 2)
    await parked.retry(ENVIRONMENT, NAME, reason=WHY)
    assert (await node.projections.rebuilds.job(ENVIRONMENT, NAME)).total == 3


async def test_what_cannot_be_decided_is_refused_and_recorded_nowhere(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "PASSED_MAX", 1)
    parked = node.projections.parking
    await node.projections.register(ENVIRONMENT, NAME, declared())
    for told in ("x", "y"):
        await emit(node, "a", told)
    await stopped(node)
    head = node.tail.head

    with pytest.raises(InvalidArgument, match="reason"):
        await parked.go_on(ENVIRONMENT, NAME, park=False, reason=" ")
    with pytest.raises(FailedPrecondition, match="nothing is parked"):
        await parked.retry(ENVIRONMENT, NAME, reason=WHY)
    with pytest.raises(ParkedEventNotFound):
        await parked.discard(ENVIRONMENT, NAME, ["evt_no"], reason=WHY)
    assert node.tail.head == head

    await parked.go_on(ENVIRONMENT, NAME, park=False, reason=WHY)
    await stopped(node)
    with pytest.raises(FailedPrecondition, match="goes on without 1 events"):
        await parked.go_on(ENVIRONMENT, NAME, park=False, reason=WHY)
