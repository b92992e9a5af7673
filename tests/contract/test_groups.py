"""Consumer groups as they are administered: what is recorded, what is refused, what a reset would do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.errors import AlreadyExists, DeadLetterNotFound, GroupNotFound, InvalidArgument
from app.events import letters
from app.events.letters import Wanted
from app.events.new_event import NewEvent
from app.history.committer import submitted
from app.history.entry import Entry
from app.history.kinds import GroupDeadLettered, GroupRequeued, GroupSettings
from app.history.rebuild import rebuild
from app.node import Node
from storage import groups as rows
from storage import history
from storage.contract import Storage
from tests.support.nodes import alive

ORDERS = GroupSettings(pattern="order.>")


async def emit(node: Node, name: str, count: int = 1) -> None:
    await node.emitter.emit_batch([NewEvent("default", name, b'{"total": %d}' % n) for n in range(count)])


async def bury(node: Node, entry: int, *, fed: int = 0, deliveries: int = 4) -> None:
    fact = GroupDeadLettered(
        group="billing",
        entry=entry,
        fed=fed or entry,
        event_id="evt_1",
        topic="events:order.placed",
        deliveries=deliveries,
    )
    await submitted(lambda done: node.groups.bury("default", fact, done))


async def test_a_group_begins_with_what_comes_after_it(node: Node) -> None:
    await emit(node, "order.placed", 3)

    group = await node.groups.create("default", "billing", ORDERS)

    assert (group.status, group.generation, group.start) == ("active", 1, 4)
    assert node.groups.get("default", "billing") == group
    assert await node.groups.position(group) == 4


async def test_a_group_can_begin_at_a_position(node: Node) -> None:
    await emit(node, "order.placed", 3)

    group = await node.groups.create("default", "billing", ORDERS, start=1)

    assert group.start == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pattern": "a..b"}, "pattern"),
        ({"filter": "data.total >"}, "filter"),
        ({"max_inflight": 0}, "max_inflight"),
        ({"max_redeliveries": -1}, "max_redeliveries"),
        ({"ack_wait_ms": 1}, "ack_wait_ms"),
        ({"redeliver_delay_ms": -1}, "redeliver_delay_ms"),
        ({"ack_mode": "often"}, "ack_mode"),
    ],
)
async def test_settings_that_will_not_do_are_refused_and_nothing_is_recorded(
    node: Node, changes: dict[str, Any], field: str
) -> None:
    await node.groups.create("default", "billing", ORDERS)
    head = node.tail.head

    with pytest.raises(InvalidArgument) as refused:
        await node.groups.update("default", "billing", changes)
    with pytest.raises(InvalidArgument) as refused_too:
        await node.groups.create("default", "other", GroupSettings(**{"pattern": "order.>", **changes}))

    assert (refused.value.field, refused_too.value.field) == (field, field)
    assert node.tail.head == head


async def test_names_are_unique_until_a_group_is_deleted(node: Node) -> None:
    await node.groups.create("default", "billing", ORDERS)
    with pytest.raises(AlreadyExists):
        await node.groups.create("default", "billing", ORDERS)

    await node.groups.delete("default", "billing")
    with pytest.raises(GroupNotFound):
        node.groups.get("default", "billing")
    again = await node.groups.create("default", "billing", ORDERS)

    assert again.generation == 2
    assert [group.name for group in node.groups.list("default")] == ["billing"]
    with pytest.raises(InvalidArgument):
        await node.groups.create("default", "no/slash", ORDERS)


async def test_what_changes_nothing_is_not_recorded(node: Node) -> None:
    await node.groups.create("default", "billing", ORDERS)
    await node.groups.pause("default", "billing", reason="the shop moves")
    head = node.tail.head

    await node.groups.pause("default", "billing")
    await node.groups.update("default", "billing", {"pattern": "order.>"})
    await node.groups.delete("default", "never-there")

    assert node.tail.head == head
    assert (await node.groups.resume("default", "billing")).status == "active"


async def test_a_reset_is_previewed_by_counting(node: Node, storage: Storage) -> None:
    group = await node.groups.create("default", "billing", GroupSettings(pattern="order.>", filter="data.total > 0"))
    await emit(node, "order.placed", 5)
    await emit(node, "user.created", 5)
    await storage.write(lambda tx: rows.save_position(tx, "default", "billing", generation=1, position=6))

    back = await node.groups.preview("default", "billing", start=3)
    forward = await node.groups.preview("default", "billing", start=11)

    assert (back.position, back.redelivered, back.skipped, back.exact) == (6, 3, 0, True)
    assert (forward.redelivered, forward.skipped) == (0, 0)
    with pytest.raises(InvalidArgument):
        await node.groups.reset("default", "billing", start=99)
    after = await node.groups.reset("default", "billing", start=3)
    assert (after.generation, after.start) == (group.generation + 1, 3)
    assert await node.groups.position(after) == 3


async def test_a_position_never_goes_back_within_a_generation(node: Node, storage: Storage) -> None:
    await node.groups.create("default", "billing", ORDERS)

    for generation, position in ((1, 9), (1, 5), (2, 2), (1, 20)):
        await storage.write(
            lambda tx, generation=generation, position=position: rows.save_position(  # type: ignore[misc]
                tx, "default", "billing", generation=generation, position=position
            )
        )

    assert await storage.read(lambda tx: rows.position(tx, "default", "billing")) == (2, 2)


async def test_a_dead_letter_is_held_until_it_is_requeued_or_discarded(node: Node) -> None:
    await node.groups.create("default", "billing", ORDERS)
    await emit(node, "order.placed", 2)
    await bury(node, 2)
    await bury(node, 2)
    await bury(node, 3)

    assert [row.entry for row in await node.groups.dead_letters("default", "billing")] == [2, 3]
    await node.groups.requeue("default", "billing", 2)
    await node.groups.discard("default", "billing", 3, reason="a test order")

    assert await node.groups.dead_letters("default", "billing") == []
    with pytest.raises(DeadLetterNotFound):
        await node.groups.requeue("default", "billing", 2)
    await bury(node, 2, fed=7)
    [again] = await node.groups.dead_letters("default", "billing")
    assert (again.entry, again.fed) == (2, 7)


async def buried(node: Node) -> None:
    """A group with dead letters at 2, 3, 4 and 5, the last of which was terminated."""
    await node.groups.create("default", "billing", ORDERS)
    await emit(node, "order.placed", 4)
    for entry in (2, 3, 4):
        await bury(node, entry)
    fact = GroupDeadLettered("billing", 5, 5, "evt_5", "events:order.placed", 1, "terminated", "No such order")
    await submitted(lambda done: node.groups.bury("default", fact, done))


async def test_dead_letters_are_found_by_cause_and_by_text_page_by_page(node: Node) -> None:
    await buried(node)

    async def found(after: int = 0, limit: int = 10, **wanted: str) -> tuple[list[int], int]:
        page = await letters.page(node.groups, "default", "billing", Wanted(**wanted), after=after, limit=limit)
        return [row.entry for row in page.rows], page.after

    assert await found() == ([2, 3, 4, 5], 0)
    assert await found(limit=2) == ([2, 3], 3)
    assert await found(limit=2, after=3) == ([4, 5], 0)
    assert await found(cause="redelivered", limit=2) == ([2, 3], 3)
    assert await found(cause="redelivered", limit=2, after=3) == ([4], 0)
    assert await found(search="no such ORDER") == ([5], 0)
    assert await found(search="evt_5") == ([5], 0)
    assert await found(search="nowhere") == ([], 0)
    with pytest.raises(InvalidArgument):
        await found(cause="boredom")


async def test_many_dead_letters_are_settled_at_once_with_a_reason(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "PART_MAX", 2)
    await buried(node)
    head = node.tail.head

    seen = await letters.preview(node.groups, "default", "billing", Wanted(cause="redelivered"))
    assert (seen.matched, list(seen.positions), seen.exact, node.tail.head) == (3, [], True, head)
    done = await letters.settle(
        node.groups, "default", "billing", Wanted(cause="redelivered"), discard=False, reason="fixed", actor="key:a"
    )
    named = await letters.settle(node.groups, "default", "billing", Wanted((5, 5, 99)), discard=True)

    assert (done.matched, list(done.positions), done.exact) == (3, [2, 3, 4], True)
    assert (list(named.positions), list(named.gone)) == ([5], [99])
    assert await node.groups.dead_letters("default", "billing") == []
    records = await node.storage.read(lambda tx: history.after(tx, head))
    requeued = [Entry(record) for record in records if record.kind == GroupRequeued.kind]
    facts = [one.fact for one in requeued]
    assert facts == [GroupRequeued("billing", entry, "fixed") for entry in (2, 3, 4)]
    assert {one.actor for one in requeued} == {"key:a"}


async def test_so_many_dead_letters_are_settled_at_once_and_no_more(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "SETTLED_MAX", 3)
    await buried(node)

    first = await letters.settle(node.groups, "default", "billing", Wanted(), discard=True)
    second = await letters.settle(node.groups, "default", "billing", Wanted(), discard=True)

    assert (list(first.positions), first.exact) == ([2, 3, 4], False)
    assert (list(second.positions), second.exact) == ([5], True)


async def test_the_dead_letters_of_a_deleted_group_are_not_those_of_the_next(node: Node) -> None:
    await node.groups.create("default", "billing", ORDERS)
    await emit(node, "order.placed")
    await bury(node, 2)
    await node.groups.delete("default", "billing")

    again = await node.groups.create("default", "billing", ORDERS)

    assert await node.groups.count_dead_letters(again) == 0


async def test_the_tables_are_what_history_says(node: Node, storage: Storage) -> None:
    await node.groups.create("default", "billing", ORDERS)
    await node.groups.update("default", "billing", {"max_inflight": 7})
    await emit(node, "order.placed", 2)
    await bury(node, 3)
    await bury(node, 4)
    await node.groups.discard("default", "billing", 4)
    await node.groups.reset("default", "billing", start=0)
    await node.groups.create("default", "gone", ORDERS)
    await node.groups.delete("default", "gone")

    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_another_node_learns_of_changes(node: Node, storage: Storage) -> None:
    other = Node(storage=storage, clock=node.clock, ids=node.ids)
    told: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    async with alive(other):
        other.groups.watch(lambda group: told.put_nowait((group.status, group.settings.max_inflight)))

        await node.groups.create("default", "billing", ORDERS)
        await node.groups.update("default", "billing", {"max_inflight": 7})
        await node.groups.delete("default", "billing")
        other.tail._learn(node.tail.head)

        async with asyncio.timeout(20):
            found = [await told.get() for _ in range(3)]
    assert found == [("active", 100), ("active", 7), ("deleted", 7)]


async def test_who_asks_for_a_group_of_another_node_need_not_wait_until_it_is_followed(
    node: Node, storage: Storage
) -> None:
    other = Node(storage=storage, clock=node.clock, ids=node.ids)
    async with alive(other):
        created = await node.groups.create("default", "billing", ORDERS)  # of which nobody tells the other

        await other.groups.learn("default", "billing")
        await other.groups.learn("default", "unknown")

        assert other.groups.get("default", "billing") == created
        with pytest.raises(GroupNotFound):
            other.groups.get("default", "unknown")
