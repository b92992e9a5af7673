"""Child runs: what an invocation creates, how its end comes back, and who is cancelled with whom. Both stores."""

from __future__ import annotations

import msgspec
import pytest

from app.clock import ManualClock
from app.history.kinds import Failure, RetryPolicy, RunCancelled, RunCompleted, RunSuspended, StepFailed, Trigger
from app.history.rebuild import rebuild
from app.node import Node
from app.runs.waiting import DEPTH_MAX
from storage import runs
from storage.contract import Storage
from tests.support.worker import (
    Worker,
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
)


async def family(node: Node) -> tuple[Worker, Worker]:
    """A worker of parents (f) and one of children (child)."""
    await register(node)
    await register(node, id="child", triggers=(), retry=RetryPolicy(max_attempts=1, on_exhausted="fail"))
    return Worker(node, name="parents"), Worker(node, name="children", functions=("child",))


async def test_a_child_runs_with_its_input_and_its_output_comes_back(node: Node, storage: Storage) -> None:
    parents, children = await family(node)
    run_id = await emit(node)
    job = await parents.job()
    parents.wait(job, invoke(job, "child", input=msgspec.Raw(b'{"n": 1}')))

    child = await children.job()
    assert bytes(child.emitted.data) == b'{"n": 1}'
    assert (child.emitted.name, child.emitted.run_id) == ("child", run_id)
    state = (await node.runs.get("default", child.run_id)).state
    assert (state.parent_run_id, state.parent_step_id, state.depth) == (run_id, f"{run_id}:child:0", 1)
    children.complete(child, b'["out"]')

    job = await parents.job()
    assert memos(job) == {"child": ["out"]}
    parents.complete(job)
    assert await ended(node, run_id) == "completed"
    [step] = (await node.runs.get("default", run_id)).steps.values()
    assert (step.type, step.child_run_id) == ("invoke_function", child.run_id)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


@pytest.mark.parametrize("how", ["fails", "is cancelled", "times out"])
async def test_a_child_without_an_output_fails_the_step_for_good(node: Node, clock: ManualClock, how: str) -> None:
    parents, children = await family(node)
    await emit(node)
    job = await parents.job()
    parents.wait(job, invoke(job, "child", timeout_ms=10_000))
    child = await children.job()

    if how == "fails":
        children.fail(child, Failure("boom", code="E"))
    elif how == "is cancelled":
        await node.engine.cancel("default", child.run_id, reason="no more")
    else:
        pass_time(clock, parents, children, seconds=10)

    job = await parents.job()
    [memo] = job.memos
    assert memo.error is not None
    assert (memo.status, memo.error.code, memo.error.retryable) == ("failed", "INVOKE_FAILED", False)
    details = msgspec.json.decode(memo.error.details)
    assert (details["function_id"], details["child_run_id"]) == ("child", child.run_id)
    cause = {"fails": "E: boom", "is cancelled": "cancelled: no more", "times out": "timed out after 10000 ms"}[how]
    assert details["cause"] == cause
    assert await ended(node, child.run_id) == ("failed" if how == "fails" else "cancelled")


async def test_what_cannot_be_invoked_fails_the_step_at_once(node: Node) -> None:
    parents, _ = await family(node)
    await register(node, id="triggered", triggers=(Trigger(event="a.b"),))
    await emit(node)
    job = await parents.job()

    parents.wait(job, invoke(job, "nobody"), invoke(job, "triggered"))

    job = await parents.job()
    causes = [msgspec.json.decode(memo.error.details) for memo in job.memos if memo.error]
    assert [cause["function_id"] for cause in causes] == ["nobody", "triggered"]
    assert "triggers" in causes[1]["cause"]
    assert "child_run_id" not in causes[0]


async def test_an_asynchronous_child_gives_its_id_and_outlives_its_parent(node: Node) -> None:
    parents, children = await family(node)
    run_id = await emit(node)
    job = await parents.job()
    parents.wait(job, invoke(job, "child", detached=True))

    job = await parents.job()
    child = await children.job()
    assert memos(job) == {"child": {"run_id": child.run_id}}
    await node.engine.cancel("default", run_id, reason="")
    children.complete(child)

    assert await ended(node, child.run_id) == "completed"
    assert await status_of(node, run_id) == "cancelled"


