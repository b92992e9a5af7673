"""What a function is between: what starts its runs, what they emit and invoke. Both stores."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.node import Node
from app.runs import flow
from app.runs.flow import Edge, FlowReader
from storage.contract import Storage
from tests.support.taker import Taker, settled
from tests.support.worker import emit, invoke, pass_time, register


async def test_a_functions_flow_is_what_its_newest_runs_did(
    node: Node, clock: ManualClock, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node)
    await register(node, id="child", triggers=())
    parents, children = Taker(node, "f", name="w1"), Taker(node, "child", name="w2")
    await emit(node, "order.old")
    parents.complete(await parents.job())
    pass_time(clock, parents, children, seconds=7_200)
    since = clock.now_us()
    for name in ("order.placed", "order.placed", "order.paid"):
        run_id = await emit(node, name)
        await node.emitter.emit(NewEvent("default", "mail.sent", b"1", run_id=run_id))
        job = await parents.job()
        parents.wait(job, invoke(job, "child"))
        children.complete(await children.job())
        parents.complete(await parents.job())
        await settled(node)
    reader = FlowReader(storage)

    told = await reader.of("default", "f", since=since)
    child = await reader.of("default", "child", since=since)

    assert (told.sampled, told.whole) == (3, True)
    assert told.started_by == [Edge("event", "order.placed", 2), Edge("event", "order.paid", 1)]
    assert told.leads_to == [Edge("event", "mail.sent", 3), Edge("function", "child", 3)]
    assert (child.started_by, child.leads_to) == ([Edge("function", "f", 3)], [])
    assert (await reader.of("other", "f", since=since)).started_by == []
    monkeypatch.setattr(flow, "FLOW_RUNS", 1)
    newest = await reader.of("default", "f", since=since)
    assert (newest.sampled, newest.whole, newest.started_by) == (1, False, [Edge("event", "order.paid", 1)])
