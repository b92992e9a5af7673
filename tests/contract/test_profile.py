"""How functions' runs and steps went, from samples that say how large they are. Both stores."""

from __future__ import annotations

import msgspec
import pytest

from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.errors import InvalidArgument
from app.history.kinds import Failure, RetryPolicy, StepCompleted, StepFailed
from app.node import Node
from app.runs import profile
from app.runs.profile import FUNCTIONS_MAX, ProfileReader, Spread, spread
from app.runs.stats import Outcome, StatsReader
from storage.contract import Storage
from tests.support.taker import Taker
from tests.support.worker import answered, emit, ended, pass_time, register, step_id

ONCE = RetryPolicy(max_attempts=1, on_exhausted="fail")
DECLINED = Failure("declined", "CardDeclined")


async def report(node: Node, job: Job, name: str, *, took_ms: int = 0, attempt: int = 1, fails: bool = False) -> None:
    common = {"execution_seq": job.execution_seq, "attempt": attempt, "duration_ms": took_ms}
    fact = (
        StepFailed(step_id(job, name), name, DECLINED, **common)
        if fails
        else StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), **common)
    )
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done))


async def run(node: Node, taker: Taker, clock: ManualClock, *, took_s: float, fails: bool = False) -> str:
    """A run that charges, after a first attempt in vain, and ships, if it does not fail."""
    run_id = await emit(node)
    job = await taker.job()
    await report(node, job, "charge", took_ms=10, fails=True)
    await report(node, job, "charge", took_ms=int(took_s * 100), attempt=2)
    await report(node, job, "ship", took_ms=int(took_s * 1_000), fails=fails)
    pass_time(clock, taker, seconds=took_s)
    if fails:
        taker.fail(job, DECLINED)
    else:
        taker.complete(job)
    await ended(node, run_id)
    return run_id


async def test_functions_say_how_their_newest_runs_went_and_how_long_they_took(
    node: Node, clock: ManualClock, storage: Storage
) -> None:
    await register(node, retry=ONCE)
    await register(node, id="idle", triggers=())
    taker = Taker(node, "f")
    await run(node, taker, clock, took_s=9)
    pass_time(clock, taker, seconds=2 * 24 * 3_600.0)
    since = clock.now_us()
    for took_s in (1, 2, 3):
        await run(node, taker, clock, took_s=took_s)
    await run(node, taker, clock, took_s=7, fails=True)

    f, idle = await ProfileReader(storage).functions("default", ["f", "idle"], since=since)

    assert (f.begun, f.begun_exact, f.sampled, f.counts) == (4, True, 4, {"completed": 3, "failed": 1})
    assert f.took == Spread(3, 2_000, 3_000)
    assert (idle.begun, idle.sampled, idle.counts, idle.took) == (0, 0, {}, None)
    with pytest.raises(InvalidArgument, match="too many"):
        await ProfileReader(storage).functions("default", ["x"] * (FUNCTIONS_MAX + 1), since=since)


async def test_steps_say_how_often_they_failed_and_were_tried_again(
    node: Node, clock: ManualClock, storage: Storage
) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    for took_s in (1, 2):
        await run(node, taker, clock, took_s=took_s)
    await run(node, taker, clock, took_s=3, fails=True)

    told = await ProfileReader(storage).steps("default", "f", since=0)

    charge, ship = told.steps
    assert (told.sampled, told.whole, told.steps_total) == (3, True, 2)
    assert (charge.name, charge.type, charge.runs, charge.count) == ("charge", "invoke", 3, 3)
    assert (charge.completed, charge.failed, charge.retried, charge.took) == (3, 0, 3, Spread(3, 200, 300))
    assert (ship.completed, ship.failed, ship.retried, ship.took) == (2, 1, 0, Spread(2, 1_000, 2_000))


async def test_what_is_looked_at_is_bounded_and_told(
    node: Node, clock: ManualClock, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    for took_s in (1, 2, 3):
        await run(node, taker, clock, took_s=took_s)
    reader = ProfileReader(storage)
    monkeypatch.setattr(profile, "RUNS_SAMPLED", 2)
    monkeypatch.setattr(profile, "RUNS_COUNTED_MAX", 2)
    [stats] = await reader.functions("default", ["f"], since=0)
    monkeypatch.setattr(profile, "PROFILE_RUNS", 2)
    newest = await reader.steps("default", "f", since=0)
    monkeypatch.setattr(profile, "PROFILE_RUNS", 3)
    monkeypatch.setattr(profile, "PROFILE_ENTRIES_OF_RUN", 4)
    short = await reader.steps("default", "f", since=0)

    assert (stats.begun, stats.begun_exact, stats.sampled, stats.took) == (2, False, 2, Spread(2, 2_000, 3_000))
    assert (newest.sampled, newest.whole, newest.steps[1].took) == (2, False, Spread(2, 2_000, 3_000))
    assert (short.sampled, short.whole, [one.name for one in short.steps]) == (3, False, ["charge"])


def test_the_middle_of_durations_is_one_of_them_and_none_is_negative() -> None:
    assert spread([]) is None
    assert spread([5]) == Spread(1, 5, 5)
    assert spread(range(1, 101)) == Spread(100, 50, 95)
    assert spread([-3, 4]) == Spread(2, 0, 4)


async def test_what_happened_to_runs_is_counted_when_it_did_whatever_became_of_them(
    node: Node, clock: ManualClock, storage: Storage
) -> None:
    await register(node, retry=ONCE)
    taker = Taker(node)
    early = await emit(node)
    job = await taker.job()
    pass_time(clock, taker, seconds=60)
    start = clock.now_us()
    taker.complete(job)
    await ended(node, early)
    failed = await emit(node)
    taker.fail(await taker.job(), DECLINED)
    await ended(node, failed)
    pass_time(clock, taker, seconds=10)
    await node.engine.resume("default", failed, reason="once more")
    taker.complete(await taker.job())
    await ended(node, failed)
    stopped = await emit(node)
    await node.engine.cancel("default", stopped, reason="")
    pass_time(clock, taker, seconds=10)
    await node.search.collector.reached(node.tail.head)

    told = await StatsReader(storage).outcomes("default", since=start, until=clock.now_us(), buckets=2)

    assert told.width == 10_000_000
    assert told.buckets == [
        Outcome(start, began=1, completed=1, failed=1),
        Outcome(start + 10_000_000, began=1, completed=1, cancelled=1),
    ]
