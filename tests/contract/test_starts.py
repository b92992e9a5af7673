"""Runs that go on are started together, and told apart. Both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from app.clock import ManualClock
from app.dispatch.queue import Lane
from app.dispatch.starts import TOGETHER_MAX, Starts
from app.dispatch.workers import Session
from app.errors import Internal, RunNotFound, RunNotRunning
from app.history.committer import submitted
from app.history.kinds import RunStarted
from app.node import Node
from app.runs.commands import Begun, Started
from app.runs.engine import Engine
from app.runs.yields import Sleep
from tests.support.bounds import within
from tests.support.worker import Worker, emit, ended, register, status_of, step_id

LANE: Lane = ("default", "f")


async def test_a_run_that_cannot_be_started_keeps_no_other_from_it(node: Node) -> None:
    await register(node)
    runs = [await emit(node) for _ in range(3)]
    await node.engine.cancel("default", runs[1], reason="changed my mind")
    wanted = [runs[0], runs[1], "run_nowhere", runs[2]]

    told: Sequence[Started] = await submitted(
        lambda done: node.engine.start_all("default", wanted, worker_id="w", done=done)
    )

    assert [type(one) for one in told] == [Begun, RunNotRunning, RunNotFound, Begun]
    assert [await status_of(node, run_id) for run_id in runs] == ["running", "cancelled", "running"]


async def test_a_run_that_can_go_on_twice_takes_up_no_capacity_once_it_has_ended(
    node: Node, clock: ManualClock
) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.sleep(job, "nap", clock.now_us() + 1_000_000)
    await node.committer.drain()
    clock.advance(seconds=1)
    for _ in range(2):  # as by its timer, and by an event that comes before its start is recorded
        node.dispatcher.ready([("default", run_id)])
    [session] = node.dispatcher.sessions
    assert session.starting == 2

    worker.complete(await worker.job())

    assert await ended(node, run_id) == "completed"
    async with within("all starts to be told"):
        while session.starting:  # noqa: ASYNC110 - a start that is refused is told to nobody
            await asyncio.sleep(0)
    assert node.dispatcher.queue.running(LANE) == {}


async def test_a_run_that_is_cancelled_right_after_its_start_is_not_left_to_a_worker(
    node: Node, clock: ManualClock
) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, Sleep(step_id(job, "nap"), "nap", clock.now_us() + 1_000_000), parked=True)
    await node.committer.drain()
    clock.advance(seconds=1)
    node.dispatcher.ready([("default", run_id)])
    [session] = node.dispatcher.sessions
    assert session.starting == 1

    await node.engine.cancel("default", run_id, reason="changed my mind")  # in the same transaction

    async with within("the start to be told"):
        while session.starting:  # noqa: ASYNC110 - a start in vain is told to nobody
            await asyncio.sleep(0)
    assert await status_of(node, run_id) == "cancelled"
    assert (session.jobs, session.credit, node.dispatcher.queue.running(LANE)) == ({}, 10, {})


class Recording:
    """An engine that starts whatever it is asked to, unless the run called `spoiled` is among it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    def start_all(self, environment: str, run_ids: Sequence[str], *, worker_id: str, done: Any, **other: Any) -> None:
        self.asked.append((worker_id, list(run_ids)))
        if "spoiled" in run_ids:
            done(None, Internal("the command could not be decided"))
        else:
            done([Begun(RunStarted(execution_seq=2, attempt=1, worker_id=worker_id), None) for _ in run_ids], None)


def session(worker_id: str) -> Session:
    return cast("Session", SimpleNamespace(info=SimpleNamespace(id=worker_id), unwinds=False))


async def told_by(engine: Recording, begin: Callable[[Starts], None], count: int) -> dict[str, Any]:
    """What was told of each of so many runs."""
    told: dict[str, Any] = {}
    all_told = asyncio.Event()

    def tell(session: Session, lane: Lane, run_id: str, answer: Begun | BaseException | None) -> None:
        told[run_id] = answer
        if len(told) == count:
            all_told.set()

    starts = Starts(engine=cast("Engine", engine), node_id="n", tell=tell)
    running = asyncio.create_task(starts.run())
    begin(starts)
    await asyncio.wait_for(all_told.wait(), 10)
    running.cancel()
    return told


async def test_what_one_worker_gets_of_a_function_is_one_command_up_to_a_size() -> None:
    engine, one, other = Recording(), session("one"), session("other")
    many = [f"r{n}" for n in range(TOGETHER_MAX + 1)]
    chosen = [(one, LANE, run_id) for run_id in many]
    chosen[1:1] = [(other, LANE, "x"), (one, ("default", "g"), "y")]

    told = await told_by(engine, lambda starts: starts.begin(chosen), len(chosen))

    assert engine.asked == [
        ("one", many[:TOGETHER_MAX]),
        ("one", many[TOGETHER_MAX:]),
        ("other", ["x"]),
        ("one", ["y"]),
    ]
    assert {type(answer) for answer in told.values()} == {Begun}


async def test_a_command_that_one_run_spoils_is_tried_again_run_by_run() -> None:
    engine, one = Recording(), session("one")

    told = await told_by(engine, lambda starts: starts.begin([(one, LANE, id) for id in ("a", "spoiled", "b")]), 3)

    assert [run_ids for _, run_ids in engine.asked] == [["a", "spoiled", "b"], ["a"], ["spoiled"], ["b"]]
    assert {run_id: type(answer) for run_id, answer in told.items()} == {"a": Begun, "spoiled": Internal, "b": Begun}
