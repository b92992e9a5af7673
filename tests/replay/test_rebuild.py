"""Any sequence of commands, replayed from history, gives the tables that the committer left. Both stores."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import resources
from app.clock import ManualClock
from app.errors import IronflowError
from app.events.new_event import NewEvent
from app.history.kinds import Failure, RetryPolicy, RunCompleted, StepCompleted, StepFailed, Trigger
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from app.runs.yields import Sleep, WaitForEvent
from storage import open_storage
from tests.support.postgres import Cluster, Prepare

FUNCTIONS = ("a", "b")
RUNS = st.integers(0, 7)
SEQS = st.integers(0, 3)
RETRIES = st.sampled_from(
    [RetryPolicy(), RetryPolicy(max_attempts=1), RetryPolicy(max_attempts=2, on_exhausted="fail")]
)

COMMANDS = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(FUNCTIONS), RETRIES),
    st.tuples(st.just("emit"), st.sampled_from(["x.a", "x.b", "x"]), st.sampled_from(["", "k1", "k2"])),
    st.tuples(st.just("start"), RUNS, st.just(0)),
    st.tuples(st.just("step"), RUNS, SEQS),
    st.tuples(st.just("fail_step"), RUNS, SEQS),
    st.tuples(st.just("sleep"), RUNS, SEQS),
    st.tuples(st.just("complete"), RUNS, SEQS),
    st.tuples(st.just("fail"), RUNS, SEQS),
    st.tuples(st.just("fail_for_good"), RUNS, SEQS),
    st.tuples(st.just("release"), RUNS, SEQS),
    st.tuples(st.just("cancel"), RUNS, st.just(0)),
    st.tuples(st.just("resume"), RUNS, st.just(0)),
    st.tuples(st.just("time_out"), RUNS, st.just(0)),
    st.tuples(st.just("advance"), st.integers(1, 700), st.just(0)),
)


class Player:
    """Plays commands on a node; runs are named by the order in which they were created."""

    def __init__(self, node: Node, clock: ManualClock) -> None:
        self.node = node
        self.clock = clock
        self.runs: list[str] = []
        self.numbers = itertools.count()

    async def play(self, command: tuple[Any, ...]) -> None:
        what, first, second = command
        match what:
            case "advance":
                self.clock.advance(seconds=first)
            case "register":
                trigger = Trigger(event=f"x.{first}")
                await self.node.functions.register("default", Definition(first, triggers=(trigger,), retry=second))
            case "emit":
                emitted = await self.node.emitter.emit(
                    NewEvent("default", first, b'{"n":1}', idempotency_key=second and f"{first}/{second}")
                )
                self.runs += [run_id for run_id in emitted.run_ids if run_id not in self.runs]
            case _ if first < len(self.runs):
                await self.on_run(what, self.runs[first], second)
            case _:
                pass

    async def on_run(self, what: str, run_id: str, seq: int) -> None:
        engine = self.node.engine
        step = f"{run_id}:s{next(self.numbers) % 3}:0"
        where = ("default", run_id)
        match what:
            case "cancel":
                await engine.cancel(*where, reason="r")
            case "resume":
                await engine.resume(*where)
            case "start":
                await answered(lambda done: engine.start(*where, worker_id="w", done=done))
            case "step":
                fact = StepCompleted(step, "s", msgspec.Raw(b"[1]"), execution_seq=seq)
                await answered(lambda done: engine.step(*where, fact, done))
            case "fail_step":
                failed = StepFailed(step, "s", Failure("x"), execution_seq=seq)
                await answered(lambda done: engine.step(*where, failed, done))
            case "sleep":
                until = self.clock.now_us() + 5_000_000
                waits = [
                    Sleep(step, "s", until),
                    WaitForEvent(f"{run_id}:w:0", "w", "x.>", until, on_timeout="default"),
                ]
                event = (await self.node.runs.get(*where)).event
                await answered(engine.suspend(*where, waits, execution_seq=seq, event=event))
            case "complete":
                completed = RunCompleted(execution_seq=seq)
                await answered(lambda done: engine.complete(*where, completed, done))
            case "fail" | "fail_for_good":
                error = Failure("boom", retryable=what == "fail")
                await answered(lambda done: engine.fail(*where, execution_seq=seq, error=error, done=done))
            case "release":
                await answered(lambda done: engine.release(*where, execution_seq=seq, reason="r", done=done))
            case "time_out":
                await answered(lambda done: engine.time_out(*where, done))


async def answered(submit: Any) -> None:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    submit(lambda answer, error: future.set_exception(error) if error else future.set_result(answer))
    await future


async def tables(node: Node) -> dict[str, list[Any]]:
    return await node.storage.read(lambda tx: {name: list(noun.rows(tx)) for name, noun in node.fold.nouns.items()})


async def play(location: str, commands: list[tuple[Any, ...]], *, together: bool) -> None:
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.migrate()
        clock = ManualClock(1_764_000_000_000_000)
        node = Node(storage=storage, clock=clock, ids=Ids(clock))
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            player = Player(node, clock)
            size = 5 if together else 1
            for i in range(0, len(commands), size):
                answers = await asyncio.gather(*map(player.play, commands[i : i + size]), return_exceptions=True)
                broken = [a for a in answers if isinstance(a, BaseException) and not isinstance(a, IronflowError)]
                assert not broken, broken
            for task in running:
                task.cancel()
        await storage.write(lambda tx: None)  # what was being written when the committer ended is written now
        live = await tables(node)
        assert (await rebuild(storage, node.fold, check=True)).differing == ()
        assert await tables(node) == live
        await rebuild(storage, node.fold, check=False)
        assert await tables(node) == live
        assert (await verify(storage)).bad_position is None
    finally:
        await storage.close()


@pytest.mark.parametrize("together", [False, True])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=40))
def test_replayed_on_sqlite(new_sqlite: Callable[[], str], commands: list[tuple[Any, ...]], together: bool) -> None:
    asyncio.run(play(new_sqlite(), START + commands, together=together))


@pytest.mark.parametrize("together", [False, True])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=st.lists(COMMANDS, max_size=40))
def test_replayed_on_postgres(
    postgres: Cluster, prepare_database: Prepare, commands: list[tuple[Any, ...]], together: bool
) -> None:
    url = postgres.create_database(prepare_database)
    asyncio.run(play(url, START + commands, together=together))
    postgres.drop_database(url)


START: list[tuple[Any, ...]] = [
    ("register", "a", RetryPolicy()),
    ("register", "b", RetryPolicy(max_attempts=2, on_exhausted="fail")),
    *[("emit", f"x.{name}", "") for name in "abab"],
    *[("start", n, 0) for n in range(3)],
]
"""So that random commands meet runs in every state."""


async def test_a_row_that_history_does_not_explain_is_found(tmp_path: Path) -> None:
    location = str(tmp_path / "ironflow.db")
    await play(location, START, together=False)
    storage = await open_storage(location, resources.sql_folder())
    try:
        await storage.write(lambda tx: tx._connection.execute("update runs set status = 'completed'") and None)  # type: ignore[attr-defined]
        clock = ManualClock(0)
        node = Node(storage=storage, clock=clock, ids=Ids(clock))

        checked = await rebuild(storage, node.fold, check=True)
        assert checked.differing == ("run",)
        repaired = await rebuild(storage, node.fold, check=False)
        assert repaired.differing == ("run",)
        assert (await rebuild(storage, node.fold, check=True)).differing == ()
    finally:
        await storage.close()
