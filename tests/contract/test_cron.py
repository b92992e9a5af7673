"""Cron triggers through whole nodes, on both stores: ticks come once, missed ones as the policy says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest

from app.clock import ManualClock, parse_rfc3339
from app.errors import ResourceExhausted
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Trigger
from app.ids import Ids
from app.node import Node
from app.runs.crontab import next_tick
from app.runs.definition import Definition
from app.runs.listing import RunFilter
from storage import history
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.nodes import alive
from tests.support.taker import settled


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at(2026, 6, 1, 12, 0, 30))


@asynccontextmanager
async def running(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        await settled(made)
        yield made


async def register(node: Node, *triggers: Trigger, function_id: str = "nightly") -> None:
    await node.functions.register("default", Definition(function_id, triggers=triggers))
    await settled(node)


async def advance(node: Node, clock: ManualClock, seconds: float) -> None:
    clock.advance(seconds=seconds)
    await settled(node)


async def ticks(storage: Storage) -> list[str]:
    """When the ticks that were emitted were due, as `12:01:00`; each event has one run."""
    records = await storage.read(lambda tx: history.after(tx, 0))
    found = []
    for entry in map(Entry, records):
        if entry.kind == EventEmitted.kind:
            fact = entry.fact
            assert isinstance(fact, EventEmitted)
            assert (fact.source, len(fact.run_ids)) == ("cron", 1)
            found.append(msgspec.json.decode(fact.data)["scheduled_at"][11:19])
    return found


async def test_each_tick_starts_one_run(node: Node, storage: Storage, clock: ManualClock) -> None:
    await register(node, Trigger(cron="* * * * *"))

    await advance(node, clock, 29)
    assert await ticks(storage) == []
    for _ in range(3):
        await advance(node, clock, 60)

    assert await ticks(storage) == ["12:01:00", "12:02:00", "12:03:00"]


async def test_seconds_are_kept_and_the_event_has_its_name(node: Node, storage: Storage, clock: ManualClock) -> None:
    await register(node, Trigger(cron="*/20 * * * * *", event="report.due"))
    await node.functions.register("default", Definition("other", triggers=(Trigger(event="nothing.else"),)))

    for _ in range(3):
        await advance(node, clock, 10)

    assert await ticks(storage) == ["12:00:40", "12:01:00"]
    [row] = (await node.runs.list("default", RunFilter(), limit=1)).rows
    assert (row.function_id, row.event_name) == ("nightly", "report.due")


async def test_a_tick_that_comes_while_too_much_waits_to_be_recorded_is_late_and_not_lost(
    node: Node, storage: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node, Trigger(cron="* * * * *"))
    refused = asyncio.Event()

    async def busy(event: NewEvent) -> None:
        refused.set()
        raise ResourceExhausted("too many commands are waiting to be recorded")

    with monkeypatch.context() as patched:
        patched.setattr(node.emitter, "emit", busy)
        clock.advance(seconds=30)
        async with within("a refused tick"):
            await refused.wait()

    await advance(node, clock, 1)

    assert await ticks(storage) == ["12:01:00"]


async def test_two_nodes_on_one_store_fire_each_tick_once(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as first:
        await register(first, Trigger(cron="* * * * *"))
        async with running(storage, clock) as second:
            for _ in range(5):
                clock.advance(seconds=60)
                await asyncio.gather(settled(first), settled(second))

    found = await ticks(storage)
    assert found == ["12:01:00", "12:02:00", "12:03:00", "12:04:00", "12:05:00"]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("skip", []), ("once", ["12:20:00"]), ("all", ["12:10:00", "12:15:00", "12:20:00"])],
)
async def test_ticks_missed_while_no_server_ran(
    storage: Storage, clock: ManualClock, missed: str, expected: list[str]
) -> None:
    async with running(storage, clock) as node:
        await register(node, Trigger(cron="*/5 * * * *", missed=missed))
        await advance(node, clock, 5 * 60)
    clock.advance(seconds=17 * 60)

    async with running(storage, clock) as node:
        assert await ticks(storage) == ["12:05:00", *expected]
        await advance(node, clock, 3 * 60)
        assert await ticks(storage) == ["12:05:00", *expected, "12:25:00"]


async def test_missed_ticks_are_made_up_for_within_bounds(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, Trigger(cron="* * * * *", missed="all"))
    clock.advance(seconds=24 * 3600)

    async with running(storage, clock):
        assert len(await ticks(storage)) == 100


async def test_a_trigger_that_came_back_misses_nothing_of_the_time_without_it(
    node: Node, storage: Storage, clock: ManualClock
) -> None:
    trigger = Trigger(cron="* * * * *", missed="all")
    await register(node, trigger)
    await advance(node, clock, 30)
    await register(node)
    await advance(node, clock, 600)
    await register(node, trigger)
    await advance(node, clock, 60)

    assert await ticks(storage) == ["12:01:00", "12:12:00"]


async def test_a_paused_function_misses_its_ticks(node: Node, storage: Storage, clock: ManualClock) -> None:
    await register(node, Trigger(cron="* * * * *", missed="once"))
    await node.functions.set_status("default", "nightly", "paused")
    await settled(node)
    await advance(node, clock, 600)
    assert await ticks(storage) == []

    await node.functions.set_status("default", "nightly", "active")
    await settled(node)
    assert await ticks(storage) == ["12:10:00"]


async def test_jitter_delays_each_tick_and_keeps_its_own_time(node: Node, storage: Storage, clock: ManualClock) -> None:
    await register(node, Trigger(cron="0 13 * * *", jitter_ms=1_800_000))
    await advance(node, clock, 3_570)  # 13:00
    emitted = await ticks(storage)
    for _ in range(30):
        await advance(node, clock, 60)

    assert emitted == []
    assert await ticks(storage) == ["13:00:00"]


async def test_a_tick_where_clocks_go_forward_comes_once_they_have(storage: Storage) -> None:
    clock = ManualClock(at(2026, 3, 29, 0, 30))  # in half an hour clocks in Berlin go from 2 to 3
    async with running(storage, clock) as node:
        await register(node, Trigger(cron="30 2 * * *", timezone="Europe/Berlin"))
        for _ in range(4):
            await advance(node, clock, 1_800)

        assert await ticks(storage) == ["01:00:00"]


async def test_a_tick_in_an_hour_that_clocks_repeat_comes_once(storage: Storage) -> None:
    clock = ManualClock(at(2026, 10, 24, 23, 30))  # 2:30 in Berlin is at 0:30 and at 1:30
    async with running(storage, clock) as node:
        await register(node, Trigger(cron="30 2 * * *", timezone="Europe/Berlin"))
        for _ in range(6):
            await advance(node, clock, 1_800)

        assert await ticks(storage) == ["00:30:00"]


async def test_the_next_tick_is_told(node: Node, clock: ManualClock) -> None:
    await register(node, Trigger(cron="0 9 * * *", timezone="Asia/Tokyo"), Trigger(event="x"))

    function = node.functions.get("default", "nightly")
    assert next_tick(function.fact.triggers, clock.now_us()) == parse_rfc3339("2026-06-02T00:00:00Z")
