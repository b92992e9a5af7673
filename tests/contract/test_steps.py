"""What a step commits with its result, where code and history disagree, and what a worker keeps in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.dispatch import loader
from app.entities.streams import Append
from app.errors import IdempotencyConflict, InvalidArgument
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.committer import Command
from app.history.kinds import Failure, RetryPolicy, RunPaused, RunRetrying, RunSuspended, StepCompleted, StepFailed
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs import memo
from app.runs.engine import Diverged
from app.runs.memo import TOGETHER_ENTRIES_MAX, Memos, Wanted, load_many
from app.runs.yields import Sleep
from storage.contract import Storage, Transaction
from tests.support.worker import (
    Worker,
    answered,
    emit,
    ended,
    history_of,
    invoke,
    memos,
    pass_time,
    recorded,
    register,
    running,
    status_of,
    step_id,
    wait_for,
)


async def report(node: Node, job: Any, name: str, *emissions: Command, type: str = "invoke") -> None:
    fact = StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), type, execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done, emissions=emissions))


async def test_what_a_step_emits_is_recorded_with_its_result_or_not_at_all(node: Node, storage: Storage) -> None:
    await register(node)
    await register(node, id="g", triggers=())
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    event = NewEvent("default", "g", b'{"n":1}', run_id=run_id)
    message = NewMessage("default", "news.today", b'{"m":1}', run_id=run_id)
    await node.committer.drain()
    before = node.tail.head

    await report(node, job, "a", node.emitter.command(event), node.topics.command(message), type="emit")
    await report(node, job, "a", node.emitter.command(event), node.topics.command(message), type="emit")

    assert node.tail.head == before + 4  # step, event, its run, message: once
    [emitted] = (await node.runs.list("default", _of("g"))).rows
    assert emitted.event_name == "g"
    [(topic, count, _, _)] = await node.topics.list("default")
    assert (topic, count) == ("news.today", 1)
    await node.emitter.emit(NewEvent("default", "x.y", b"1", idempotency_key="k"))
    with pytest.raises(IdempotencyConflict):
        await report(node, job, "b", node.emitter.command(NewEvent("default", "x.y", b"2", idempotency_key="k")))
    assert "b" not in [step.name for step in (await node.runs.get("default", run_id)).steps.values()]
    twice = NewEvent("default", "x.z", b"1", idempotency_key="k2")
    await report(node, job, "c", node.emitter.command(twice), node.emitter.command(twice))
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None


def _of(function_id: str) -> Any:
    from app.runs.listing import RunFilter

    return RunFilter(function_id=function_id)


async def test_a_message_is_published_once_for_its_key(node: Node) -> None:
    message = NewMessage("default", "orders", b'{"n":1}', idempotency_key="k")

    first = await node.topics.publish(message)
    again = await node.topics.publish(message)

    assert (again.message_id, again.sequence, again.duplicate) == (first.message_id, first.sequence, True)
    assert first.sequence == node.tail.head
    other = await node.topics.publish(NewMessage("default", "other", b"2", idempotency_key="k"))
    assert other.message_id != first.message_id
    with pytest.raises(IdempotencyConflict):
        await node.topics.publish(NewMessage("default", "orders", b"2", idempotency_key="k"))
    for topic in ("", "events:a", "system.x", "a..b", "a.*"):
        with pytest.raises(InvalidArgument):
            await node.topics.publish(NewMessage("default", topic, b"1"))


@pytest.mark.parametrize("recorded_as", ["step", "sleep", "wait", "invocation", "open wait"])
async def test_code_that_contradicts_history_stops_the_run_with_both_sides(
    node: Node, clock: ManualClock, recorded_as: str
) -> None:
    await register(node)
    await register(node, id="child", triggers=())
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    if recorded_as == "step":
        await report(node, job, "x")
        worker.wait(job, Sleep(step_id(job, "x"), "x", clock.now_us()))
        sides = ("invoke, completed", "sleep")
    elif recorded_as == "sleep":
        worker.sleep(job, "x", clock.now_us())
        job = await worker.job()
        with pytest.raises(Diverged):
            await report(node, job, "x")
        sides = ("sleep", "invoke")
    elif recorded_as == "open wait":
        waits = (wait_for(job, "x", "a.b"), Sleep(step_id(job, "y"), "y", clock.now_us()))
        worker.wait(job, *waits)
        job = await worker.job()
        worker.wait(job, wait_for(job, "x", "a.c"))
        sides = ("wait_for_event a.b", "wait_for_event a.c")
    else:
        wanted = wait_for(job, "x", "a.b") if recorded_as == "wait" else invoke(job, "child", "x")
        worker.wait(job, wanted, Sleep(step_id(job, "y"), "y", clock.now_us()))
        job = await worker.job()
        with pytest.raises(Diverged):
            await report(node, job, "x", type="publish")
        sides = ("wait_for_event" if recorded_as == "wait" else "invoke_function", "publish")

    assert await ended(node, run_id) == "paused"
    state = (await node.runs.get("default", run_id)).state
    assert state.pause_reason == "diverged"
    assert state.divergence is not None
    assert (state.divergence.recorded, state.divergence.requested) == sides


async def test_a_step_that_failed_may_become_another_kind_of_step(node: Node, clock: ManualClock) -> None:
    from app.history.kinds import Failure

    await register(node)
    worker = Worker(node)
    await emit(node)
    job = await worker.job()
    failed = StepFailed(step_id(job, "x"), "x", Failure("no"), execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, failed, done))

    worker.sleep(job, "x", clock.now_us())

    assert memos(await worker.job()) == {"x": None}


# Parking.


async def test_a_parked_run_goes_on_where_it_is_with_what_is_new(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    await emit(node)
    first = await worker.job()
    await report(node, first, "a")
    worker.wait(first, Sleep(step_id(first, "nap"), "nap", clock.now_us()), parked=True)

    second = await worker.job()
    assert (second.resumes, memos(second)) == (first.id, {"nap": None})
    assert second.execution_seq == 2
    assert second.lease_token != first.lease_token
    await report(node, second, "b")
    worker.wait(second, wait_for(second, "go", "go.now"), parked=True)
    await node.committer.drain()
    await node.emitter.emit(NewEvent("default", "go.now", b"1"))

    third = await worker.job()
    assert (third.resumes, list(memos(third))) == (second.id, ["go"])


async def test_a_run_that_slept_in_place_is_told_without_a_read_what_a_read_would_tell(
    node: Node, storage: Storage, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    first = await worker.job()
    await report(node, first, "a")
    naps = [Sleep(step_id(first, name), name, clock.now_us() + 1_000_000) for name in ("nap", "doze")]
    worker.wait(first, *naps, wait_for(first, "go", "go.now"), parked=True)
    await recorded(node, run_id, RunSuspended.kind)

    with monkeypatch.context() as patched:
        patched.delattr(memo, "load_many")
        pass_time(clock, worker, seconds=1)
        second = await worker.job()

    [read] = await storage.read(lambda tx: load_many(tx, [Wanted("default", run_id, 2, first.version)]))
    assert isinstance(read, Memos)
    assert (second.resumes, second.version) == (first.id, read.version)
    assert second.memos == read.given(1)
    assert list(memos(second)) == ["nap", "doze"]


@pytest.mark.parametrize("why", ["gone", "full", "forgotten"])
async def test_a_parked_run_is_replayed_elsewhere_if_it_has_to_be(node: Node, clock: ManualClock, why: str) -> None:
    await register(node)
    worker = Worker(node, slots=1)
    run_id = await emit(node)
    job = await worker.job()
    await report(node, job, "a")
    worker.wait(job, Sleep(step_id(job, "nap"), "nap", clock.now_us() + 1_000_000), parked=True)
    await recorded(node, run_id, RunSuspended.kind)
    if why == "gone":
        node.dispatcher.leave(worker.session, reason="killed")
    elif why == "full":
        await emit(node)
        await worker.job()
    other = worker if why == "forgotten" else Worker(node, name="w2")
    pass_time(clock, worker, other, seconds=1)

    again = await other.job()
    if why == "forgotten":
        assert again.resumes == job.id
        node.dispatcher.hand_out_whole(worker.session, again)
        again = await worker.job()

    assert (again.run_id, again.resumes, memos(again)) == (run_id, "", {"a": 1, "nap": None})
    if why == "full":
        told, _ = await worker.told_to_stop()
        assert told is job  # it can drop what it kept


async def test_what_failed_for_good_is_remembered_until_a_person_resumes_the_run(
    node: Node, clock: ManualClock
) -> None:
    await register(node, retry=RetryPolicy(max_attempts=5, initial_delay_ms=1_000))
    worker = Worker(node)
    run_id = await emit(node)
    passing, final = Failure("busy", code="BUSY"), Failure("refused", code="REFUSED", retryable=False)

    async def fail(job: Any, name: str, error: Failure) -> None:
        fact = StepFailed(step_id(job, name), name, error, execution_seq=job.execution_seq, attempt=job.attempt)
        await answered(lambda done: node.engine.step("default", run_id, fact, done))

    first = await worker.job()
    await fail(first, "a", final)
    await fail(first, "b", passing)
    worker.fail(first, passing)
    await recorded(node, run_id, RunRetrying.kind)
    pass_time(clock, worker, seconds=1)

    second = await worker.job()
    assert (second.attempt, memos(second)) == (2, {"a": "REFUSED"})
    worker.fail(second, final)
    assert await ended(node, run_id) == "failed"
    await node.engine.resume("default", run_id)

    third = await worker.job()
    assert (third.attempt, memos(third)) == (1, {})


async def test_runs_that_wake_together_each_get_what_is_theirs(node: Node, clock: ManualClock) -> None:
    """Short and long ones, parked ones and one of an entity's event: most of them are read with the same query."""
    await register(node)
    worker = Worker(node)
    due = clock.now_us() + 1_000_000
    steps = {await emit(node, data=b"%d" % number): number for number in (0, 1, TOGETHER_ENTRIES_MAX - 4, 2, 100)}
    entity = Append("order", "7", (NewEvent("default", "order.placed", b"7"),))
    [appended] = (await node.streams.append("default", [entity])).run_ids
    steps[appended] = 7
    parked = await emit(node, data=b"9")
    steps[parked] = 9
    for _ in steps:
        job = await worker.job()
        for number in range(steps[job.run_id]):
            await worker.step(job, f"s{number}", b"%d" % (1_000 * steps[job.run_id] + number))
        worker.wait(job, Sleep(step_id(job, "nap"), "nap", due), parked=job.run_id == parked)
        await recorded(node, job.run_id, RunSuspended.kind)

    pass_time(clock, worker, seconds=1)

    for _ in list(steps):
        job = await worker.job()
        number = steps.pop(job.run_id)
        expected = {f"s{at}": 1_000 * number + at for at in range(number)} if job.run_id != parked else {}
        assert memos(job) == {**expected, "nap": None}
        assert bool(job.resumes) == (job.run_id == parked)
        assert bytes(job.emitted.data) == b"%d" % number
        worker.complete(job)
        assert await ended(node, job.run_id) == "completed"


