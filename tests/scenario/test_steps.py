"""Every kind of step end to end: a real server on each store, a real worker, runs in place and replayed each time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from ironflow import (
    AsyncClient,
    Context,
    InvokeError,
    NonRetryableError,
    Retry,
    StepError,
    StepRetry,
    SyncContext,
    WaitTimeout,
    function,
)
from ironflow.function import Function
from ironflow.testing import Server
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

ONCE = Retry(max_attempts=1, on_exhausted="fail")

Working = Callable[..., AbstractAsyncContextManager[AsyncClient]]


@pytest.fixture(scope="module", params=["in place", "replayed"])
def replayed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "replayed")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, replayed: bool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    database_url = None
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        database_url = cluster.create_database()
    data_dir: Path = tmp_path_factory.mktemp("steps") / "data"
    arguments = ["--always-replay"] if replayed else []
    made = ServerProcess(data_dir=data_dir, database_url=database_url, arguments=arguments)
    made.start()
    yield made
    made.close()
    if database_url is not None:
        cluster.drop_database(database_url)


@pytest.fixture
def working(server: ServerProcess) -> Working:
    """A worker in an environment of this test's own, and a client of it."""
    shown = Server(server.url, server.grpc_address, server.data_dir)
    shown.environment = f"t-{uuid.uuid4().hex[:12]}"
    return shown.working


async def outcome(client: AsyncClient, name: str, data: Any = None) -> dict[str, Any]:
    emitted = await client.emit(name, data)
    return await client.runs.wait(emitted.run_ids[0], timeout_s=30)


async def steps_of(client: AsyncClient, run: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["name"], step["type"], step["status"]) for step in await client.runs.steps(run["id"])]


async def test_a_run_waits_sleeps_and_invokes_and_begins_once_if_it_stays_in_memory(
    working: Working, replayed: bool
) -> None:
    begun: list[int] = []

    @function("child")
    async def child(ctx: Context) -> Any:
        if ctx.event.data == "fail":
            raise NonRetryableError("out of stock")
        return {"got": ctx.event.data}

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        begun.append(1)
        await ctx.step.sleep("nap", 0.05)
        got = await ctx.step.invoke(child, 7)
        try:
            await ctx.step.invoke("child", "fail")
        except InvokeError as error:
            failed = [error.function_id, error.child_run_id[:4], error.cause]
        started = await ctx.step.invoke_async(child)
        try:
            await ctx.step.wait_for_event("late", "never", timeout=0.05)
        except WaitTimeout:
            late = "late"
        default = await ctx.step.wait_for_event("default", "never", timeout=0.05, default={"plan": "free"})
        reply = await ctx.step.wait_for_event("reply", "reply.*", match="data.id", timeout="1m", lookback="1m")
        return [got, failed, started[:4], late, default, reply.name, reply.data]

    async with working([f, child]) as client:
        emitted = await client.emit("go", {"id": 5})
        await client.emit("reply.no", {"id": 6})
        await client.emit("reply.yes", {"id": 5})
        run = await client.runs.wait(emitted.run_ids[0], timeout_s=30)
        steps = await steps_of(client, run)

    assert run["status"] == "completed"
    assert run["output"] == [
        {"got": 7},
        ["child", "run_", "NON_RETRYABLE: out of stock"],
        "run_",
        "late",
        {"plan": "free"},
        "reply.yes",
        {"id": 5},
    ]
    assert steps == [
        ("nap", "sleep", "completed"),
        ("child", "invoke_function", "completed"),
        ("child", "invoke_function", "failed"),
        ("child", "invoke_function_async", "completed"),
        ("late", "wait_for_event", "timed_out"),
        ("default", "wait_for_event", "completed"),
        ("reply", "wait_for_event", "completed"),
    ]
    assert len(begun) == (8 if replayed else 1)


async def test_branches_go_on_as_their_waits_end(working: Working) -> None:
    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        async def branch(number: int) -> int:
            await ctx.step.sleep("nap", 0.1 * number + 0.01)
            return await ctx.step.run("s", lambda: number)

        mapped = await ctx.step.map("m", [3, 1, 2], branch)
        gathered = await asyncio.gather(*map(branch, [3, 1, 2]))
        return [mapped, gathered]

    async with working([f]) as client:
        run = await outcome(client, "go")

    assert run["output"] == [[3, 1, 2], [3, 1, 2]]


async def test_an_event_that_came_shortly_before_the_wait_is_found(working: Working) -> None:
    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        found = await ctx.step.wait_for_event("w", "early", where="event.data.id == 2", timeout="1m", lookback="1m")
        return found.data

    async with working([f]) as client:
        await client.emit("early", {"id": 1})
        await client.emit("early", {"id": 2})
        run = await outcome(client, "go")

    assert run["output"] == {"id": 2}


