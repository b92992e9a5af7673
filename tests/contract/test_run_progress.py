"""How far runs are, what marks them, and how many there are of a kind. Both stores."""

from __future__ import annotations

import asyncio

import apsw
import msgspec
import psycopg
import pytest

from app import resources
from app.clock import ManualClock
from app.history.kinds import Failure, RetryPolicy
from app.history.rebuild import rebuild
from app.node import Node
from app.runs import grouping, progress
from app.runs.asking import Request
from app.runs.bulk import Bulk
from app.runs.ending import UNWIND_US_MAX
from app.runs.forks import Wish as ForkWish
from app.runs.grouping import GroupReader
from app.runs.listing import RunFilter
from app.runs.progress import Progress
from app.runs.rewind import Wish
from storage.contract import Storage
from tests.support.taker import Taker, settled
from tests.support.worker import Worker, emit, ended, invoke, pass_time, register

ONCE = RetryPolicy(max_attempts=1, on_exhausted="fail")
ASKED = Request(actor="ada", reason="the gateway was wrong")


async def far(node: Node, run_id: str) -> Progress:
    return (await node.runs.list("default", RunFilter(search=run_id), with_progress=True)).progress[run_id]


async def holds(node: Node) -> None:
    report = await rebuild(node.storage, node.fold, check=True)
    assert "run" not in report.differing


async def collected(node: Node) -> None:
    async with asyncio.timeout(60):
        await settled(node)
        await node.search.collector.reached(node.tail.head)


async def failing(node: Node, taker: Taker, message: str) -> str:
    run_id = await emit(node)
    taker.fail(await taker.job(), Failure(message, "GatewayError"))
    await ended(node, run_id)
    return run_id


async def test_a_run_under_way_shows_the_steps_it_reported_of_those_that_the_last_one_had(node: Node) -> None:
    await register(node)
    taker = Taker(node)
    first = await emit(node)
    job = await taker.job()
    unknown = await far(node, first)
    for name in ("look up", "charge", "ship"):
        await taker.step(job, name)
    alone = await far(node, first)
    taker.complete(job)
    await ended(node, first)

    second = await emit(node)
    job = await taker.job()
    await taker.step(job, "look up")
    await node.engine.tag("default", second, ASKED, add=["vip"])  # its row is written in between
    await taker.step(job, "charge")

    assert (unknown, alone) == (Progress(0), Progress(3))
    assert await far(node, first) == Progress(3)
    assert await far(node, second) == Progress(2, expected=3)
    await holds(node)


async def test_what_is_looked_at_of_a_run_under_way_is_bounded_and_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "ENTRIES_MAX", 2)
    await register(node)
    taker = Taker(node)
    run_id = await emit(node)
    job = await taker.job()
    for name in ("a", "b", "c"):
        await taker.step(job, name)

    assert await far(node, run_id) == Progress(2, at_least=True)


async def test_how_far_runs_are_is_looked_up_only_for_who_shows_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await register(node)
    run_id = await emit(node)
    await Taker(node).job()
    looked_at: list[str] = []
    monkeypatch.setattr(progress, "of", lambda tx, environment, rows: looked_at.extend(row.id for row in rows) or {})

    listed = await node.runs.list("default", RunFilter())
    many = Bulk(reader=node.runs, engine=node.engine, forks=node.forks)
    chosen = await many.cancel("default", RunFilter(function_id="f"), dry_run=True)

    assert ([row.id for row in listed.rows], [row.id for row in chosen.shown]) == ([run_id], [run_id])
    assert looked_at == []
    await node.runs.list("default", RunFilter(), with_progress=True)
    assert looked_at == [run_id]


async def test_a_patch_marks_its_run_until_it_is_undone_and_counts_as_a_step(node: Node) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    run_id = await emit(node)
    job = await taker.job()
    await taker.step(job, "look up")
    taker.fail(job, Failure("declined", "CardDeclined"))
    await ended(node, run_id)
    step = f"{run_id}:look up:0"

    await node.rewind.correct("default", run_id, Wish("patch", step, msgspec.Raw(b"2")), ASKED)
    patched = await node.runs.row("default", run_id)
    await node.rewind.correct("default", run_id, Wish("undo", step), ASKED)
    undone = await node.runs.row("default", run_id)

    assert (patched.patched, patched.steps_completed) == (1, 1)
    assert (undone.patched, undone.steps_completed) == (0, 1)
    await node.engine.resume("default", run_id, from_step=step, reason="again")
    assert await far(node, run_id) == Progress(0)
    await holds(node)


