"""The SDK's worker and client against a real server."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ironflow import (
    Client,
    Context,
    NonRetryableError,
    Retry,
    RetryAfterError,
    StepError,
    SyncContext,
    Worker,
    function,
    on,
    step_key,
)
from ironflow.bundle import Bundle
from ironflow.errors import Conflict, InvalidArgument, IronflowError, NotFound, ServerUnavailable
from ironflow.function import Function
from tests.support.server import ServerProcess

FAST = Retry(max_attempts=3, initial_delay=0.01, on_exhausted="fail")


@pytest.fixture
def client(server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(server.url, environment=environment) as made:
        yield made


Start = Callable[..., "Running"]


class Running:
    """A worker in a thread of the test."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        assert self._loop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.worker.stop)
        self._thread.join(20)

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._started.set()
            await self.worker.run()

        try:
            asyncio.run(run())
        except IronflowError as error:
            self.error = error


@pytest.fixture
def start(server: ServerProcess, environment: str) -> Iterator[Start]:
    running: list[Running] = []

    def begin(*functions: Function, **options: Any) -> Running:
        where = {"server": server.url, "grpc_address": server.grpc_address, "environment": environment}
        running.append(Running(Worker(list(functions), **{**where, **options})))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


def result(client: Client, name: str, data: Any = None) -> dict[str, Any]:
    """Emit until a function takes it, and wait for its run."""
    return client.runs.wait(taken(client, name, data), timeout_s=20)


def taken(client: Client, name: str, data: Any = None) -> str:
    """Emit until a function takes it; the run."""
    for _ in range(200):
        emitted = client.emit(name, data)
        if emitted.run_ids:
            return emitted.run_ids[0]
        threading.Event().wait(0.05)
    raise AssertionError("no function was registered")


def test_steps_run_once_and_their_results_are_remembered_over_attempts(client: Client, start: Start) -> None:
    calls: list[str] = []

    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> Any:
        first = await ctx.step.run("first", lambda: calls.append("first") or {"n": 1})
        again = await ctx.step.run("first", lambda: calls.append("first again") or [2])
        if ctx.attempt < 3:
            raise ValueError("not yet")
        return [first, again, ctx.attempt, ctx.event.data]

    start(f)
    run = result(client, "go", {"x": 1})

    assert (run["status"], run["output"]) == ("completed", [{"n": 1}, [2], 3, {"x": 1}])
    assert calls == ["first", "first again"]


def test_what_code_logs_is_recorded_with_its_run_and_read_line_by_line(client: Client, start: Start) -> None:
    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> None:
        ctx.log.info("begun", order={"id": 7})
        await ctx.step.run("charge", lambda: logging.getLogger("shop").warning("slow", extra={"ms": 900}))
        await ctx.step.sleep("nap", 0.01)
        ctx.log.error("over")

    start(f)
    run_id = result(client, "go")["id"]

    lines = list(client.runs.logs(run_id))
    assert [(one.step, one.level, one.message, one.fields) for one in lines] == [
        ("", "info", "begun", {"order": {"id": 7}}),
        ("charge", "warning", "slow", {"ms": 900}),
        ("", "error", "over", {}),
    ]
    assert {(one.attempt, Path(one.source).name) for one in lines} == {(1, Path(__file__).name)}
    assert (lines[1].logger, lines[1].path, lines[1].source_line) == ("shop", "charge:0", lines[0].source_line + 1)
    assert list(client.runs.logs(run_id, level="warning")) == lines[1:]
    assert list(client.runs.logs(run_id, after=lines[1].place)) == lines[2:]
    assert list(Bundle(client.runs.export(run_id)).logs()) == lines


def test_steps_side_by_side_with_gather_and_a_sleep_among_them(client: Client, start: Start) -> None:
    calls: list[str] = []

    async def work(name: str) -> str:
        calls.append(name)
        return name

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> Any:
        async def nap() -> str:
            await ctx.step.sleep("nap", 0.01)
            return "awake"

        return await asyncio.gather(ctx.step.run("a", work, "a"), nap(), ctx.step.run("b", work, "b"))

    start(f)

    assert result(client, "go")["output"] == ["a", "awake", "b"]
    assert sorted(calls) == ["a", "b"]


def test_a_plain_function_has_the_same_steps(client: Client, start: Start) -> None:
    @function("f", triggers=["go"])
    def f(ctx: Context) -> Any:
        step: Any = ctx.step
        one = step.run("one", lambda: 1)
        step.sleep("nap", 0.01)
        try:
            step.run("bad", lambda: 1 / 0)
        except StepError as error:
            return [one, type(error.__cause__).__name__]

    start(f)

    assert result(client, "go")["output"] == [1, "ZeroDivisionError"]


