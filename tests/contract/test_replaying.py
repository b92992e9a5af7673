"""Recorded events given to a function that was not there when they came."""

from __future__ import annotations

import pytest

from app.errors import FunctionNotFound, InvalidArgument
from app.events.new_event import NewEvent
from app.events.replaying import Range
from app.history.kinds import Trigger
from app.history.rebuild import rebuild
from app.node import Node
from app.runs.asking import Request
from storage.contract import Storage
from tests.support.worker import Worker, memos, register

WHY = Request("it was deployed too late", "user:ann")


async def events(node: Node, *names: str) -> list[str]:
    return [
        (await node.emitter.emit(NewEvent("default", name, b'{"n":%d}' % n))).event_id for n, name in enumerate(names)
    ]


async def test_a_new_function_is_given_the_events_that_trigger_it(node: Node, storage: Storage) -> None:
    ids = await events(node, "order.placed", "user.left", "order.paid", "order.placed")
    triggers = (Trigger(event="order.placed", expression="event.data.n > 0"), Trigger(event="order.paid"))
    await register(node, triggers=triggers)
    worker = Worker(node)
    at = node.tail.head

    look = await node.replaying.replay("default", "f", Range(0), Request(), dry_run=True)
    assert (look.matched, look.runs, node.tail.head) == (2, {}, at)
    done = await node.replaying.replay("default", "f", Range(0), WHY, dry_run=False)

    assert [*done.runs] == [ids[2], ids[3]]
    jobs = [await worker.job() for _ in range(2)]
    assert {job.run_id: bytes(job.emitted.data) for job in jobs} == {
        done.runs[ids[2]]: b'{"n":2}',
        done.runs[ids[3]]: b'{"n":3}',
    }
    assert memos(jobs[0]) == {}
    run = await node.runs.get("default", jobs[0].run_id)
    assert (run.reason, run.state.forked_from) == (WHY.reason, None)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_range_a_pattern_and_a_filter_choose(node: Node) -> None:
    ids = await events(node, "a.x", "a.y", "b.x", "a.x", "a.x")
    entries = [await node.storage.read(lambda tx, id=id: _position(tx, id)) for id in ids]  # type: ignore[misc]
    await register(node, triggers=())
    chosen = Range(entries[0], entries[3], "a.*", "data.n != 1")

    done = await node.replaying.replay("default", "f", chosen, WHY, dry_run=False)

    assert [*done.runs] == [ids[3]]


def _position(tx: object, id: str) -> int:
    from storage import events as stored

    found = stored.entry(tx, "default", id)  # type: ignore[arg-type]
    assert found is not None
    return found.position


async def test_events_are_replayed_once_for_a_key_and_in_parts(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.events.replaying.EVENTS_MAX", 2)
    ids = await events(node, "a", "a", "a")
    await register(node, triggers=())
    request = Request("why", key="k")

    first = await node.replaying.replay("default", "f", Range(0, pattern="a"), request, dry_run=False)
    again = await node.replaying.replay("default", "f", Range(0, pattern="a"), request, dry_run=False)
    rest = await node.replaying.replay("default", "f", Range(first.next_after, pattern="a"), request, dry_run=False)

    assert again == first
    assert [*first.runs, *rest.runs] == ids
    assert rest.next_after == 0


async def test_what_cannot_be_replayed_is_refused(node: Node) -> None:
    await register(node)
    with pytest.raises(InvalidArgument, match="reason"):
        await node.replaying.replay("default", "f", Range(0), Request(), dry_run=False)
    with pytest.raises(InvalidArgument):
        await node.replaying.replay("default", "f", Range(5, 4), WHY, dry_run=False)
    with pytest.raises(InvalidArgument):
        await node.replaying.replay("default", "f", Range(0, filter="data.n > 1"), WHY, dry_run=False)
    with pytest.raises(FunctionNotFound):
        await node.replaying.replay("default", "g", Range(0), WHY, dry_run=False)
