"""Delivery to groups over our nats-server: everything at least once, in order, until it is settled."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.bus import groups, queues, work
from app.bus.groups import GroupBus
from app.bus.members import Delivery, Member
from app.bus.nats_server import NatsServer
from app.bus.work import Settlement
from app.errors import GroupNotFound, MemberNotFound, Unavailable
from app.events.new_event import NewEvent
from app.history.kinds import GroupSettings
from app.node import Node
from storage import groups as rows

QUICK = GroupSettings(pattern="order.>", redeliver_delay_ms=0, max_redeliveries=1)


async def emit(node: Node, count: int = 1, name: str = "order.placed") -> None:
    await node.emitter.emit_batch([NewEvent("default", name, b"%d" % n) for n in range(count)])


async def take(member: Member, count: int = 1) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await member.taken()
    return found


async def ack(bus: GroupBus, member: Member, given: list[Delivery]) -> None:
    """Also while NATS is away for a moment."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await bus.settle(member, [Settlement(one.event_id, "ack") for one in given])
            except Unavailable:
                await asyncio.sleep(0.05)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process acts, and has nothing to signal with
            await asyncio.sleep(0.01)


async def saved_up_to(node: Node, position: int) -> None:
    async with asyncio.timeout(30):
        while (await node.storage.read(lambda tx: rows.position(tx, "default", "billing")))[1] < position:  # noqa: ASYNC110 - it is saved by a loop of its own
            await asyncio.sleep(0.02)


async def test_a_group_gets_what_fits_in_order_and_once(either_node: Node, bus: GroupBus) -> None:
    await emit(either_node, 5)
    await either_node.groups.create("default", "billing", QUICK, start=2)
    member = bus.join("default", "billing")
    await emit(either_node, 5, "user.created")
    await emit(either_node, 3)

    given = await take(member, 6)
    await ack(bus, member, given)

    assert [one.position for one in given] == [3, 4, 5, 12, 13, 14]
    assert {one.attempt for one in given} == {1}
    assert given[0].told.topic == "events:order.placed"
    lag = await bus.lag(either_node.groups.get("default", "billing"))
    assert (lag.pending, lag.inflight, lag.position) == (0, 0, 14)


async def test_looking_at_what_comes_next_delivers_nothing(either_node: Node, bus: GroupBus) -> None:
    group = await either_node.groups.create("default", "billing", QUICK, start=0)
    member = bus.join("default", "billing", window=2)
    await emit(either_node, 4)
    given = await take(member, 2)
    await bus.settle(member, [Settlement(given[0].event_id, "ack")])
    await take(member)

    seen = await bus.peek(group, limit=10)

    assert [(one.entry.position, one.delivered) for one in seen] == [(3, True), (4, True), (5, False)]
    assert [one.entry.position for one in await bus.peek(group, limit=1)] == [3]
    told = await bus.lags([group])
    assert (told["billing"].pending, told["billing"].inflight) == (1, 2)