@pytest.mark.parametrize(
    ("raised", "code", "attempts"),
    [
        (NonRetryableError("no", code="CARD_DECLINED"), "CARD_DECLINED", 1),
        (RetryAfterError("later", seconds=0.01), "STEP_FAILED", 3),
        (ValueError("boom"), "STEP_FAILED", 3),
        (RuntimeError("\ud800 \0"), "STEP_FAILED", 3),
    ],
)
def test_how_a_step_fails_decides_whether_the_run_is_tried_again(
    client: Client, start: Start, raised: Exception, code: str, attempts: int
) -> None:
    def fail() -> None:
        raise raised

    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> None:
        await ctx.step.run("s", fail)

    start(f)
    run = result(client, "go")

    assert (run["status"], run["attempt"], run["error"]["code"]) == ("failed", attempts, code)
    [step] = client.runs.steps(run["id"])
    assert step["status"] == "failed"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (object(), "SERIALIZATION_ERROR"),
        (float("nan"), "SERIALIZATION_ERROR"),
        ("\ud800", "SERIALIZATION_ERROR"),
        ("\0", "SERIALIZATION_ERROR"),
    ],
)
def test_a_result_that_is_no_json_fails_the_run_and_never_hangs_it(
    client: Client, start: Start, value: Any, code: str
) -> None:
    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> None:
        await ctx.step.run("s", lambda: value)

    start(f)
    run = result(client, "go")

    assert (run["status"], run["attempt"], run["error"]["code"]) == ("failed", 1, code)


def test_an_error_that_cannot_be_shown_is_still_reported(client: Client, start: Start) -> None:
    @function("f", triggers=["go"], retry=Retry(max_attempts=1, on_exhausted="fail"))
    async def f(ctx: Context) -> None:
        raise Unspeakable

    start(f)

    assert "Unspeakable" in result(client, "go")["error"]["message"]


def test_a_step_that_takes_too_long_times_out(client: Client, start: Start) -> None:
    @function("f", triggers=["go"], retry=Retry(max_attempts=1, on_exhausted="fail"))
    async def f(ctx: Context) -> None:
        await ctx.step.run("s", asyncio.Event().wait, timeout=0.01)

    start(f)

    assert result(client, "go")["error"]["code"] == "STEP_TIMEOUT"


def test_a_step_has_a_key_that_stays_the_same_over_attempts(client: Client, start: Start) -> None:
    keys: list[str] = []

    def note() -> None:
        keys.append(step_key())
        if len(keys) < 2:
            raise ValueError("again")

    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> None:
        await ctx.step.run("s", note)

    start(f)
    result(client, "go")

    assert keys[0] == keys[1]
    assert keys[0].startswith("step-")


def test_an_exhausted_run_is_paused_and_goes_on_when_resumed(client: Client, start: Start) -> None:
    broken = threading.Event()

    @function("f", triggers=["go"], retry=Retry(max_attempts=1))
    async def f(ctx: Context) -> str:
        if not broken.is_set():
            raise ValueError("not mended")
        return "mended"

    start(f)
    run = result(client, "go")
    assert run["status"] == "paused"

    broken.set()
    client.runs.resume(run["id"])

    assert client.runs.wait(run["id"])["output"] == "mended"


def test_another_worker_goes_on_at_once_when_one_disappears(client: Client, start: Start) -> None:
    reached = threading.Event()
    calls: list[str] = []

    @function("f", triggers=["go"])
    async def stuck(ctx: Context) -> None:
        await ctx.step.run("a", lambda: calls.append("a"))
        reached.set()
        await asyncio.Event().wait()

    @function("f", triggers=["go"])
    async def healthy(ctx: Context) -> str:
        await ctx.step.run("a", lambda: calls.append("a"))
        return "done"

    first = start(stuck)
    waiting = threading.Thread(target=result, args=(client, "go"))
    waiting.start()
    assert reached.wait(20)
    first.worker._stopping.set()
    first.stop()
    start(healthy)
    waiting.join(20)

    [run] = client.runs.list().items
    assert run["status"] == "completed"
    assert calls == ["a"]


def test_cancelling_a_run_ends_its_task(client: Client, start: Start) -> None:
    running, ended = threading.Event(), threading.Event()

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    start(f)
    waiting = threading.Thread(target=result, args=(client, "go"))
    waiting.start()
    assert running.wait(20)
    [run] = client.runs.list().items
    cancelled = client.runs.cancel(run["id"], reason="enough")

    assert cancelled["status"] == "cancelled"
    assert ended.wait(10)
    waiting.join(20)


def test_cancelling_a_run_undoes_what_it_did_if_that_is_wanted(client: Client, start: Start) -> None:
    waiting = threading.Event()

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> None:
        await ctx.step.run("book", str)
        ctx.step.compensate("book", str)
        waiting.set()
        await ctx.step.sleep("think", "1h")

    start(f)
    run_id = taken(client, "go")
    assert waiting.wait(20)
    client.runs.cancel(run_id, compensate=True)
    run = client.runs.wait(run_id, timeout_s=20)

    assert run["status"] == "cancelled"
    assert "compensate:book" in [step["name"] for step in client.runs.steps(run_id)]


