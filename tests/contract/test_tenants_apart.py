"""Runs that wait, are cancelled, limited or told apart by a value: the same value in another environment is nobody's
business. Both stores."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.history.kinds import CancelOn, Concurrency, RunSuspended, Singleton, Trigger
from app.node import Node
from app.runs.definition import Definition
from tests.support.worker import Worker, emit, invoke, memos, recorded, register, status_of, wait_for

THEIRS = "theirs"


async def say(node: Node, name: str, data: bytes = b'{"id":1}', environment: str = THEIRS) -> str:
    return (await node.emitter.emit(NewEvent(environment, name, data))).event_id


@pytest.mark.parametrize("match", ["", "data.id", "data.id == 1"])
async def test_an_event_of_another_environment_ends_no_wait(node: Node, clock: ManualClock, match: str) -> None:
    await register(node)
    worker = Worker(node)
    await say(node, "paid")  # and is not found by looking back
    clock.advance(seconds=1)
    await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "a", "paid", match=match, lookback_ms=60_000))
    await recorded(node, job.run_id, RunSuspended.kind)

    await say(node, "paid")
    ours = await say(node, "paid", environment="default")

    assert memos(await worker.job())["a"]["id"] == ours


async def test_an_event_of_another_environment_cancels_no_run(node: Node) -> None:
    await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
    run_id = await emit(node)

    await say(node, "stop")
    assert await status_of(node, run_id) != "cancelled"
    await say(node, "stop", environment="default")
    assert await status_of(node, run_id) == "cancelled"


async def test_the_same_key_elsewhere_takes_no_place(node: Node) -> None:
    one, alone = Concurrency(1, "id"), Singleton("id")
    await register(node, concurrency=one, singleton=alone)
    theirs = Definition(id="f", triggers=(Trigger(event="order.>"),), concurrency=one, singleton=alone)
    await node.functions.register(THEIRS, theirs)
    await node.emitter.emit(NewEvent(THEIRS, "order.placed", b'{"id":1}', idempotency_key="k"))

    mine = Worker(node)
    run_id = await emit(node, idempotency_key="k")

    assert (await mine.job()).run_id == run_id


async def test_a_function_of_another_environment_is_not_there_to_be_invoked(node: Node) -> None:
    await register(node)
    await node.functions.register(THEIRS, Definition(id="g", triggers=()))
    worker = Worker(node)
    await emit(node)
    job = await worker.job()

    worker.wait(job, invoke(job, "g"))

    assert memos(await worker.job()) == {"g": "INVOKE_FAILED"}
