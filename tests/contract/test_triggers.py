"""Triggers that go wrong must not take emits with them. Through a whole node, both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.history.committer import Command, Decision
from app.history.entry import Draft
from app.history.kinds import FunctionRegistered, Trigger
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from app.runs.function import stream
from storage.contract import Storage
from tests.support.nodes import alive


@asynccontextmanager
async def running(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """A node over what the store holds."""
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


async def store(node: Node, function_id: str, *triggers: Trigger) -> None:
    """Record a registration as an older release did, whatever this one says of it."""
    fact = FunctionRegistered(id=function_id, name=function_id, version=1, triggers=triggers)
    where = stream(function_id)
    await node.committer.commit(Command("default", (where,), lambda states, now: Decision((Draft(where, fact),))))


async def started(node: Node, name: str, data: bytes = b"{}") -> list[str]:
    """The functions that an event starts."""
    return [*(await node.emitter.emit(NewEvent("default", name, data))).function_ids]


@pytest.mark.parametrize("expression", ["nosuch(event)", "event.data.x >", "other == 1", "(" * 500 + "1" + ")" * 500])
async def test_a_stored_expression_that_is_refused_now_matches_nothing(
    storage: Storage, clock: ManualClock, expression: str
) -> None:
    async with running(storage, clock) as node:
        await store(node, "broken", Trigger(event="a.>", expression=expression))
        await node.functions.register("default", Definition(id="sound", triggers=(Trigger(event="a.*"),)))

    async with running(storage, clock) as node:
        with capture_logs() as logs:
            assert [await started(node, "a.b") for _ in range(3)] == [["sound"]] * 3
        assert node.functions.faults() == 1
        assert await started(node, "broken") == ["broken"]

    [logged] = [entry for entry in logs if entry["event"] == "trigger matches nothing"]
    assert (logged["function_id"], logged["expression"]) == ("broken", expression)
    assert logged["reason"]


@pytest.mark.parametrize("pattern", ["a..b", "a.>.b", "a b", "x" * 300])
async def test_a_stored_pattern_that_is_refused_now_matches_nothing(
    storage: Storage, clock: ManualClock, pattern: str
) -> None:
    async with running(storage, clock) as node:
        await store(node, "broken", Trigger(event=pattern), Trigger(event="a.b"))

    with capture_logs() as logs:
        async with running(storage, clock) as node:
            assert await started(node, "a.b") == ["broken"]
            assert node.functions.faults() == 1

    assert len([entry for entry in logs if entry["event"] == "trigger matches nothing"]) == 1


@pytest.mark.parametrize("function_id", ["a b", "a..b", "a.*"])
async def test_a_stored_function_whose_id_is_refused_now_does_not_keep_the_node_from_starting(
    storage: Storage, clock: ManualClock, function_id: str
) -> None:
    async with running(storage, clock) as node:
        await store(node, function_id, Trigger(event="a.b"))

    async with running(storage, clock) as node:
        assert await started(node, "a.b") == [function_id]


async def test_an_expression_that_takes_too_long_matches_nothing(storage: Storage, clock: ManualClock) -> None:
    costly = "event.data.all(x, event.data.all(y, x + y >= 0))"
    async with running(storage, clock) as node:
        for function_id, expression in (("costly", costly), ("sound", "event.data[0] == 1")):
            await node.functions.register(
                "default", Definition(id=function_id, triggers=(Trigger(event="a.b", expression=expression),))
            )
        large = b"[1" + b",1" * 999 + b"]"

        with capture_logs() as logs:
            assert [await started(node, "a.b", large) for _ in range(3)] == [["sound"]] * 3
        assert await started(node, "a.b", b"[1, 2]") == ["costly", "sound"]

        assert node.functions.faults() == 1
        assert len([entry for entry in logs if entry["event"] == "trigger matches nothing"]) == 1


async def test_a_new_version_takes_the_place_of_a_faulty_one(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await store(node, "f", Trigger(event="a.b", expression="nosuch(event)"), Trigger(event="old"))
    async with running(storage, clock) as node:
        assert await started(node, "a.b") == []

        triggers: Any = (Trigger(event="a.b", expression="event.data.x == 1"),)
        await node.functions.register("default", Definition(id="f", triggers=triggers))

        assert node.functions.faults() == 0
        assert await started(node, "a.b", b'{"x": 1}') == ["f"]
        assert await started(node, "old") == []
