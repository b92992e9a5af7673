"""Several nodes on one Postgres, in one process: what each takes, and what becomes of the runs of one that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from psycopg import AsyncConnection

from app import resources
from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.dispatch.nodes import BEAT_US, SILENCE_US, Nodes
from app.dispatch.pull import PullWorkers
from app.dispatch.workers import Session, WorkerInfo, new_session
from app.errors import StaleExecution, WorkerNotFound
from app.events.new_event import NewEvent
from app.history.kinds import CancelOn, RunCompleted, Trigger
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.runs.asking import Request
from app.runs.bulk_jobs import BulkWish
from app.runs.definition import Definition
from app.runs.listing import RunFilter
from app.runs.yields import Sleep
from storage import nodes as rows
from storage import open_storage
from storage.postgres import CHANNEL
from tests.contract.conftest import START_US
from tests.support.bounds import WAIT_S
from tests.support.nodes import alive
from tests.support.taker import Taker, settled
from tests.support.worker import memos, step_id


class Fleet:
    """Nodes over one database, each with a connection pool and a clock of its own, which `tick` moves together."""

    def __init__(self, location: str, stack: AsyncExitStack) -> None:
        self._location = location
        self._stack = stack
        self.clocks: list[ManualClock] = []
        self._loops: dict[str, list[asyncio.Task[Any]]] = {}

    async def start(self, *, predecessor: str = "", shared_bus: bool = True, skew_s: float = 0.0) -> Node:
        storage = await open_storage(self._location, resources.sql_folder())
        self._stack.push_async_callback(storage.close)
        await storage.migrate()
        now = self.clocks[0].now_us() if self.clocks else START_US
        clock = ManualClock(now + int(skew_s * 1_000_000))
        self.clocks.append(clock)
        ids = Ids(clock)
        nodes = Nodes(storage=storage, clock=clock, node_id=ids.node(), predecessor=predecessor, shared_bus=shared_bus)
        node = Node(storage=storage, clock=clock, ids=ids, nodes=nodes)
        await self._stack.enter_async_context(self._running(node))
        return node

    @asynccontextmanager
    async def _running(self, node: Node) -> AsyncIterator[None]:
        async with alive(node) as loops:
            self._loops[node.nodes.id] = loops
            yield

    def kill(self, node: Node) -> None:
        """It says no more, as after kill -9."""
        for task in self._loops[node.nodes.id]:
            task.cancel()

    def tick(self, us: int) -> None:
        for clock in self.clocks:
            clock.advance(us)


@pytest.fixture
async def fleet(postgres_url: str) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        yield Fleet(postgres_url, stack)


async def register(node: Node) -> None:
    await node.functions.register("default", Definition("f", triggers=(Trigger(event="e"),)))


async def emit(node: Node) -> str:
    return (await node.emitter.emit(NewEvent("default", "e", b"1"))).run_ids[0]


async def caught_up(node: Node, other: Node) -> None:
    """Until the node has followed all that the other recorded."""
    async with asyncio.timeout(WAIT_S):
        async for batch in node.tail.follow(0):
            if batch[-1].position >= other.tail.head:
                break
    await settled(node)


async def pass_time(fleet: Fleet, us: int, *living: Node) -> None:
    """In steps of a beat, so that no node takes itself for slow."""
    for _ in range(-(-us // BEAT_US)):
        fleet.tick(BEAT_US)
        for node in living:
            await settled(node)


async def test_nodes_see_one_another_and_the_oldest_leads(fleet: Fleet) -> None:
    one = await fleet.start()
    assert one.nodes.alone
    assert one.nodes.leads

    two = await fleet.start(skew_s=3_600)
    await pass_time(fleet, 2 * BEAT_US, one, two)

    assert [row.id for row in one.nodes.listed()] == [one.nodes.id, two.nodes.id]
    assert [row.id for row in two.nodes.listed()] == [one.nodes.id, two.nodes.id]
    assert (one.nodes.leads, two.nodes.leads) == (True, False)
    assert one.nodes.problem == ""


async def test_a_node_announces_nothing_before_another_comes_which_is_told_all_then(
    fleet: Fleet, postgres_url: str
) -> None:
    async with await AsyncConnection.connect(postgres_url, autocommit=True) as listener:
        await listener.execute(f"listen {CHANNEL}")
        one = await fleet.start()
        await register(one)
        await emit(one)
        await settled(one)

        two = await fleet.start()
        await emit(one)

        await caught_up(two, one)
        told = [int(notice.payload) async for notice in listener.notifies(timeout=WAIT_S, stop_after=2)]
        assert (told[0], told[1] > 0) == (0, True), "first that the other is there, then how far history has reached"


async def test_an_event_cancels_a_run_of_which_its_node_has_not_heard_yet(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await one.functions.register(
        "default", Definition("f", triggers=(Trigger(event="e"),), cancel_on=(CancelOn("stop", match="data"),))
    )

    run_id = await emit(one)
    await two.emitter.emit(NewEvent("default", "stop", b"1"))

    await caught_up(two, one)
    assert (await one.runs.row("default", run_id)).status == "cancelled"


async def test_a_run_is_started_by_one_node_only(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    await register(one)
    await caught_up(two, one)
    workers = [Taker(one, name="w1"), Taker(two, name="w2")]

    ids = [await emit(node) for node in (one, two) * 5]
    for node, other in ((one, two), (two, one)):
        await caught_up(node, other)

    jobs = [[worker.jobs.get_nowait() for _ in range(worker.jobs.qsize())] for worker in workers]
    assert sorted(job.run_id for taken in jobs for job in taken) == sorted(ids)
    assert all(worker.cancelled.empty() for worker in workers)
    for worker, taken in zip(workers, jobs, strict=True):
        for job in taken:
            worker.complete(job)
    for run_id in ids:
        assert await one.waits.until_ended("default", run_id, WAIT_S)


async def test_runs_of_a_node_that_fell_silent_go_to_another(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    await register(one)
    lost = Taker(one)
    run_id = await emit(one)
    job = await lost.job()
    await one.committer.drain()
    await caught_up(two, one)
    rescuer = Taker(two)
    assert await rescuer.idle()

    fleet.kill(one)
    await pass_time(fleet, SILENCE_US + BEAT_US, two)

    again = await rescuer.job()
    assert (again.run_id, again.execution_seq) == (run_id, job.execution_seq + 1)
    assert two.nodes.alone
    assert two.nodes.leads
    assert [row.id for row in await two.storage.read(rows.everything)] == [two.nodes.id]
    rescuer.complete(again)
    assert await two.waits.until_ended("default", run_id, WAIT_S)
    assert (await rebuild(two.storage, two.fold, check=True)).differing == ()


async def test_an_execution_that_was_kept_while_another_node_went_on_is_not_gone_on_with(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    await register(one)
    await caught_up(two, one)
    keeper = Taker(one, name="w1")
    run_id = await emit(one)
    first = await keeper.job()
    keeper.wait(first, Sleep(step_id(first, "nap"), "nap", one.clock.now_us() + 1_000), parked=True)
    await one.committer.drain()
    await caught_up(two, one)

    other = Taker(two, name="w2")
    fleet.clocks[1].advance(1_000)  # so that the second node is first
    second = await other.job()
    await other.step(second, "x")
    other.sleep(second, "doze", one.clock.now_us() + 2_000)
    await two.committer.drain()
    await caught_up(one, two)
    fleet.clocks[0].advance(2_000)
    third = await keeper.job()

    assert (third.run_id, third.execution_seq, third.resumes) == (run_id, 3, "")
    assert list(memos(third)) == ["nap", "x", "doze"]
    assert await keeper.told_to_stop() == (first, "resumed elsewhere")


async def test_a_node_that_was_only_slow_writes_nothing_of_what_it_lost(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    await register(one)
    slow = Taker(one)
    run_id = await emit(one)
    job = await slow.job()
    await one.committer.drain()
    await caught_up(two, one)
    rescuer = Taker(two)

    for _ in range(3):  # its clock stands still: the process does not run
        fleet.clocks[1].advance(BEAT_US)
        await settled(two)
    again = await rescuer.job()

    with pytest.raises(StaleExecution):
        await report(one, job)
    rescuer.complete(again)
    assert await two.waits.until_ended("default", run_id, WAIT_S)
    await pass_time(fleet, 3 * BEAT_US, one, two)
    assert len(two.nodes.listed()) == 2  # it is back


async def test_a_goodbye_is_not_waited_for(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    fleet.kill(one)
    await one.nodes.leave()

    await pass_time(fleet, BEAT_US, two)

    assert two.nodes.alone
    assert two.nodes.leads


async def test_a_successor_in_the_same_place_waits_for_no_silence(fleet: Fleet) -> None:
    one = await fleet.start()
    await register(one)
    worker = Taker(one)
    run_id = await emit(one)
    await worker.job()
    await one.committer.drain()
    fleet.kill(one)

    two = await fleet.start(predecessor=one.nodes.id)

    again = await Taker(two).job()
    assert (again.run_id, again.execution_seq) == (run_id, 2)
    assert two.nodes.leads


async def test_what_another_node_runs_is_left_to_it_at_start(fleet: Fleet) -> None:
    one = await fleet.start()
    await register(one)
    worker = Taker(one)
    run_id = await emit(one)
    job = await worker.job()
    await one.committer.drain()

    two = await fleet.start()
    assert await Taker(two).idle()

    worker.complete(job)
    assert await one.waits.until_ended("default", run_id, WAIT_S)


async def test_time_in_which_nobody_could_look_is_not_silence(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)

    fleet.tick(60_000_000)
    await settled(one)
    await settled(two)
    await pass_time(fleet, 2 * BEAT_US, one, two)

    assert len(one.nodes.listed()) == len(two.nodes.listed()) == 2


async def test_nodes_with_a_nats_of_their_own_each_are_told_so(fleet: Fleet) -> None:
    one = await fleet.start(shared_bus=True)
    two = await fleet.start(shared_bus=False)
    await pass_time(fleet, 2 * BEAT_US, one, two)

    assert "--nats-url" in one.nodes.problem
    assert "--nats-url" in two.nodes.problem


async def report(node: Node, job: Job) -> None:
    """The output of a job's run, as its worker would tell it."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def done(answer: object, error: BaseException | None) -> None:
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)

    fact = RunCompleted(execution_seq=job.execution_seq, output=msgspec.Raw(b"1"))
    node.engine.complete("default", job.run_id, fact, done)
    await answered