async def test_a_list_of_groups_waits_once_for_a_nats_that_does_not_answer(
    either_node: Node, bus: GroupBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await either_node.groups.create("default", "billing", QUICK)
    monkeypatch.setattr(groups, "LAG_TIMEOUT_S", 0.01)
    monkeypatch.setattr(bus, "lag", lambda group: asyncio.Event().wait())

    assert await asyncio.wait_for(bus.lags([group] * (groups.LAGS_AT_ONCE + 1)), 10) == {}


async def test_settling_waits_where_delivering_begins_anew(either_node: Node, bus: GroupBus) -> None:
    """The settings changed, so that its consumer is made again: no reason to have a member settle twice."""
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    for ack_wait_ms in range(20_000, 20_010):
        await emit(either_node)
        [given] = await take(member)
        await either_node.groups.update("default", "billing", {"ack_wait_ms": ack_wait_ms})

        await bus.settle(member, [Settlement(given.event_id, "ack")])

        assert given.attempt == 1
    lag = await bus.lag(either_node.groups.get("default", "billing"))
    assert (lag.pending, lag.inflight) == (0, 0)


async def test_what_a_group_is_delivered_survives_members_that_come_and_go(either_node: Node, bus: GroupBus) -> None:
    """The last one goes, so that delivering ends; the next one is there before it has."""
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    await emit(either_node)
    async with asyncio.timeout(20):  # less than what was in nobody's hands would take to be delivered again
        for attempt in range(1, 20):
            [given] = await take(member)
            await bus.settle(member, [Settlement(given.event_id, "nak", unseen=True)])
            bus.leave(member)
            for _ in range(attempt % 3):  # gone again at once
                bus.leave(bus.join("default", "billing"))
            member = bus.join("default", "billing")
        [given] = await take(member)
        await bus.settle(member, [Settlement(given.event_id, "ack")])
    assert given.attempt == 1


async def test_members_share_and_what_one_leaves_goes_to_the_others(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", QUICK)
    first, second = (bus.join("default", "billing", window=2) for _ in range(2))
    await emit(either_node, 4)
    taken = [await take(first, 2), await take(second, 2)]

    bus.leave(first)
    await ack(bus, second, taken[1])
    again = await take(second, 2)

    assert sorted(one.position for part in taken for one in part) == [2, 3, 4, 5]
    assert sorted(one.position for one in again) == sorted(one.position for one in taken[0])
    assert {one.attempt for one in again} == {2}
    with pytest.raises(MemberNotFound):
        bus.member("default", "billing", first.id)


async def test_what_is_refused_too_often_is_a_dead_letter_and_can_be_requeued(either_node: Node, bus: GroupBus) -> None:
    groups = either_node.groups
    await groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    await emit(either_node)

    for attempt in (1, 2):
        [given] = await take(member)
        assert given.attempt == attempt
        await bus.settle(member, [Settlement(given.event_id, "nak", reason="no funds")])
    await until(lambda: either_node.tail.head == 3)
    [letter] = await groups.dead_letters("default", "billing")
    assert (letter.entry, letter.deliveries, letter.cause, letter.reason) == (2, 2, "redelivered", "no funds")

    await groups.requeue("default", "billing", 2)
    [given] = await take(member)
    await ack(bus, member, [given])
    assert (given.position, given.attempt, given.fed) == (2, 1, 4)


async def test_what_is_terminated_is_a_dead_letter_at_once(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    await emit(either_node)
    [given] = await take(member)

    await bus.settle(member, [Settlement(given.event_id, "term")])
    await bus.settle(member, [Settlement(given.event_id, "ack")])  # nothing is in flight: no error

    await until(lambda: either_node.tail.head == 3)
    [letter] = await either_node.groups.dead_letters("default", "billing")
    assert letter.cause == "terminated"


async def test_a_delivery_that_is_not_settled_in_time_is_made_again(either_node: Node, bus: GroupBus) -> None:
    settings = GroupSettings(pattern="order.>", ack_wait_ms=200)
    await either_node.groups.create("default", "billing", settings)
    member = bus.join("default", "billing")
    await emit(either_node)

    first, second, *_ = await take(member, 2)

    assert (first.event_id, first.attempt, second.attempt) == (second.event_id, 1, 2)


async def test_no_more_is_in_flight_than_the_group_allows(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", GroupSettings(pattern="order.>", max_inflight=3))
    member = bus.join("default", "billing", window=10)
    await emit(either_node, 10)

    given = await take(member, 3)
    lag = await bus.lag(either_node.groups.get("default", "billing"))
    assert (len(given), lag.inflight) == (3, 3)

    seen = list(given)
    while len(seen) < 10:
        await ack(bus, member, given)
        given = await take(member)
        seen += given
    assert [one.position for one in seen] == list(range(2, 12))


async def test_a_filter_keeps_things_out_and_an_update_holds_from_then_on(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", GroupSettings(pattern="order.>", filter="data > 1"))
    await emit(either_node, 3)
    await either_node.groups.update("default", "billing", {"filter": "", "pattern": "user.>"})
    await emit(either_node, 1)
    await emit(either_node, 1, "user.created")
    member = bus.join("default", "billing")

    given = await take(member, 2)

    assert [one.position for one in given] == [4, 7]


async def test_a_reset_delivers_again_from_there(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    await emit(either_node, 4)
    await ack(bus, member, await take(member, 4))

    await either_node.groups.reset("default", "billing", start=3)
    given = await take(member, 2)

    assert [one.position for one in given] == [4, 5]
    assert {one.attempt for one in given} == {1}


async def test_a_paused_group_delivers_nothing_until_it_is_resumed(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", QUICK)
    await either_node.groups.pause("default", "billing")
    member = bus.join("default", "billing")
    await emit(either_node, 2)
    group = either_node.groups.get("default", "billing")
    async with asyncio.timeout(30):
        while not bus.up or (await bus.lag(group)).pending != 2:  # noqa: ASYNC110 - another process acts
            await asyncio.sleep(0.02)

    assert not member.inflight
    await either_node.groups.resume("default", "billing")

    assert len(await take(member, 2)) == 2


async def test_members_of_a_deleted_group_are_told(either_node: Node, bus: GroupBus) -> None:
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")

    await either_node.groups.delete("default", "billing")

    with pytest.raises(GroupNotFound):
        await take(member)


async def test_a_request_that_went_with_whoever_had_it_is_made_again(
    either_node: Node, bus: GroupBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of a cluster dies with what it was asked for, and nobody says so."""
    lost: list[str] = []
    publish = Client.publish

    async def publish_but_the_first_request(client: Client, subject: str, *rest: Any, **more: Any) -> None:
        if "CONSUMER.MSG.NEXT" in subject and not lost:
            lost.append(subject)
        else:
            await publish(client, subject, *rest, **more)

    monkeypatch.setattr(Client, "publish", publish_but_the_first_request)
    monkeypatch.setattr(work, "SILENCE_S", 1.0)
    await either_node.groups.create("default", "billing", QUICK)
    member = bus.join("default", "billing")
    await until(lambda: lost)

    await emit(either_node)

    [given] = await take(member)
    assert given.attempt == 1


async def test_a_request_that_brings_nothing_is_known_to_be_there(
    either_node: Node, bus: GroupBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while others have all that may be in flight."""
    beats: list[str] = []
    status = work.Work._status

    def hear(self: work.Work, message: Msg) -> None:
        beats.extend([(message.headers or {})["Status"]])
        status(self, message)

    monkeypatch.setattr(work, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(work.Work, "_status", hear)
    await either_node.groups.create("default", "billing", GroupSettings(pattern="order.>", max_inflight=1))
    bus.join("default", "billing", window=5)
    await until(lambda: len(beats) >= 3)
    await emit(either_node, 3)
    await until(lambda: bus.delivered_total == 1)
    beats.clear()
    bus.join("default", "billing", window=5)

    await until(lambda: len(beats) >= 3)

    assert set(beats) == {"100"}


async def test_nothing_is_lost_when_nats_is_killed_or_wiped(
    either_node: Node, bus: GroupBus, server: NatsServer, tmp_path: Path
) -> None:
    settings = GroupSettings(pattern="order.>", ack_wait_ms=1_000, max_redeliveries=100)
    await either_node.groups.create("default", "billing", settings)
    member = bus.join("default", "billing", window=10)
    await emit(either_node, 50)
    acked = {one.position for one in await take(member, 10)}
    await ack(bus, member, list(member.inflight.values()))
    await saved_up_to(either_node, 5)

    os.kill(server.pid, signal.SIGKILL)
    await emit(either_node, 25)
    await until(lambda: server.restarts == 1 and bus.up)
    (tmp_path / "nats" / "js").rename(tmp_path / "wiped")  # at once, for it is being written to
    os.kill(server.pid, signal.SIGKILL)
    await emit(either_node, 25)
    await until(lambda: server.restarts == 2)

    while acked != set(range(2, 102)):
        given = await take(member)
        await ack(bus, member, given)
        acked |= {one.position for one in given}
    await saved_up_to(either_node, 101)


async def test_a_queue_that_is_ahead_of_a_restored_history_is_filled_anew(either_node: Node, bus: GroupBus) -> None:
    group = await either_node.groups.create("default", "billing", QUICK, start=0)
    await emit(either_node, 2)

    async def seen() -> list[int]:
        try:
            return [one.entry.position for one in await bus.peek(group, limit=10)]
        except Unavailable:
            return []

    async with asyncio.timeout(30):
        while await seen() != [2, 3]:  # noqa: ASYNC110 - another process acts, and has nothing to signal with
            await asyncio.sleep(0.01)
    assert bus._client is not None
    js = bus._client.jetstream()
    await js.publish(queues.subject(group), b'{"position": 2}', headers={queues.FED: "1000000"})
    with pytest.raises(Unavailable, match="anew"):
        await bus.peek(group, limit=10)
    await emit(either_node)
    async with asyncio.timeout(30):
        while await seen() != [2, 3, 4]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    given = await take(bus.join("default", "billing"), 3)

    assert [one.position for one in given] == [2, 3, 4]