async def test_cancelling_reaches_the_whole_tree_and_detached_children_if_asked(node: Node) -> None:
    await register(node)
    for name in ("child", "grandchild", "apart"):
        await register(node, id=name, triggers=())
    worker = Worker(node, functions=("f", "child", "grandchild", "apart"))
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, invoke(job, "apart", detached=True))
    jobs = {one.function_id: one for one in (await worker.job(), await worker.job())}
    worker.wait(jobs["f"], invoke(jobs["f"], "child"))
    child = await worker.job()
    worker.wait(child, invoke(child, "grandchild"))
    grandchild = await worker.job()

    await node.engine.cancel("default", run_id, reason="stop", detached=True)

    for one in (child, grandchild, jobs["apart"]):
        entry = await recorded(node, one.run_id, RunCancelled.kind)
        assert isinstance(entry.fact, RunCancelled)
        assert entry.fact.cause == "parent-cancelled"


async def test_children_of_a_run_that_failed_are_cancelled(node: Node) -> None:
    parents, children = await family(node)
    await emit(node)
    job = await parents.job()
    parents.wait(job, invoke(job, "child", "one"), invoke(job, "child", "two"))
    first, second = await children.job(), await children.job()
    children.complete(first)

    parents.fail(await parents.job(), Failure("no", retryable=False))

    entry = await recorded(node, second.run_id, RunCancelled.kind)
    assert isinstance(entry.fact, RunCancelled)
    assert entry.fact.cause == "parent-ended"


async def test_runs_nest_only_so_deep(node: Node) -> None:
    await register(node, id="f", triggers=())
    await register(node, id="start")
    worker = Worker(node, functions=("f", "start"))
    await emit(node)

    for _ in range(DEPTH_MAX + 1):
        job = await worker.job()
        worker.wait(job, invoke(job, "f"))
    refused = await recorded(node, job.run_id, StepFailed.kind)

    assert isinstance(refused.fact, StepFailed)
    assert "nested" in refused.fact.error.message


async def test_the_end_of_a_child_that_was_not_told_is_found_after_a_kill(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        parents, children = await family(node)
        run_id = await emit(node)
        job = await parents.job()
        parents.wait(job, invoke(job, "child"))
        await recorded(node, run_id, RunSuspended.kind)
        node.engine.resolve_child = lambda *_, **__: None  # type: ignore[method-assign]
        child = await children.job()
        children.complete(child, b"7")
        await recorded(node, child.run_id, RunCompleted.kind)

    async with running(storage, clock) as node:
        assert memos(await Worker(node).job()) == {"child": 7}


async def test_a_child_whose_parent_ended_is_cancelled_after_a_kill(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        parents, children = await family(node)
        run_id = await emit(node)
        job = await parents.job()
        parents.wait(job, invoke(job, "child"))
        child = await children.job()
        node.engine.cancel_child = lambda *_, **__: None  # type: ignore[method-assign]
        await node.engine.cancel("default", run_id, reason="")

    async with running(storage, clock) as node:
        assert await ended(node, child.run_id) == "cancelled"


async def test_many_children_are_created_and_joined_side_by_side(node: Node) -> None:
    parents, children = await family(node)
    children.session.credit = 1_000
    run_id = await emit(node)
    job = await parents.job()
    parents.wait(job, *(invoke(job, "child", f"c{n}", input=msgspec.Raw(b"%d" % n)) for n in range(300)))

    for _ in range(300):
        child = await children.job()
        children.complete(child, bytes(child.emitted.data))
    while len(job.memos) < 300:
        job = await parents.job()
        given = memos(job)
        left = [f"c{n}" for n in range(300) if f"c{n}" not in given]
        if left:
            parents.wait(job, *(invoke(job, "child", name) for name in left))

    assert memos(job) == {f"c{n}": n for n in range(300)}
    kinds = await history_of(node, run_id)
    assert kinds.count("step.invoking") == 300
    unfinished = await node.storage.read(lambda tx: runs.unfinished_children(tx, "default", run_id))
    assert unfinished == []
