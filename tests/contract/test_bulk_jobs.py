"""Jobs that do one thing to many runs: each run once, whatever stops and whoever goes on. Both stores."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.errors import (
    BulkJobNotFound,
    Conflict,
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    ResourceExhausted,
)
from app.history.kinds import Failure, RetryPolicy
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from app.runs import bulk_acts, bulk_jobs
from app.runs.asking import Request
from app.runs.bulk_job import BulkJob
from app.runs.bulk_jobs import BulkWish
from app.runs.listing import RunFilter
from app.scheduler import bulk
from storage.contract import Storage
from tests.support.nodes import alive
from tests.support.taker import Taker, settled
from tests.support.worker import emit, ended, memos, register

WHY = Request("the gateway was down")
WAITING = RunFilter(statuses=("waiting_for_capacity",))
ONCE = RetryPolicy(max_attempts=1, on_exhausted="fail")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PART_MAX", 2)


async def begun(node: Node, wish: BulkWish, request: Request = WHY) -> BulkJob:
    return await node.bulk_jobs.start("default", wish, request)


async def now(node: Node, job: BulkJob) -> BulkJob:
    await settled(node)
    return await node.bulk_jobs.get("default", job.id)


async def results(node: Node, job: BulkJob, outcome: bulk_jobs.Outcomes = "") -> list[bulk_jobs.BulkResult]:
    """All of them, three a page."""
    found: list[bulk_jobs.BulkResult] = []
    cursor = ""
    while True:
        page, cursor = await node.bulk_jobs.results("default", job.id, outcome=outcome, limit=3, cursor=cursor)
        found += page
        if not cursor:
            return found


async def statuses(node: Node) -> list[str]:
    """Of all runs, the newest first."""
    return [row.status for row in (await node.runs.list("default", RunFilter())).rows]


async def test_a_job_goes_through_all_runs_that_fit_from_the_newest_to_the_oldest(node: Node, storage: Storage) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(5)]

    job = await begun(node, BulkWish("cancel", WAITING))

    assert job.asked.total == 5
    after = await now(node, job)
    assert (after.status, after.changed, after.refused, after.until) == ("completed", 5, 0, runs[0])
    assert await statuses(node) == ["cancelled"] * 5
    assert [one.run_id for one in await results(node, job)] == runs[::-1]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None


async def test_what_cannot_be_done_to_a_run_is_listed_and_the_rest_goes_on(node: Node) -> None:
    await register(node)
    first, second, third = [await emit(node) for _ in range(3)]
    await node.engine.cancel("default", second, reason="")
    gone = f"{first[:-1]}{'1' if first.endswith('0') else '0'}"

    job = await begun(node, BulkWish("pause", (first, second, third, gone)))

    after = await now(node, job)
    assert (after.status, after.changed, after.refused, after.asked.total) == ("completed", 2, 2, 4)
    assert {one.run_id: one.code for one in await results(node, job, "refused")} == {
        second: "RUN_NOT_RUNNING",
        gone: "RUN_NOT_FOUND",
    }
    assert {one.run_id for one in await results(node, job, "changed")} == {first, third}
    assert (await node.runs.row("default", third)).pause_reason == WHY.reason


async def test_a_job_that_was_cut_off_goes_on_with_the_next_node_and_does_nothing_twice(
    storage: Storage, clock: ManualClock
) -> None:
    one = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(one, drained=False):
        await register(one)
        runs = [await emit(one) for _ in range(5)]
        job = await begun(one, BulkWish("replay", WAITING, per_second=2))
        cut = await now(one, job)

    clock.advance(seconds=1)
    two = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(two):
        await settled(two)
        for _ in range(3):
            clock.advance(seconds=1)
            await settled(two)
        after = await two.bulk_jobs.get("default", job.id)
        rows = (await two.runs.list("default", RunFilter())).rows

    assert (cut.status, cut.changed) == ("running", 2)
    assert (after.status, after.changed, after.refused) == ("completed", 5, 0)
    assert sorted(row.forked_from_run_id for row in rows if row.forked_from_run_id) == sorted(runs)


async def test_a_part_that_another_node_has_done_is_not_recorded_again(node: Node) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(3)]
    seen = await begun(node, BulkWish("replay", WAITING, per_second=1))
    await settled(node)
    attempts = {runs[2]: await bulk_acts.attempt(node.forks, seen, runs[2])}

    with pytest.raises(Conflict):
        await node.committer.commit(bulk_acts.part(seen, attempts, last=False))

    assert len((await node.runs.list("default", RunFilter())).rows) == 4  # one replay, by the node itself


async def test_a_job_that_is_stopped_leaves_the_rest_as_it_is(node: Node, clock: ManualClock) -> None:
    await register(node)
    for _ in range(5):
        await emit(node)
    job = await begun(node, BulkWish("cancel", WAITING, per_second=2))
    await settled(node)

    stopped = await node.bulk_jobs.stop("default", job.id, Request("the wrong ones", "bob"))
    again = await node.bulk_jobs.stop("default", job.id, Request("twice", "eve"))
    clock.advance(seconds=10)
    after = await now(node, job)

    assert (stopped.status, stopped.ended_by, stopped.reason) == ("stopped", "bob", "the wrong ones")
    assert (again, after) == (stopped, stopped)
    assert after.changed == 2
    assert await statuses(node) == ["cancelled"] * 2 + ["waiting_for_capacity"] * 3
    through = await begun(node, BulkWish("cancel", WAITING))
    await settled(node)
    with pytest.raises(FailedPrecondition):
        await node.bulk_jobs.stop("default", through.id, WHY)
    assert [one.id for one in await node.bulk_jobs.list("default", limit=10)] == [through.id, job.id]
    assert [one.id for one in await node.bulk_jobs.list("default", status="stopped", limit=10)] == [job.id]


async def test_runs_are_forked_from_where_they_failed(node: Node) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    run_id = await emit(node)
    failed = await taker.job()
    await taker.step(failed, "a")
    taker.fail(failed, Failure("no", "E"))
    await ended(node, run_id)

    job = await begun(node, BulkWish("fork", RunFilter(statuses=("failed",))))

    fork = await taker.job()
    await now(node, job)
    [result] = await results(node, job)
    assert (result.run_id, result.made, fork.run_id) == (run_id, fork.run_id, result.made)
    assert memos(fork) == {"a": 1}


async def test_tags_and_resuming_by_a_job(node: Node) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(3)]
    for run_id in runs:
        await node.engine.pause("default", run_id)

    tagged = await begun(node, BulkWish("tag", RunFilter(statuses=("paused",)), add=("seen",)))
    await settled(node)
    resumed = await begun(node, BulkWish("resume", RunFilter(tags=("seen",))))

    assert ((await now(node, tagged)).changed, (await now(node, resumed)).changed) == (3, 3)
    assert await statuses(node) == ["waiting_for_capacity"] * 3


async def test_the_same_key_is_the_same_job(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    await register(node)
    await emit(node)
    wish, keyed = BulkWish("cancel", WAITING), Request("why", key="k")

    first = await node.bulk_jobs.start("default", wish, keyed, said=b"x")
    monkeypatch.setattr(bulk_jobs, "RUNNING_MAX", 0)  # it is none more of those that may run
    second = await node.bulk_jobs.start("default", wish, keyed, said=b"x")

    assert first.id == second.id
    with pytest.raises(IdempotencyConflict):
        await node.bulk_jobs.start("default", wish, keyed, said=b"y")


async def test_jobs_are_listed_by_when_they_began(node: Node, clock: ManualClock) -> None:
    await register(node)
    await emit(node)
    began: list[str] = []
    for key in ("", "a", "b", "c", ""):
        began.append((await begun(node, BulkWish("tag", WAITING, add=("x",)), Request("why", key=key))).id)
        clock.advance(seconds=1)

    listed: list[str] = []
    cursor = ""
    while page := await node.bulk_jobs.list("default", limit=2, cursor=cursor):
        listed += [job.id for job in page]
        cursor = listed[-1]

    assert listed == began[::-1]
    with pytest.raises(InvalidArgument) as refused:
        await node.bulk_jobs.list("default", limit=2, cursor="bulk_x")
    assert refused.value.field == "cursor"


async def test_what_cannot_be_begun_says_why(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for wish, request, field in (
        (BulkWish("cancel", RunFilter()), WHY, "filter"),
        (BulkWish("cancel", RunFilter(statuses=("completed",))), WHY, "status"),
        (BulkWish("resume", ()), WHY, "run_ids"),
        (BulkWish("replay", ("run_x", ""), per_second=1), WHY, "run_ids"),
        (BulkWish("resume", ("x" * bulk_jobs.ASKED_BYTES_MAX,)), WHY, "run_ids"),
        (BulkWish("cancel", RunFilter(search="x" * bulk_jobs.ASKED_BYTES_MAX)), WHY, "filter"),
        (BulkWish("tag", WAITING), WHY, "add"),
        (BulkWish("melt", WAITING), WHY, "verb"),
        (BulkWish("cancel", WAITING, per_second=-1), WHY, "per_second"),
        (BulkWish("cancel", WAITING), Request(), "reason"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await begun(node, wish, request)
        assert refused.value.field == field
    with pytest.raises(BulkJobNotFound):
        await node.bulk_jobs.get("default", "bulk_x")
    monkeypatch.setattr(bulk_jobs, "RUNNING_MAX", 0)
    with pytest.raises(ResourceExhausted):
        await begun(node, BulkWish("cancel", WAITING))
    assert await node.bulk_jobs.list("default", limit=10) == []


async def test_a_job_of_somebody_who_is_gone_stops_and_says_so(node: Node) -> None:
    await register(node)
    await emit(node)

    job = await begun(node, BulkWish("cancel", WAITING), Request("why", "ak_gone"))

    after = await now(node, job)
    assert (after.status, after.changed, after.ended_by) == ("stopped", 0, "")
    assert "credentials" in after.reason
