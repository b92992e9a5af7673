"""Standing back in a rush, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from app.history import rush
from app.history.rush import Rush, StandingBack
from app.rpc.conversations import Conversations
from app.rpc.worker import Conversation
from ironflow.v1 import worker_pb2


async def test_without_a_rush_it_is_at_once_ones_turn() -> None:
    await asyncio.wait_for(StandingBack(Rush()).turn(), 10)


async def test_it_is_ones_turn_when_the_rush_is_over() -> None:
    going = Rush()
    going.on = True
    waiting = asyncio.create_task(StandingBack(going).turn())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()

    going.on = False

    await asyncio.wait_for(waiting, 10)


async def test_patience_has_an_end_and_begins_anew_with_the_next_rush(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rush, "PATIENCE_S", 0.01)
    going = Rush()
    going.on = True
    one = StandingBack(going)

    for _ in range(2):  # the first uses it up
        await asyncio.wait_for(one.turn(), 10)
    assert going.on

    going.on = False
    await one.turn()
    going.on = True
    again = asyncio.create_task(one.turn())
    await asyncio.sleep(0)
    assert not again.done()
    await asyncio.wait_for(again, 10)


class Heard:
    """A conversation that only remembers what it was told."""

    def __init__(self) -> None:
        self.messages_received: list[Any] = []
        self.received = asyncio.Event()

    async def messages(self) -> AsyncIterator[worker_pb2.EngineMessage]:
        await self.received.wait()
        return
        yield

    def receive(self, message: Any) -> None:
        self.messages_received.append(message)
        self.received.set()

    def close(self, reason: str) -> None: ...


async def test_what_a_worker_reports_is_read_after_a_rush() -> None:
    heard, going, report = Heard(), Rush(), worker_pb2.WorkerMessage()
    going.on = True

    async def requests() -> AsyncIterator[worker_pb2.WorkerMessage]:
        yield report
        await asyncio.Event().wait()

    async def converse() -> None:
        async for _ in Conversations(lambda environment: cast("Conversation", heard), going).converse("e", requests()):
            pass

    conversing = asyncio.create_task(converse())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not heard.messages_received

    going.on = False

    await asyncio.wait_for(conversing, 10)
    assert heard.messages_received == [report]