async def test_runs_that_are_due_together_are_read_in_passes_of_a_bounded_size(
    node: Node, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(node)
    worker = Worker(node, slots=60)
    due = clock.now_us() + 1_000_000
    for _ in range(60):
        await emit(node)
        worker.sleep(await worker.job(), "nap", due)
    await node.committer.drain()
    passes: list[int] = []

    def counted(tx: Transaction, wanted: Sequence[Wanted]) -> Any:
        passes.append(len(wanted))
        return load_many(tx, wanted)

    monkeypatch.setattr(memo, "load_many", counted)
    monkeypatch.setattr(loader, "TOGETHER_MAX", 25)

    clock.advance(seconds=1)
    jobs = [await worker.job() for _ in range(60)]

    assert passes == [25, 25, 10]
    assert len({job.run_id for job in jobs}) == 60


async def test_a_parked_run_that_is_cancelled_is_dropped_by_its_worker(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, Sleep(step_id(job, "nap"), "nap", clock.now_us() + 1_000_000), parked=True)
    await recorded(node, run_id, RunSuspended.kind)

    await node.engine.cancel("default", run_id, reason="")

    told, _ = await worker.told_to_stop()
    assert told is job


async def test_parked_and_replayed_runs_have_the_same_history(storage: Storage, clock: ManualClock) -> None:
    histories = []
    for always_replay in (False, True):
        async with running(storage, clock, always_replay=always_replay) as node:
            await register(node)
            worker = Worker(node)
            run_id = await emit(node)
            job = await worker.job()
            await report(node, job, "a")
            both = (wait_for(job, "go", "go.now"), Sleep(step_id(job, "nap"), "nap", clock.now_us() + 5_000_000))
            worker.wait(job, *both, parked=True)
            await recorded(node, run_id, RunSuspended.kind)
            await node.emitter.emit(NewEvent("default", "go.now", b"1"))
            job = await worker.job()
            assert bool(job.resumes) is not always_replay
            assert job.always_replay is always_replay
            worker.wait(job, both[1], parked=True)
            await node.committer.drain()
            pass_time(clock, worker, seconds=5)
            worker.complete(await worker.job())
            assert await ended(node, run_id) == "completed"
            histories.append(await history_of(node, run_id))

    assert histories[0] == histories[1]


async def test_a_pause_requested_holds_the_run_when_its_step_is_recorded(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()

    assert await node.engine.pause("default", run_id) is False
    assert await node.engine.pause("default", run_id) is False
    assert await status_of(node, run_id) == "running"
    await report(node, job, "a")

    paused = await recorded(node, run_id, RunPaused.kind)
    assert isinstance(paused.fact, RunPaused)
    assert paused.fact.reason == "requested"
    told, _ = await worker.told_to_stop()
    assert told is job
    await node.engine.resume("default", run_id)
    assert memos(await worker.job()) == {"a": 1}


async def test_a_paused_run_takes_its_event_and_goes_on_when_resumed(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "a", "go.a"), wait_for(job, "b", "go.b", timeout_s=10))
    await recorded(node, run_id, RunSuspended.kind)

    assert await node.engine.pause("default", run_id) is True
    await node.emitter.emit(NewEvent("default", "go.a", b"1"))
    await recorded(node, run_id, StepCompleted.kind)
    pass_time(clock, worker, seconds=20)
    await node.committer.drain()
    assert await status_of(node, run_id) == "paused"  # its deadlines do not count
    assert worker.jobs.empty()

    at = node.tail.head
    await node.engine.resume("default", run_id)
    await recorded(node, run_id, "run.failed", after=at)
    assert await status_of(node, run_id) == "failed"


async def test_resuming_from_a_step_runs_it_and_what_came_after_again(node: Node, storage: Storage) -> None:
    from app.history.kinds import Failure

    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    for name in ("a", "b", "c"):
        await report(node, job, name)
    worker.fail(job, Failure("no", retryable=False))
    assert await ended(node, run_id) == "failed"

    with pytest.raises(InvalidArgument, match="nope"):
        await node.engine.resume("default", run_id, from_step="nope")
    await node.engine.resume("default", run_id, from_step="b")

    job = await worker.job()
    assert memos(job) == {"a": 1}
    assert list((await node.runs.get("default", run_id)).steps) == [step_id(job, "a")]
    await report(node, job, "b", type="publish")
    worker.complete(job)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