async def test_what_a_step_emits_starts_other_runs(working: Working) -> None:
    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        async def work() -> int:
            await ctx.step.emit("said.inside", 1)
            return 1

        await ctx.step.run("work", work)
        await ctx.step.emit("said.alone", 2)
        await ctx.step.publish("news", {"n": 3})
        ctx.step.note("stage", "done")
        await ctx.step.sleep("nap", 0.01)

    @function("hears", triggers=["said.*"])
    async def hears(ctx: Context) -> Any:
        async def hear() -> None:
            heard.append(ctx.event.data)
            if len(heard) == 2:
                both.set()

        await ctx.step.run("hear", hear)

    heard: list[int] = []
    both = asyncio.Event()
    async with working([f, hears]) as client:
        run = await outcome(client, "go")
        await asyncio.wait_for(both.wait(), 20)
        steps = await steps_of(client, run)

    assert sorted(heard) == [1, 2]
    assert steps == [
        ("work", "invoke", "completed"),
        ("emit:said.alone", "emit", "completed"),
        ("publish:news", "publish", "completed"),
        ("nap", "sleep", "completed"),
    ]


async def test_a_step_is_tried_again_by_its_own_policy(working: Working) -> None:
    tries: list[str] = []

    def flaky(key: str) -> int:
        tries.append(key)
        return 1 // (len(tries) - 1)

    @function("f", triggers=["go"])
    def f(ctx: SyncContext) -> Any:
        done = ctx.step.run("s", lambda: flaky(ctx.step.key), retry=StepRetry(initial_delay=0.01))
        try:
            ctx.step.run("bad", lambda: 1 / 0)
        except StepError:
            ctx.step.sleep("nap", 0.01)
        return done

    async with working([f]) as client:
        run = await outcome(client, "go")
        steps = await steps_of(client, run)

    assert (run["output"], run["attempt"]) == (1, 1)
    assert steps == [("s", "invoke", "completed"), ("bad", "invoke", "failed"), ("nap", "sleep", "completed")]
    assert len(tries) == 2
    assert len(set(tries)) == 1


@pytest.mark.parametrize("how", ["fails", "waits"])
async def test_a_saga_is_undone_in_reverse(working: Working, how: str) -> None:
    @function("saga", triggers=["go"], retry=ONCE)
    async def saga(ctx: Context) -> Any:
        for name in ("flight", "hotel"):
            await ctx.step.run(name, str, name)
            ctx.step.compensate(name, str, name)
        if how == "waits":
            await ctx.step.wait_for_event("paid", "never", timeout=0.05, on_timeout="fail")
        raise ValueError("no room")

    async with working([saga]) as client:
        run = await outcome(client, "go")
        steps = await steps_of(client, run)

    assert run["status"] == "failed"
    assert run["error"]["code"] == ("ValueError" if how == "fails" else "WAIT_TIMEOUT")
    assert [step for step in steps if step[1] != "wait_for_event"] == [
        ("flight", "invoke", "completed"),
        ("hotel", "invoke", "completed"),
        ("compensate:hotel", "compensate", "completed"),
        ("compensate:flight", "compensate", "completed"),
    ]


async def test_code_that_contradicts_history_stops_for_a_person(working: Working) -> None:
    def declared(body: Callable[[Context], Any]) -> Sequence[Function]:
        return [function("f", triggers=["go"])(body)]

    async def before(ctx: Context) -> Any:
        await ctx.step.run("s", reach)
        await ctx.step.wait_for_event("w", "go.on", timeout="1m")

    async def after(ctx: Context) -> Any:
        await ctx.step.sleep("s", 1)

    async def reach() -> None:
        reached.set()

    reached = asyncio.Event()
    async with working(declared(before)) as client:
        emitted = await client.emit("go")
        await asyncio.wait_for(reached.wait(), 20)
    async with working(declared(after)) as client:
        await client.emit("go.on")
        run = await client.runs.wait(emitted.run_ids[0], timeout_s=30)

    assert run["status"] == "paused"
    assert "recorded as invoke, but the code asks for sleep" in str(run) or "history has invoke" in str(run)


async def test_a_run_goes_on_with_another_worker_than_the_one_that_kept_it(working: Working) -> None:
    ran: list[str] = []
    reached = asyncio.Event()

    async def once() -> None:
        ran.append("once")
        reached.set()

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        await ctx.step.run("once", once)
        await ctx.step.wait_for_event("w", "go.on", timeout="1m")
        return await ctx.step.run("after", lambda: "after")

    async with working([f]) as client:
        emitted = await client.emit("go")
        await asyncio.wait_for(reached.wait(), 20)
    async with working([f]) as client:
        await client.emit("go.on")
        run = await client.runs.wait(emitted.run_ids[0], timeout_s=30)

    assert (run["status"], run["output"]) == ("completed", "after")
    assert ran == ["once"]