def test_a_draining_worker_finishes_what_it_has(client: Client, start: Start) -> None:
    reached, release = threading.Event(), threading.Event()

    @function("f", triggers=["go"])
    async def f(ctx: Context) -> str:
        reached.set()
        await ctx.step.run("wait", release.wait)
        return "finished"

    running = start(f)
    waiting = threading.Thread(target=result, args=(client, "go"))
    waiting.start()
    assert reached.wait(20)
    assert running._loop is not None
    running._loop.call_soon_threadsafe(running.worker.stop)
    release.set()
    running.join()
    waiting.join(20)

    [run] = client.runs.list().items
    assert client.runs.get(run["id"])["output"] == "finished"


def test_a_definition_that_the_server_refuses_ends_the_worker_with_its_words(start: Start) -> None:
    @function("f", triggers=[on("order.>", expression="nobody == 1")])
    async def f(ctx: Context) -> None: ...

    running = start(f)
    running.join()

    assert isinstance(running.error, IronflowError)
    assert "nobody" in str(running.error)
    assert running.error.code == "INVALID_ARGUMENT"


def test_the_client_tells_errors_apart(client: Client) -> None:
    with pytest.raises(NotFound) as missing:
        client.runs.get("run_nope")
    assert missing.value.code == "RUN_NOT_FOUND"
    with pytest.raises(InvalidArgument):
        client.emit("a..b")
    client.emit("a.b", 1, idempotency_key="k")
    with pytest.raises(Conflict):
        client.emit("a.b", 2, idempotency_key="k")
    with pytest.raises(ServerUnavailable, match="ironflow serve"):
        Client("http://127.0.0.1:1").health()
    answers = client.emit_batch([{"name": "a.b"}, {"name": "a..b"}])
    assert isinstance(answers[1], IronflowError)


def test_the_server_is_found_by_its_discovery_file(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ironflow import discovery

    for name in ("IRONFLOW_SERVER_URL", "IRONFLOW_API_KEY", "IRONFLOW_GRPC_ADDRESS", "IRONFLOW_ENV"):
        monkeypatch.delenv(name, raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / ".ironflow").mkdir()
    file = tmp_path / ".ironflow" / "engine.json"
    file.write_bytes((server.data_dir / "engine.json").read_bytes())
    monkeypatch.chdir(below)

    assert discovery.find().url == server.url
    assert discovery.find().grpc_address == server.grpc_address
    file.write_text('{"version": 1, "url": "http://example.com"}')
    assert discovery.find().url == discovery.DEFAULT_URL
    monkeypatch.setenv("IRONFLOW_SERVER_URL", "http://127.0.0.1:7")
    assert discovery.find().url == "http://127.0.0.1:7"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"triggers": "order.placed"}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": "soon"}, ValueError),
        ({"step_timeout": -1}, ValueError),
    ],
)
def test_options_that_make_no_sense_are_refused_where_they_are_written(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        function("f", **options)


def test_a_sleep_must_be_in_the_future_and_an_instant_have_a_zone(client: Client, start: Start) -> None:
    @function("f", triggers=["go"], retry=Retry(max_attempts=1, on_exhausted="fail"))
    async def f(ctx: Context) -> list[str]:
        told = []
        for wrong in (ctx.step.sleep("a", 0), ctx.step.sleep_until("b", datetime(2026, 1, 1))):  # noqa: DTZ001
            try:
                await wrong
            except ValueError as error:
                told.append(str(error))
        await ctx.step.sleep_until("past", datetime(2020, 1, 1, tzinfo=UTC))
        return told

    start(f)

    assert len(result(client, "go")["output"]) == 2


@pytest.mark.parametrize("asynchronous", [True, False], ids=["parked", "replayed"])
def test_a_run_that_goes_on_has_the_secrets_of_now(client: Client, start: Start, asynchronous: bool) -> None:
    seen: list[str] = []
    waits = threading.Event()

    @function("charge", triggers=["order.placed"], secrets=["KEY"])
    async def parks(ctx: Context) -> None:
        seen.append(ctx.secrets["KEY"])
        waits.set()
        await ctx.step.wait_for_event("paid", "order.paid", lookback="1m")
        seen.append(ctx.secrets["KEY"])

    @function("charge", triggers=["order.placed"], secrets=["KEY"])
    def leaves(ctx: SyncContext) -> None:
        seen.append(ctx.secrets["KEY"])
        waits.set()
        ctx.step.wait_for_event("paid", "order.paid", lookback="1m")
        seen.append(ctx.secrets["KEY"])

    client.secrets.set("KEY", "old-value")
    start(parks if asynchronous else leaves)
    run_id = taken(client, "order.placed")
    assert waits.wait(20)

    client.secrets.set("KEY", "new-value")
    client.emit("order.paid")

    assert client.runs.wait(run_id, timeout_s=20)["status"] == "completed"
    assert (seen[0], seen[-1]) == ("old-value", "new-value")
    assert len(seen) == (2 if asynchronous else 3)
