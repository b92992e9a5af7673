"""Forks and replays: what they begin with, that their origin stays as it was, and how they are found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.errors import (
    FailedPrecondition,
    IdempotencyConflict,
    InvalidArgument,
    RunChanged,
    RunNotFound,
    StepNotFound,
)
from app.events.new_event import NewEvent
from app.history.kinds import Concurrency, RunSuspended
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs.asking import Request
from app.runs.forks import REPLAY, Branch, Wish
from storage import history, runs
from storage.contract import Storage
from tests.contract.test_rewind import WHY, failed_run, fates
from tests.support.worker import Worker, emit, ended, history_of, memos, recorded, register, wait_for


async def everything(node: Node, run_id: str) -> tuple[Any, Any]:
    """All there is of a run: its entries and its row."""
    return await node.storage.read(
        lambda tx: (
            list(history.whole_stream(tx, "default", f"run/{run_id}")),
            runs.get(tx, "default", run_id),
        )
    )


async def test_a_fork_begins_with_a_part_of_its_origins_history(node: Node, storage: Storage) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    before = await everything(node, run_id)
    wish = Wish(from_step="c", patches={"b": msgspec.Raw(b"20")})

    plan = await node.forks.plan("default", run_id, wish)
    fork = await node.forks.fork("default", run_id, wish, WHY)

    assert fates(plan) == {"a": "kept", "b": "changed", "c": "reruns"}
    assert [one.name for one in plan.steps if one.repeats] == ["c"]
    job = await worker.job()
    assert (job.run_id, memos(job)) == (fork, {"a": 1, "b": 20})
    assert [memo.step_id for memo in job.memos] == [f"{fork}:a:0", f"{fork}:b:0"]
    await worker.step(job, "c", b"3")
    worker.complete(job)
    assert await ended(node, fork) == "completed"
    assert await everything(node, run_id) == before
    record = await node.runs.get("default", fork)
    assert record.state.forked_from is not None
    assert (record.state.forked_from.run_id, record.reason) == (run_id, WHY.reason)
    [taken] = [entry for entry in before[0] if entry.position == record.steps[f"{fork}:a:0"].carried_from]
    assert (taken.kind, taken.data.count(f"{run_id}:a:0")) == ("step.completed", 1)
    assert (await history_of(node, fork))[:4] == ["run.created", "step.carried", "step.carried", "step.patched"]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None


async def test_a_fork_is_given_the_output_of_the_step_that_failed(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    wish = Wish(patches={"c": msgspec.Raw(b"3")})

    plan = await node.forks.plan("default", run_id, wish)
    await node.forks.fork("default", run_id, wish, WHY)

    assert fates(plan) == {"a": "kept", "b": "kept", "c": "changed"}
    assert memos(await worker.job()) == {"a": 1, "b": 2, "c": 3}


async def test_a_fork_at_a_position_knows_nothing_of_what_came_later(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    [at] = [entry.position for entry in (await everything(node, run_id))[0] if f"{run_id}:a:0" in entry.data]

    fork = await node.forks.fork("default", run_id, Wish(position=at, input=msgspec.Raw(b'{"id":2}')), WHY)

    job = await worker.job()
    assert (memos(job), bytes(job.emitted.data)) == ({"a": 1}, b'{"id":2}')
    assert bytes((await node.runs.get("default", fork)).input) == b'{"id":2}'
    assert bytes((await node.runs.get("default", run_id)).input) == b'{"id":1}'


async def test_a_fork_of_a_fork_has_its_input(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    fork = await node.forks.fork("default", run_id, Wish(input=msgspec.Raw(b'{"id":2}')), WHY)
    await worker.job()

    for wish in (Wish(), REPLAY):
        again = await node.forks.fork("default", fork, wish, WHY)
        job = await worker.job()
        assert (job.run_id, bytes(job.emitted.data)) == (again, b'{"id":2}')


async def test_a_fork_is_told_results_in_the_order_in_which_its_origin_was(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, run_id, RunSuspended.kind)
    await emit(node, "order.x")  # another run, so that the worker is busy otherwise
    other = await worker.job()
    worker.complete(other)
    await node.emitter.emit(NewEvent("default", "payment.came", b"1"))
    job = await worker.job()
    await worker.step(job, "ship")
    worker.complete(job)
    await ended(node, run_id)

    await node.forks.fork("default", run_id, Wish(), WHY)
    fork = await worker.job()
    worker.complete(fork)
    await ended(node, fork.run_id)
    await node.forks.fork("default", fork.run_id, Wish(), WHY)

    assert list(memos(fork)) == ["paid", "ship"]
    assert list(memos(await worker.job())) == ["paid", "ship"]


async def test_what_a_run_waited_for_its_fork_waits_for_anew(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, run_id, RunSuspended.kind)

    fork = await node.forks.fork("default", run_id, Wish(), WHY)

    job = await worker.job()
    assert memos(job) == {"a": 1}
    worker.wait(job, wait_for(job, "paid", "payment.came"))
    await recorded(node, fork, RunSuspended.kind)
    await node.emitter.emit(NewEvent("default", "payment.came", b"1"))
    assert {(await worker.job()).run_id, (await worker.job()).run_id} == {run_id, fork}


async def test_a_replay_has_the_same_input_and_nothing_else(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)

    plan = await node.forks.plan("default", run_id, REPLAY)
    replay = await node.forks.fork("default", run_id, REPLAY, WHY)

    assert set(fates(plan).values()) == {"reruns"}
    job = await worker.job()
    assert (job.run_id, job.memos, job.emitted.data) == (replay, [], (await node.runs.get("default", run_id)).input)


async def test_lineage_is_a_tree_from_its_first_run(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await failed_run(node, worker)
    fork = await node.forks.fork("default", run_id, Wish(), WHY)
    replay = await node.forks.fork("default", fork, REPLAY, WHY)
    other = await node.forks.fork("default", run_id, Wish(from_step="b"), WHY)

    def ids(branch: Branch) -> Any:
        return {branch.row.id: [ids(one) for one in branch.forks]}

    for asked in (run_id, fork, replay, other):
        lineage = await node.forks.lineage("default", asked)
        assert ids(lineage.root) == {run_id: [{fork: [{replay: []}]}, {other: []}]}
    with pytest.raises(RunNotFound):
        await node.forks.lineage("default", "run_none")


async def test_a_fork_is_made_once_for_its_key(node: Node) -> None:
    await register(node)
    run_id = await failed_run(node, Worker(node, slots=1))
    request = Request("why", key="k")

    first = await node.forks.fork("default", run_id, Wish(), request)
    again = await node.forks.fork("default", run_id, Wish(), request)

    assert again == first
    with pytest.raises(IdempotencyConflict):
        await node.forks.fork("default", run_id, Wish(patches={"a": msgspec.Raw(b"2")}), request)
    assert len((await node.forks.lineage("default", run_id)).root.forks) == 1


async def test_what_cannot_be_forked_is_refused_and_leaves_nothing(node: Node) -> None:
    await register(node)
    run_id = await failed_run(node, Worker(node))
    at = node.tail.head

    async def refusal(kind: type[Exception], wish: Wish, request: Request = WHY, origin: str = "") -> None:
        with pytest.raises(kind):
            await node.forks.fork("default", origin or run_id, wish, request)

    await refusal(InvalidArgument, Wish(), Request(""))
    await refusal(InvalidArgument, Wish(position=1))
    await refusal(InvalidArgument, Wish(input=msgspec.Raw(b"{")))
    await refusal(StepNotFound, Wish(from_step="nope"))
    await refusal(StepNotFound, Wish(patches={"d": msgspec.Raw(b"1")}))
    await refusal(RunChanged, Wish(), Request("why", expected=1))
    await refusal(RunNotFound, Wish(), origin="run_none")
    assert node.tail.head == at
    await node.functions.delete("default", "f")
    await refusal(FailedPrecondition, Wish())


async def test_a_forks_keys_are_those_of_its_own_input(node: Node) -> None:
    await register(node, concurrency=Concurrency(limit=1, key="id"))
    worker = Worker(node)
    run_id = await failed_run(node, worker)

    fork = await node.forks.fork("default", run_id, Wish(input=msgspec.Raw(b'{"id":7}')), WHY)

    assert (await node.runs.get("default", fork)).state.dispatch.concurrency_key == "7"
