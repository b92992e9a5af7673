"""What steps and handlers do, seen from the engine: which messages the worker sends, and which it does not."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

import pytest

from ironflow import Context, NonRetryableError, RetryAfterError, StepError, function
from tests.sdk.engine import Engine, Memo, working


def names(steps: list[Any]) -> list[str]:
    return [step.name for step in steps]


async def test_a_remembered_step_answers_without_running(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        old = await ctx.step.run("old", lambda: "ran again")
        new = await ctx.step.run("new", lambda: {"n": 1})
        again = await ctx.step.run("new", lambda: 2)
        return [old, new, again]

    async with working(engine, f) as stream:
        stream.assign(memo={"old": "recorded"})
        end = await stream.end_of()

    assert json.loads(end.output_json) == ["recorded", {"n": 1}, 2]
    assert [step.step_id for step in stream.of("step_completed")] == ["run_1:new:0", "run_1:new:1"]


async def test_every_report_carries_the_fence(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("good", lambda: 1)
        try:
            await ctx.step.run("bad", lambda: 1 / 0)
        except StepError:
            await ctx.step.sleep("nap", 5)

    async with working(engine, f) as stream:
        stream.assign(seq=7)
        await stream.end_of()

    assert [kind for kind, _ in stream.told] == ["job_ack", "step_completed", "step_failed", "step_yielded"]
    assert {(m.job_id, m.execution_seq, m.lease_token) for _, m in stream.told} == {("job-1", 7, "lease-7")}


async def test_names_are_escaped_in_step_ids(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        for name in ("a:b", "a\\b", "compensate:x:y", "publish:topic"):
            await ctx.step.run(name, lambda: None)

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()

    ids = [step.step_id for step in stream.of("step_completed")]
    assert ids == ["run_1:a\\:b:0", "run_1:a\\\\b:0", "run_1:compensate:x\\:y:0", "run_1:publish:topic:0"]


async def test_a_step_gives_back_what_was_recorded_from_the_first_time_on(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        return repr(await ctx.step.run("s", lambda: {1: (2, 3)}))

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert json.loads(end.output_json) == "{'1': [2, 3]}"


async def test_a_sleep_ends_the_segment_once_the_other_branches_have_come_to_rest(engine: Engine) -> None:
    async def side(ctx: Context) -> None:
        for number in range(3):
            await ctx.step.run(f"side {number}", asyncio.sleep, 0)
        await ctx.step.sleep("side nap", 60)

    @function("f")
    async def f(ctx: Context) -> Any:
        await asyncio.gather(ctx.step.sleep("nap", 60), side(ctx))

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()
        stream.assign(job="job-2", memo={"nap": None, "side nap": None, "side 0": 0, "side 1": 0, "side 2": 0})
        await stream.end_of("job-2")

    assert names(stream.of("step_completed")) == ["side 0", "side 1", "side 2"]
    assert (end.name, end.step_id) == ("nap", "run_1:nap:0")
    assert len(stream.of("step_yielded", "job_completed", "job_failed")) == 2


async def test_nothing_is_run_or_said_after_a_sleep_ended_the_segment(engine: Engine) -> None:
    cleaned: list[str] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.sleep("nap", 60)
        finally:
            await ctx.step.run("release", lambda: cleaned.append("released"))

    @function("next")
    async def following(ctx: Context) -> None: ...

    async with working(engine, f, following) as stream:
        stream.assign()
        await stream.end_of()
        stream.assign("next", job="job-2", run="run_2")
        await stream.end_of("job-2")

    assert stream.of("step_completed") == []
    assert cleaned == []


async def swallow_errors(sleep: Any) -> None:
    try:
        await sleep
    except Exception:  # noqa: BLE001 - what users write
        raise AssertionError("an except clause of the user saw the sleep") from None


async def collect_errors(sleep: Any) -> None:
    raise AssertionError(f"gather returned {await asyncio.gather(sleep, return_exceptions=True)}")


async def in_task_group(sleep: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(sleep)


async def in_background(sleep: Any) -> None:
    await asyncio.wait([asyncio.ensure_future(sleep)])
    raise AssertionError("the handler went on")


@pytest.mark.parametrize("around", [swallow_errors, collect_errors, in_task_group, in_background])
async def test_a_sleep_suspends_the_run_whatever_is_written_around_it(engine: Engine, around: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await around(ctx.step.sleep("nap", 60))

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert end.name == "nap"


async def cancelled_by_itself(ctx: Context) -> None:
    task = asyncio.ensure_future(asyncio.Event().wait())
    task.cancel()
    await task


async def leaves_the_process(ctx: Context) -> None:
    sys.exit(3)


async def raises_a_base_exception(ctx: Context) -> None:
    raise BaseException("at the bottom")


async def group_of_errors(ctx: Context) -> None:
    raise ExceptionGroup("both", [ValueError("a"), NonRetryableError("declined", code="CARD_DECLINED")])


def _fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("body", "retryable"),
    [
        (cancelled_by_itself, True),
        (leaves_the_process, True),
        (raises_a_base_exception, True),
        (group_of_errors, False),
    ],
)
async def test_however_a_handler_ends_the_run_is_told(engine: Engine, body: Any, retryable: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await body(ctx)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert end.error.message
    assert end.error.retryable is retryable


def exhausts_an_iterator() -> Any:
    return next(iter([]))


def leaves() -> None:
    sys.exit(3)


async def is_cancelled() -> None:
    await cancelled_by_itself(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [exhausts_an_iterator, leaves, is_cancelled])
async def test_however_a_step_ends_the_handler_goes_on(engine: Engine, body: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.run("s", body)
        except StepError as error:
            return type(error.__cause__).__name__

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert json.loads(end.output_json) in ("StopIteration", "SystemExit", "CancelledError")
    assert names(stream.of("step_failed")) == ["s"]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


async def test_the_report_of_a_failure_has_the_users_frames_and_no_others(engine: Engine) -> None:
    def inner() -> None:
        raise Unspeakable

    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("s", inner)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    [failed] = stream.of("step_failed")
    assert "in inner" in failed.error.stack
    assert "in f\n" in end.error.stack
    assert "sdk/ironflow/" not in failed.error.stack + end.error.stack
    assert "Unspeakable" in failed.error.message
    assert end.error.code == failed.error.code == "STEP_FAILED"


async def test_retry_after_and_non_retryable_travel_with_the_failure(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        busy = ctx.event.data == "busy"
        await ctx.step.run("s", _fail, RetryAfterError("busy", seconds=90) if busy else NonRetryableError("no"))

    async with working(engine, f) as stream:
        stream.assign(data="busy")
        later = await stream.end_of()
        stream.assign(job="job-2", run="run_2")
        never = await stream.end_of("job-2")

    assert (later.error.retryable, later.error.retry_after_ms) == (True, 90_000)
    assert never.error.retryable is False


@pytest.mark.parametrize("retryable", [True, False])
async def test_what_failed_for_good_is_not_run_again_in_the_next_attempt(engine: Engine, retryable: bool) -> None:
    ran: list[str] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            return await ctx.step.run("s", lambda: ran.append("s"))
        except StepError as error:
            return [error.code, error.retryable]

    error = {"message": "no", "code": "CARD_REFUSED", "retryable": retryable}
    async with working(engine, f) as stream:
        stream.assign(attempt=2, memo=[Memo("s", error=error, attempt=1)])
        end = await stream.end_of()

    assert json.loads(end.output_json) == (None if retryable else ["CARD_REFUSED", False])
    assert ran == (["s"] if retryable else [])


async def test_steps_that_run_side_by_side_are_recorded_before_the_failure_of_one_ends_the_run(engine: Engine) -> None:
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "kept"

    async def fail() -> None:
        release.set()
        raise ValueError("boom")

    @function("f")
    async def f(ctx: Context) -> Any:
        await asyncio.gather(ctx.step.run("slow", slow), ctx.step.run("fails", fail))

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()

    assert [kind for kind, _ in stream.told][-1] == "job_failed"
    assert names(stream.of("step_completed")) == ["slow"]


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), float("inf"), "\ud800", {"k": {1, 2}}, 10**5000, {("a", "b"): 1}],
    ids=["object", "nan", "inf", "surrogate", "set", "huge", "tuple key"],
)
async def test_a_result_that_is_no_json_fails_for_good(engine: Engine, value: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("s", lambda: value)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert (end.error.code, end.error.retryable) == ("SERIALIZATION_ERROR", False)


async def test_what_the_engine_would_not_take_fails_the_step_before_it_is_sent(engine: Engine) -> None:
    deep: Any = 1
    for _ in range(101):
        deep = [deep]
    values = {"nul": "a\0b", "deep": deep, "large": "x" * (10 * 2**20), "fine": "a\\u0000b" + "[" * 200}

    @function("f")
    async def f(ctx: Context) -> Any:
        codes = {}
        for name, value in values.items():
            try:
                await ctx.step.run(name, lambda value=value: value)
            except StepError as error:
                codes[name] = error.code
        return codes

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert json.loads(end.output_json) == {
        "nul": "SERIALIZATION_ERROR",
        "deep": "SERIALIZATION_ERROR",
        "large": "PAYLOAD_TOO_LARGE",
    }


async def test_a_timeout_inside_a_step_is_not_the_steps_own(engine: Engine) -> None:
    async def impatient() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    @function("f", step_timeout="1h")
    async def f(ctx: Context) -> Any:
        codes = []
        for body, limit in ((impatient, None), (asyncio.Event().wait, "10ms"), (threading.Event().wait, "10ms")):
            try:
                await ctx.step.run("s", body, timeout=limit)
            except StepError as error:
                codes.append((error.code, error.retryable))
        return codes

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert json.loads(end.output_json) == [["STEP_FAILED", True], ["STEP_TIMEOUT", True], ["STEP_TIMEOUT", True]]


async def test_a_step_inside_a_step_is_refused(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("outer", lambda: ctx.step.run("inner", lambda: 1))

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert (end.error.code, end.error.retryable) == ("NESTED_STEP", False)
    assert stream.of("step_completed") == []


@pytest.mark.parametrize("name", ["", None, "a\nb", "\ud800", "x" * 501])
async def test_what_cannot_name_a_step_is_refused(engine: Engine, name: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run(name, lambda: 1)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert (end.error.code, end.error.retryable) == ("INVALID_STEP", False)


async def test_more_plain_functions_than_threads_do_not_block_each_other(engine: Engine) -> None:
    gate = threading.Barrier(2, timeout=10)

    def work() -> int:
        return 1

    async def work_async() -> int:
        return 2

    @function("f")
    def f(ctx: Context) -> Any:
        step: Any = ctx.step
        gate.wait()
        return [step.run("plain", work), step.run("async", work_async), step.run("timed", work, timeout="1h")]

    async with working(engine, f, threads=2) as stream:
        for number in range(4):
            stream.assign(job=f"job-{number}", run=f"run_{number}")
        ends = [await stream.end_of(f"job-{number}") for number in range(4)]

    assert [json.loads(end.output_json) for end in ends] == [[1, 2, 1]] * 4


async def test_a_plain_function_sleeps_fails_and_retries_like_an_async_one(engine: Engine) -> None:
    @function("f")
    def f(ctx: Context) -> Any:
        step: Any = ctx.step
        with pytest.raises(StepError, match="no"):
            step.run("bad", _fail, NonRetryableError("no"))
        try:
            step.sleep("nap", "1h")
        except Exception:  # noqa: BLE001 - what users write
            raise AssertionError("an except clause of the user saw the sleep") from None
        raise KeyError("after")

    async with working(engine, f) as stream:
        stream.assign()
        first = await stream.end_of()
        stream.assign(job="job-2", memo={"nap": None})
        second = await stream.end_of("job-2")

    assert first.name == "nap"
    assert (second.error.code, second.error.message) == ("KeyError", "'after'")


async def test_a_step_offers_its_key(engine: Engine) -> None:
    from ironflow import step_key

    @function("f")
    async def f(ctx: Context) -> Any:
        inside = await ctx.step.run("s", lambda: [step_key(), ctx.step.key])
        try:
            step_key()
        except RuntimeError:
            return inside

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    import hashlib

    assert json.loads(end.output_json) == [f"step-{hashlib.sha256(b'run_1:s:0').hexdigest()}"] * 2
