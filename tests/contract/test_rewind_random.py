"""Random lives of runs, with patches, injections, undoing, forks, retries, waits and sagas: at every position of every
run the three folds of its entries agree, undoing restores, origins of forks stay as they were, and plans come true."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from app.dispatch.jobs import Job
from app.errors import FailedPrecondition, InvalidArgument, StepNotFound
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import Failure, RetryPolicy, RunSuspended, StepCompleted, StepFailed
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs import folding, memo, reading
from app.runs.asking import Request
from app.runs.forks import Wish as ForkWish
from app.runs.memo import Memos
from app.runs.planning import Plan
from app.runs.rewind import Wish
from app.runs.state import AWAITED, Run, step_name
from storage import history
from storage.contract import Storage, Transaction
from tests.support.worker import Worker, answered, emit, memos, recorded, register, status_of, wait_for

NAMES = ("a", "b", "c", "d", "e")
ROUNDS = 5
LIVES = 4
WHY = Request("by chance", "user:ann")


class Life:
    """A run and its forks, steered by chance."""

    def __init__(self, node: Node, worker: Worker, choose: random.Random) -> None:
        self.node = node
        self.worker = worker
        self.choose = choose
        self.outputs = 0

    async def live(self) -> list[str]:
        """Ids of all runs that came of it."""
        runs = [await emit(self.node)]
        await self.execute(await self.worker.job())
        for _ in range(ROUNDS):
            run_id = self.choose.choice(runs)
            if self.choose.random() < 0.4:
                runs.append(await self.fork(run_id))
            elif await status_of(self.node, run_id) in ("paused", "failed"):
                await self.steer(run_id)
        return runs

    def output(self) -> msgspec.Raw:
        self.outputs += 1
        return msgspec.Raw(b"%d" % self.outputs)

    async def execute(self, job: Job) -> None:
        """Some steps that the job does not have, then an end."""
        known = memos(job)
        for name in self.choose.sample(NAMES, self.choose.randrange(1, 4)):
            if name not in known:
                await self.step(job, name)
        end = self.choose.choice(("complete", "fail", "exhaust", "undo", "hold", "hold waiting"))
        if end == "complete":
            self.worker.complete(job)
        elif end == "fail":
            self.worker.fail(job, Failure("no", retryable=False))
        elif end == "exhaust":
            self.worker.fail(job, Failure("no"))
        elif end == "undo":
            for name in self.choose.sample(NAMES, 2):
                if name in memos(job) or name in known:
                    await self.step(job, f"compensate:{name}", kind="compensate")
            self.worker.fail(job, Failure("no", retryable=False))
        elif end == "hold" and not {"x", "y"} & set(known):
            await self.node.engine.pause("default", job.run_id, reason="hold")
            await self.step(job, self.choose.choice(("x", "y")), fails=0.0)
        elif "wait" not in known:
            before = self.node.tail.head
            self.worker.wait(job, wait_for(job, "wait", "came.it"))
            await recorded(self.node, job.run_id, RunSuspended.kind, after=before)
            if self.choose.random() < 0.5:
                await self.node.engine.pause("default", job.run_id, reason="hold")
            else:
                await self.node.emitter.emit(NewEvent("default", "came.it", bytes(self.output())))
                await self.execute(await self.worker.job())
                return
        else:
            self.worker.complete(job)
        await self.node.waits.until_ended("default", job.run_id, 10)

    async def step(self, job: Job, name: str, *, kind: str = "invoke", fails: float = 0.3) -> None:
        step_id = f"{job.run_id}:{name}:0"
        common: dict[str, Any] = {"execution_seq": job.execution_seq, "attempt": job.attempt, "type": kind}
        fact: StepCompleted | StepFailed = StepCompleted(step_id, name, self.output(), **common)
        if self.choose.random() < fails:
            fact = StepFailed(step_id, name, Failure("no", retryable=self.choose.random() < 0.5), **common)
        await answered(lambda done: self.node.engine.step("default", job.run_id, fact, done))

    async def fork(self, run_id: str) -> str:
        entries = await self.entries(run_id)
        wish = ForkWish(position=self.choose.choice(entries).position)
        plan = await self.node.forks.plan("default", run_id, wish)
        if self.choose.random() < 0.5 and plan.steps:
            step = self.choose.choice(plan.steps)
            wish = wish._replace(patches={step.step_id: self.output()})
            plan = await self.node.forks.plan("default", run_id, wish)

        fork = await self.node.forks.fork("default", run_id, wish, WHY)

        assert [entry.record for entry in await self.entries(run_id)] == [entry.record for entry in entries]
        job = await self.worker.job()
        assert job.run_id == fork
        came_true(plan, job, run_id)
        await self.execute(job)
        return fork

    async def steer(self, run_id: str) -> None:
        """Correct it some times, undo some of it, and let it go on as planned."""
        for _ in range(self.choose.randrange(4)):
            await self.correct(run_id)
        ended = list((await self.node.runs.get("default", run_id)).state.steps)
        wish = Wish("resume", "", from_step=self.choose.choice(ended) if ended and self.choose.random() < 0.4 else "")
        plan = await self.node.rewind.plan("default", run_id, wish)
        await self.node.engine.resume("default", run_id, from_step=wish.from_step, reason="go on")
        job = await self.worker.job()
        assert job.run_id == run_id
        came_true(plan, job, run_id)
        await self.execute(job)

    async def correct(self, run_id: str) -> None:
        before = await self.node.runs.get("default", run_id)
        verb = self.choose.choice(("patch", "inject"))
        known = [step_name(one) for one in (*before.state.steps, *before.state.open)]
        wish = Wish(verb, self.choose.choice([*known, *NAMES]), self.output())
        try:
            await self.node.rewind.correct("default", run_id, wish, WHY)
        except (FailedPrecondition, StepNotFound, InvalidArgument):
            assert (await self.node.runs.get("default", run_id)).state == before.state
            return
        if self.choose.random() < 0.5:
            await self.node.rewind.correct("default", run_id, Wish("undo", wish.step), WHY)
            after = await self.node.runs.get("default", run_id)
            assert after.steps == before.steps
            assert (after.state.steps, after.state.open) == (before.state.steps, before.state.open)
            assert after.state.corrected == before.state.corrected

    async def entries(self, run_id: str) -> Sequence[Entry]:
        return await self.node.storage.read(lambda tx: _entries(tx, run_id))


def came_true(plan: Plan, job: Job, origin: str) -> None:
    """What the job was handed is what the plan said, in id and order of kinds."""
    handed = {memo.step_id.removeprefix(job.run_id) for memo in job.memos if memo.type != "compensate"}
    said = {one.step_id.removeprefix(origin) for one in plan.of("kept", "changed")}
    assert said - {one.step_id.removeprefix(origin) for one in plan.steps if one.type == "compensate"} == handed


def _entries(tx: Transaction, run_id: str) -> list[Entry]:
    return [Entry(record) for record in history.whole_stream(tx, "default", f"run/{run_id}")]


def folds_agree(tx: Transaction, run_id: str) -> None:
    """State, memo and what is shown, at every position."""
    run: Run | None = None
    told = Memos()
    for entry in _entries(tx, run_id):
        run = folding.apply(run, entry)
        memo.take(told, entry, 0)
        shown = reading.load(tx, "default", run_id, until=entry.position)
        assert shown.state == run, entry
        outputs = {one.step_id: bytes(one.output or b"") for one in told.steps.values() if one.error is None}
        assert outputs == {
            one.step_id: bytes(one.output or b"") for one in shown.steps.values() if one.status == "completed"
        }, entry
        assert set(outputs) == {one for one, mark in run.steps.items() if mark.status == "completed"}, entry
        failed = {one for one, mark in run.steps.items() if mark.status == "failed" and mark.type in AWAITED}
        assert failed == {one.step_id for one in told.steps.values() if one.error is not None and one.awaited}, entry
        assert set(run.open) == {
            one.step_id for one in shown.steps.values() if one.status in ("waiting", "sleeping")
        }, entry


@pytest.mark.parametrize("life", range(LIVES))
async def test_at_every_position_all_folds_agree_and_plans_come_true(
    node: Node, storage: Storage, seed: int, life: int
) -> None:
    await register(node, retry=RetryPolicy(max_attempts=1, on_exhausted="pause"))
    worker = Worker(node, slots=100)

    runs = await Life(node, worker, random.Random(seed)).live()

    for run_id in runs:
        await storage.read(lambda tx, run_id=run_id: folds_agree(tx, run_id))  # type: ignore[misc]
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None