async def test_a_bulk_job_goes_on_with_the_node_that_leads_next(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    one, two = (one, two) if one.nodes.leads else (two, one)
    await register(one)
    runs = [await emit(one) for _ in range(3)]
    wish = BulkWish("cancel", RunFilter(function_id="f"), per_second=1)
    job = await two.bulk_jobs.start("default", wish, Request("all of them"))
    await caught_up(one, two)
    await settled(one)
    begun = await two.bulk_jobs.get("default", job.id)

    fleet.kill(one)
    await one.nodes.leave()
    for _ in range(4):
        await pass_time(fleet, BEAT_US, two)

    ended = await two.bulk_jobs.get("default", job.id)
    assert (begun.status, begun.changed) == ("running", 1)
    assert (ended.status, ended.changed, ended.refused) == ("completed", 3, 0)
    assert [(await two.runs.row("default", run_id)).status for run_id in runs] == ["cancelled"] * 3


async def test_what_is_asked_of_a_worker_reaches_the_node_that_has_it(fleet: Fleet) -> None:
    one, two = await fleet.start(), await fleet.start()
    await pass_time(fleet, 2 * BEAT_US, one, two)
    told, now = asyncio.Queue[str](), fleet.clocks[1].now_us()

    def connected(name: str, disconnect: Callable[[str], None] = lambda reason: None) -> Session:
        info = WorkerInfo(id=name, environment="default", function_ids=frozenset("f"), max_concurrent_jobs=10)
        return new_session(
            info,
            transport="stream",
            lease_ttl_s=3_600,
            credit=10,
            now_us=now,
            assign=lambda job: None,
            cancel=lambda job, reason: None,
            drain=told.put_nowait,
            disconnect=disconnect,
        )

    there = connected("there")
    two.dispatcher.join(there)
    pull = PullWorkers(dispatcher=two.dispatcher, engine=two.engine, clock=fleet.clocks[1])
    pull.register(WorkerInfo(id="polls", environment="default", function_ids=frozenset("f"), max_concurrent_jobs=1))
    polling = asyncio.create_task(pull.poll("default", "polls", available=1, wait_s=25))
    await asyncio.sleep(0)

    with pytest.raises(WorkerNotFound):  # of no node can it be
        await one.worker_steering.drain("default", "push:f", actor="ak_ada", reason="")
    assert await one.worker_steering.drain("default", "there", actor="ak_ada", reason="a release") is None
    assert await one.worker_steering.disconnect("default", "polls", actor="ak_ada", reason="it hangs") is None

    asking = asyncio.create_task(one.worker_steering.disconnect("default", "late", actor="ak_ada", reason=""))
    await asyncio.sleep(0)  # it was submitted: who connects to this node now is not told by the others
    ended = asyncio.Queue[str]()
    one.dispatcher.join(connected("late", ended.put_nowait))

    async with asyncio.timeout(WAIT_S):
        assert await asking is one.dispatcher.sessions.get("default", "late")
        assert await ended.get() == "somebody disconnected it"
        assert await told.get() == "a release"
        assert list(await polling) == []
    [gone] = two.dispatcher.sessions.departed("default", now_us=now)
    assert (gone.session.info.id, gone.reason) == ("polls", "disconnected: it hangs")
    assert there.draining
    assert (await rebuild(one.storage, one.fold, check=True)).differing == ()