async def test_a_run_that_undoes_what_it_did_is_marked_until_it_has_ended(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node, unwinds=True)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "charge")
    await node.engine.cancel("default", run_id, reason="twice", compensate=True)
    undoing = await node.runs.row("default", run_id)
    await worker.job()

    pass_time(clock, worker, seconds=UNWIND_US_MAX / 1_000_000)

    assert await ended(node, run_id) == "cancelled"
    over = await node.runs.row("default", run_id)
    assert (undoing.unwinding, over.unwinding) == (1, 0)
    await holds(node)


async def test_runs_are_counted_by_function_failure_parent_and_day(
    node: Node, clock: ManualClock, storage: Storage
) -> None:
    await register(node, retry=ONCE)
    await register(node, id="child", triggers=())
    taker = Taker(node, "f")
    declined = [await failing(node, taker, f"card {number} was declined") for number in (17, 18)]
    pass_time(clock, taker, seconds=24 * 3_600.0)
    late = await failing(node, taker, "no answer")
    parent = await emit(node)
    job = await taker.job()
    taker.wait(job, invoke(job, "child"))
    await collected(node)
    reader = GroupReader(storage)

    by_function = await reader.runs("default", RunFilter(), "function")
    by_failure = await reader.runs("default", RunFilter(), "failure")
    by_parent = await reader.runs("default", RunFilter(), "parent")
    by_day = await reader.runs("default", RunFilter(statuses=("failed",)), "day")

    assert [(one.key, one.runs, one.counts.get("failed", 0)) for one in by_function.groups] == [
        ("f", 4, 3),
        ("child", 1, 0),
    ]
    assert (by_function.counted, by_function.exact, by_function.groups_total) == (5, True, 2)
    assert {(one.runs, one.newest_run_id) for one in by_failure.groups if one.key} == {(2, declined[1]), (1, late)}
    [most] = [one for one in by_failure.groups if one.newest_run_id == declined[1]]
    assert "declined" in most.title
    assert {(one.key, one.title, one.runs) for one in by_parent.groups} == {("", "", 4), (parent, "f", 1)}
    assert [one.runs for one in by_day.groups] == [1, 2]
    assert by_day.groups[0].key > by_day.groups[1].key

    of_failure = await node.runs.list("default", RunFilter(failure=most.key))
    of_parent = await node.runs.list("default", RunFilter(parent_run_id=parent))
    assert [row.id for row in of_failure.rows] == declined[::-1]
    assert [row.function_id for row in of_parent.rows] == ["child"]
    assert (of_failure.total, of_parent.total) == (2, 1)


async def test_what_is_counted_of_many_runs_is_bounded_and_told(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "COUNTED_MAX", 3)
    await register(node, tags=("all",))
    for _ in range(4):
        await emit(node)

    for chosen in (RunFilter(), RunFilter(tags=("all",))):
        told = await GroupReader(storage).runs("default", chosen, "function")

        assert (told.counted, told.exact, told.groups[0].runs) == (3, False, 3)


async def test_runs_that_were_there_before_are_counted_by_the_migration_as_by_a_rebuild(
    node: Node, storage: Storage, location: str
) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    run_id = await emit(node)
    job = await taker.job()
    await taker.step(job, "look up")
    await taker.step(job, "charge")
    taker.fail(job, Failure("declined", "CardDeclined"))
    await ended(node, run_id)
    for wish in (Wish("patch", f"{run_id}:charge:0", msgspec.Raw(b"1")), Wish("undo", f"{run_id}:charge:0")):
        await node.rewind.correct("default", run_id, wish, ASKED)
    await node.forks.fork("default", run_id, ForkWish(), ASKED)
    await node.rewind.correct("default", run_id, Wish("patch", f"{run_id}:charge:0", msgspec.Raw(b"2")), ASKED)
    await node.forks.fork("default", run_id, ForkWish(), ASKED)
    await node.rewind.correct("default", run_id, Wish("undo", f"{run_id}:charge:0"), ASKED)
    sql = (resources.sql_folder() / storage.dialect / "migrations" / "0024_run_progress.sql").read_text("utf-8")
    counting = sql[sql.index("update runs") :].partition(";")[0]
    forgetting = "update runs set steps_completed = 0, patched = 0, unwinding = 0"

    if storage.dialect == "postgres":
        with psycopg.connect(location) as connection:
            connection.execute(forgetting)
            connection.execute(counting.encode())
    else:
        raw = apsw.Connection(location)
        raw.execute(forgetting)
        raw.execute(counting)
        raw.close()

    rows = (await node.runs.list("default", RunFilter())).rows
    assert [(row.steps_completed, row.patched) for row in rows] == [(2, 0), (2, 0), (2, 0)]
    await holds(node)
