"""Patches, injections and their undoing; what a plan says of them, and what a worker is then handed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import (
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    RunChanged,
    RunNotFound,
    StepNotFound,
)
from app.events.new_event import NewEvent
from app.history.kinds import Failure, RetryPolicy, RunSuspended, StepCompleted, StepFailed
from app.history.rebuild import rebuild
from app.node import Node
from app.runs.asking import Request
from app.runs.planning import Plan
from app.runs.reading import StepRecord
from app.runs.rewind import Wish
from storage.contract import Storage
from tests.support.worker import (
    Worker,
    answered,
    emit,
    ended,
    history_of,
    invoke,
    memos,
    recorded,
    register,
    running,
    step_id,
    wait_for,
)

WHY = Request("the gateway lied", "user:ann")
FATAL = Failure("no", code="E", retryable=False)


async def fail_step(node: Node, job: Any, name: str, error: Failure = FATAL) -> None:
    fact = StepFailed(step_id(job, name), name, error, execution_seq=job.execution_seq, attempt=job.attempt)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done))


async def failed_run(node: Node, worker: Worker) -> str:
    """a and b completed, then c failed, and with it the run."""
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    await worker.step(job, "b", b"2")
    await fail_step(node, job, "c")
    worker.fail(job, FATAL)
    assert await ended(node, run_id) == "failed"
    return run_id


def patch(step: str, output: bytes, **options: Any) -> Wish:
    return Wish("patch", step, msgspec.Raw(output), **options)


def output_of(step: StepRecord) -> bytes:
    return bytes(step.output or b"")


def fates(plan: Plan) -> dict[str, str]:
    return {one.name: one.fate for one in plan.steps}


async def test_a_patched_step_is_handed_out_with_its_new_output(node: Node, storage: Storage) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)

    plan = await node.rewind.plan("default", run_id, patch("c", b'{"ok":true}'))
    done = await node.rewind.correct("default", run_id, patch("c", b'{"ok":true}'), WHY)
    await node.engine.resume("default", run_id, reason="go on")

    assert fates(plan) == {"a": "kept", "b": "kept", "c": "changed"}
    assert plan.version < done.run.state.version
    assert done.previous is None
    job = await worker.job()
    assert memos(job) == {"a": 1, "b": 2, "c": {"ok": True}}
    worker.complete(job)
    assert await ended(node, run_id) == "completed"
    step = (await node.runs.get("default", run_id)).steps[f"{run_id}:c:0"]
    assert (step.status, output_of(step), step.error) == ("completed", b'{"ok":true}', None)
    [correction] = step.corrections
    assert (correction.reason, correction.actor, correction.kind) == (WHY.reason, "user:ann", "step.patched")
    assert correction.before is not None
    assert correction.before.error == FATAL
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_a_patch_is_undone_by_a_counter_entry(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    before = await node.runs.get("default", run_id)

    for output in (b"7", b"8"):
        await node.rewind.correct("default", run_id, patch("b", output), WHY)
    undone = await node.rewind.correct("default", run_id, Wish("undo", "b"), Request("wrong step"))
    assert output_of(undone.run.steps[f"{run_id}:b:0"]) == b"7"
    undone = await node.rewind.correct("default", run_id, Wish("undo", "b"), Request("wrong step"))

    assert undone.run.steps == before.steps
    assert undone.run.state.steps == before.state.steps
    assert undone.run.state.corrected == {}
    assert (await history_of(node, run_id))[-4:] == ["step.patched", "step.patched", "step.restored", "step.restored"]
    with pytest.raises(FailedPrecondition, match="was not corrected"):
        await node.rewind.correct("default", run_id, Wish("undo", "b"), WHY)
    await node.engine.resume("default", run_id)
    assert memos(await worker.job()) == {"a": 1, "b": 2}


async def test_from_a_patched_step_on_all_but_the_patch_is_run_again(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    wish = patch("a", b"9", from_step="a")

    plan = await node.rewind.plan("default", run_id, wish)
    await node.rewind.correct("default", run_id, wish, WHY)

    assert fates(plan) == {"a": "changed", "b": "reruns", "c": "reruns"}
    assert [one.name for one in plan.steps if one.repeats] == ["b", "c"]
    assert memos(await worker.job()) == {"a": 9}


async def test_a_step_that_failed_before_an_earlier_resumption_is_still_one_to_begin_from(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    await fail_step(node, job, "b")
    await worker.step(job, "c")
    worker.fail(job, FATAL)
    assert await ended(node, run_id) == "failed"
    await node.engine.resume("default", run_id)
    again = await worker.job()
    assert memos(again) == {"a": 1, "c": 1}  # the failure is not told, the step keeps its place
    worker.fail(again, FATAL)
    assert await ended(node, run_id) == "failed"
    plan = await node.rewind.plan("default", run_id, Wish("resume", "", from_step="b"))

    await node.engine.resume("default", run_id, from_step="b")

    assert fates(plan)["c"] == "reruns"
    assert memos(await worker.job()) == {"a": 1}


async def test_a_change_is_made_once_and_only_of_the_version_that_was_looked_at(node: Node) -> None:
    await register(node)
    run_id = await failed_run(node, Worker(node))
    version = (await node.runs.get("default", run_id)).state.version
    request = Request("why", key="k1", expected=version)

    first = await node.rewind.correct("default", run_id, patch("c", b"1"), request)
    again = await node.rewind.correct("default", run_id, patch("c", b"1"), request)

    assert again.run.state.version == first.run.state.version
    with pytest.raises(RunChanged) as stale:
        await node.rewind.correct("default", run_id, patch("c", b"2"), Request("why", expected=version))
    assert "step.patched (c)" in stale.value.hint
    with pytest.raises(IdempotencyConflict):
        await node.rewind.correct("default", run_id, patch("c", b"2"), request)
    assert (await history_of(node, run_id)).count("step.patched") == 1


async def test_what_cannot_be_corrected_is_refused_and_leaves_nothing(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")

    async def refusal(kind: type[Exception], wish: Wish, request: Request = WHY) -> None:
        with pytest.raises(kind):
            await node.rewind.correct("default", run_id, wish, request)

    await refusal(FailedPrecondition, patch("a", b"1"))  # it runs
    await refusal(FailedPrecondition, Wish("inject", "a"))
    worker.fail(job, FATAL)
    assert await ended(node, run_id) == "failed"
    at = node.tail.head
    await refusal(FailedPrecondition, Wish("inject", "a"))  # it failed: that is for a patch
    await refusal(StepNotFound, patch("nope", b"1"))
    await refusal(InvalidArgument, patch("a", b"{"))
    await refusal(InvalidArgument, patch("a", b"1"), Request(" "))
    await refusal(InvalidArgument, patch("a", b"1"), Request("nul\0"))
    with pytest.raises(RunNotFound):
        await node.rewind.correct("default", "run_none", patch("a", b"1"), WHY)
    assert node.tail.head == at


async def test_a_paused_run_is_given_outputs_of_what_ended_waits_and_comes(node: Node, clock: ManualClock) -> None:
    await register(node)
    await register(node, id="child", triggers=())
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    worker.wait(job, wait_for(job, "paid", "payment.came"), invoke(job, "child"), parked=True)
    await recorded(node, run_id, RunSuspended.kind)
    await node.engine.pause("default", run_id, reason="injection")
    assert (await worker.told_to_stop())[0] is job  # what it kept in memory

    for step, output, kind in (("a", b"5", ""), ("paid", b'{"n":1}', ""), ("child", b"6", ""), ("ship", b"7", "")):
        wish = Wish("inject", step, msgspec.Raw(output), type=kind)
        assert fates(await node.rewind.plan("default", run_id, wish))[step] == "changed"
        await node.rewind.correct("default", run_id, wish, WHY)
    await node.emitter.emit(NewEvent("default", "payment.came", b"9"))
    await node.engine.resume("default", run_id)

    job = await worker.job()
    assert memos(job) == {"a": 5, "paid": {"n": 1}, "child": 6, "ship": 7}
    assert [memo.type for memo in job.memos] == ["invoke", "invoke", "wait_for_event", "invoke_function"]
    worker.complete(job)
    assert await ended(node, run_id) == "completed"
    child = (await node.runs.get("default", run_id)).steps[f"{run_id}:child:0"].child_run_id
    assert await ended(node, child) == "cancelled"


async def test_a_wait_that_was_injected_and_restored_waits_again(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, run_id, RunSuspended.kind)
    await node.engine.pause("default", run_id)

    await node.rewind.correct("default", run_id, Wish("inject", "paid", msgspec.Raw(b"1")), WHY)
    await node.rewind.correct("default", run_id, Wish("undo", "paid"), WHY)
    plan = await node.rewind.plan("default", run_id, Wish("resume", ""))
    assert fates(plan) == {"paid": "waits"}
    await node.engine.resume("default", run_id)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, run_id, RunSuspended.kind, after=node.tail.head - 1)
    await node.emitter.emit(NewEvent("default", "payment.came", b"9"))

    assert memos(await worker.job())["paid"]["data"] == 9


async def test_a_wait_that_timed_out_is_patched_with_what_should_have_come(node: Node, clock: ManualClock) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.came", timeout_s=10))
    await recorded(node, run_id, RunSuspended.kind)
    clock.advance(seconds=11)
    assert await ended(node, run_id) == "failed"

    await node.rewind.correct("default", run_id, patch("paid", b'{"late":true}', resume=True), WHY)

    assert memos(await worker.job()) == {"paid": {"late": True}}


async def test_a_run_that_was_undone_goes_forward_again(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    for name in ("reserve", "charge"):
        await worker.step(job, name)
    await fail_step(node, job, "ship")
    undo = StepCompleted(
        step_id(job, "compensate:reserve"),
        "compensate:reserve",
        msgspec.Raw(b"null"),
        "compensate",
        execution_seq=job.execution_seq,
        compensation_for="reserve",
    )
    await answered(lambda done: node.engine.step("default", run_id, undo, done))
    worker.fail(job, FATAL)
    assert await ended(node, run_id) == "failed"

    plan = await node.rewind.plan("default", run_id, patch("ship", b"1"))
    patched = await node.rewind.plan("default", run_id, patch("reserve", b"1"))
    await node.rewind.correct("default", run_id, patch("ship", b"1", resume=True), WHY)

    assert fates(plan) == {"reserve": "reruns", "charge": "kept", "ship": "changed"}
    assert (plan.compensations, plan.warnings) == ([], [])
    assert patched.compensations == ["reserve"]
    assert patched.warnings == ["what reserve did was undone, and its output stands"]
    assert memos(await worker.job()) == {"charge": 1, "ship": 1}


async def test_a_patch_survives_a_kill_between_it_and_the_resumption(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, retry=RetryPolicy(max_attempts=1, on_exhausted="pause"))
        run_id = await failed_run(node, Worker(node))
        await node.rewind.correct("default", run_id, patch("c", b"3"), WHY)

    async with running(storage, clock) as node:
        await node.engine.resume("default", run_id)
        assert memos(await Worker(node).job()) == {"a": 1, "b": 2, "c": 3}
