"""The test kit, and by it what each kind of step gives."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ironflow import (
    Context,
    Event,
    InvokeError,
    NonRetryableError,
    Retry,
    StepError,
    StepRetry,
    SyncContext,
    WaitTimeout,
    function,
)
from ironflow.testing import Incoming, run, run_blocking

ONCE = Retry(max_attempts=1, on_exhausted="fail")


@pytest.fixture(params=[False, True], ids=["in place", "replayed"])
def replay(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("replay", [False, True])
def test_an_order_from_its_event_to_its_end(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> Any:
        charge = await ctx.step.run("charge", lambda: "really charged")
        await ctx.step.sleep("cool down", "1d")
        paid = await ctx.step.wait_for_event("paid", "payment.*", match="data.order", timeout="2d")
        shipped = await ctx.step.invoke("ship", {"order": ctx.event.data["order"]})
        await ctx.step.emit("order.done", {"charge": charge})
        return [charge, paid.name, paid.data["order"], shipped]

    result = run_blocking(
        order,
        {"order": 7},
        steps={"charge": "ch_1"},
        events=[("payment.made", {"order": 8}), Incoming("payment.made", {"order": 7}, after="30h")],
        functions={"ship": lambda given: f"shipped {given['order']}"},
        replay=replay,
    )

    assert (result.status, result.output) == ("completed", ["ch_1", "payment.made", 7, "shipped 7"])
    assert [(step.name, step.kind) for step in result.steps] == [
        ("charge", "invoke"),
        ("cool down", "sleep"),
        ("paid", "wait_for_event"),
        ("ship", "invoke_function"),
        ("emit:order.done", "emit"),
    ]
    assert result.events == [("order.done", {"charge": "ch_1"})]
    assert result.elapsed == timedelta(hours=30)


async def test_a_step_is_tried_again_by_its_own_policy(replay: bool) -> None:
    tries: list[str] = []

    async def flaky(step: Any) -> str:
        tries.append(step.key)
        if len(tries) < 3:
            raise ConnectionError("busy")
        return "done"

    @function("f")
    async def f(ctx: Context) -> Any:
        return await ctx.step.run("call", flaky, ctx.step, retry=StepRetry(initial_delay="10s", max_delay="15s"))

    result = await run(f, replay=replay)

    assert (result.output, result.attempts, len(set(tries))) == ("done", 1, 1)
    assert [step.status for step in result.named("call")] == ["failed", "failed", "completed"]
    assert result.elapsed == timedelta(seconds=25)


async def test_what_cannot_be_retried_is_not_and_the_last_try_fails_the_step(replay: bool) -> None:
    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        codes = []
        for name in ("final", "weak"):
            try:
                await ctx.step.run(name, lambda: None, retry=StepRetry(max_attempts=2))
            except StepError as error:
                codes.append((error.code, error.retryable))
        return codes

    result = await run(f, steps={"final": NonRetryableError("no", code="NO"), "weak": ValueError("x")}, replay=replay)

    assert result.output == [["NO", False], ["STEP_FAILED", True]]
    assert [step.name for step in result.steps] == ["final", "weak", "weak"]


async def test_a_wait_that_nothing_ends_gives_its_default_or_raises(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        chosen = await ctx.step.wait_for_event("choice", "chosen", timeout="1h", default={"plan": "free"})
        try:
            await ctx.step.wait_for_event("other", "chosen", timeout="2h")
        except WaitTimeout as error:
            return [chosen, error.code, error.step]

    result = await run(f, replay=replay)

    assert result.output == [{"plan": "free"}, "WAIT_TIMEOUT", "other"]
    assert result.elapsed == timedelta(hours=3)


async def test_a_wait_may_fail_the_run_for_good_past_every_except(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("book", lambda: 1)
        ctx.step.compensate("book", lambda: None)
        try:
            await ctx.step.wait_for_event("paid", "paid", timeout="1h", on_timeout="fail")
        except Exception:  # noqa: BLE001 - what users write
            await ctx.step.run("never", lambda: 1)

    result = await run(f, replay=replay)

    assert (result.status, result.error_code, result.attempts) == ("failed", "WAIT_TIMEOUT", 1)
    assert result.compensated == ["book"]


async def test_an_awaited_event_comes_as_an_event(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        found = await ctx.step.wait_for_event("any", "order.>", where="event.data.n > 1")
        assert isinstance(found, Event)
        return [found.name, found.data, found.timestamp.isoformat()]

    result = await run(f, events=[Incoming("order.a.b", {"n": 2}, after=60)], replay=replay)

    assert result.output == ["order.a.b", {"n": 2}, "2026-01-01T00:01:00+00:00"]


async def test_a_child_that_fails_is_told_with_its_cause_and_not_started_again(replay: bool) -> None:
    calls: list[Any] = []

    def child(given: Any) -> Any:
        calls.append(given)
        raise ValueError("out of stock")

    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.invoke("child", [1], timeout="1m")
        except InvokeError as error:
            await ctx.step.sleep("nap", 1)
            return [error.function_id, error.cause, error.retryable, error.child_run_id.startswith("run_")]

    result = await run(f, functions={"child": child}, replay=replay)

    assert result.output == ["child", "out of stock", False, True]
    assert calls == [[1]]


async def test_a_child_function_is_run_likewise(replay: bool) -> None:
    @function("child")
    async def child(ctx: Context) -> Any:
        await ctx.step.sleep("nap", "5m")
        return ctx.event.data * 2

    @function("parent")
    async def parent(ctx: Context) -> Any:
        started = await ctx.step.invoke_async(child, 1)
        return [await ctx.step.invoke(child, 21), started.startswith("run_")]

    result = await run(parent, functions={"child": child}, replay=replay)

    assert (result.output, result.elapsed) == ([42, True], timedelta(minutes=5))


async def test_what_a_run_writes_is_told(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        async def count() -> None:
            ctx.step.kv("stock").incr("n", 2)

        await ctx.step.run("count", count)
        await ctx.step.sleep("nap", 1)
        await ctx.step.kv("stock").put("a", {"n": 1})
        await ctx.step.kv("stock").delete("b")

    result = await run(f, replay=replay)

    assert result.writes == [
        ("incr", "stock", "n", 2),
        ("put", "stock", "a", {"n": 1}),
        ("delete", "stock", "b", None),
    ]
    assert [step.name for step in result.steps] == ["count", "nap", "kv:stock/a", "kv:stock/b"]


async def test_events_of_a_step_go_with_its_result_or_not_at_all(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        def good() -> int:
            ctx.step.emit("thread.said", 1)
            return 1

        async def bad() -> None:
            await ctx.step.emit("never.said")
            raise ValueError

        async def also_good() -> None:
            await ctx.step.emit("task.said")
            await ctx.step.publish("news", {"n": 1})

        await ctx.step.run("good", good)
        with pytest.raises(StepError):
            await ctx.step.run("bad", bad)
        await ctx.step.run("also good", also_good)
        await ctx.step.publish("news", {"n": 2})

    result = await run(f, replay=replay)

    assert result.events == [("thread.said", 1), ("task.said", None)]
    assert result.messages == [("news", {"n": 1}), ("news", {"n": 2})]
    assert [step.name for step in result.steps if step.kind != "invoke"] == ["publish:news"]


async def test_notes_are_told_once_though_the_code_passes_them_again(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        ctx.step.note("stage", "begun")
        await ctx.step.run("a", lambda: ctx.step.note("inside", 1))
        await ctx.step.set_state("stage", "charged")
        await ctx.step.sleep("nap", 5)
        ctx.step.note("stage", "done")

    result = await run(f, replay=replay)

    assert result.notes == [("stage", "begun"), ("inside", 1), ("stage", "charged"), ("stage", "done")]


async def test_branches_have_step_ids_of_their_own_and_results_in_order(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        async def branch(number: int) -> int:
            await ctx.step.sleep("nap", 10 - number)
            return await ctx.step.run("s", lambda: number)

        mapped = await ctx.step.map("each", [0, 1, 2], branch)
        both = await ctx.step.parallel(
            "two:fold", [lambda: ctx.step.run("s", lambda: "a"), lambda step: step.run("s", lambda: "b")]
        )
        return [mapped, both, await ctx.step.parallel("none", [])]

    result = await run(f, replay=replay)

    assert result.output == [[0, 1, 2], ["a", "b"], []]
    assert [step.id for step in result.named("s")] == [
        "run_test:each:2:s:0",
        "run_test:each:1:s:0",
        "run_test:each:0:s:0",
        "run_test:two\\:fold:0:s:0",
        "run_test:two\\:fold:1:s:0",
    ]


@pytest.mark.parametrize("concurrency", [1, 2, 3, None])
async def test_so_many_branches_go_on_side_by_side(replay: bool, concurrency: int | None) -> None:
    going = most = 0

    @function("f")
    async def f(ctx: Context) -> Any:
        async def branch(number: int) -> int:
            async def work() -> int:
                nonlocal going, most
                going += 1
                most = max(most, going)
                await asyncio.sleep(0.001)
                going -= 1
                return number

            return await ctx.step.run("s", work)

        return await ctx.step.map("each", range(7), branch, concurrency=concurrency)

    result = await run(f, replay=replay)

    assert result.output == list(range(7))
    assert most == (concurrency or 7)


async def test_the_first_failure_by_index_is_raised_once_what_was_begun_has_come_to_rest(replay: bool) -> None:
    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        async def slow(name: str) -> None:
            await ctx.step.run(name, asyncio.sleep, 0.01)
            raise ValueError(name)

        async def waits() -> None:
            try:
                await ctx.step.sleep("for long", "30d")
            finally:
                await ctx.step.run("clean up", lambda: 1)

        async def quick() -> None:
            raise KeyError("quick")

        branches = [waits, lambda: slow("one"), quick, lambda: slow("never begun")]
        try:
            await ctx.step.parallel("p", branches, concurrency=3)
        except ValueError as error:
            return str(error)

    result = await run(f, replay=replay)

    assert result.output == "one"
    assert [step.name for step in result.steps] == ["one", "clean up"]
    assert result.elapsed == timedelta(0)


async def test_what_goes_on_beside_a_failed_branch_finds_its_own_results(replay: bool) -> None:
    """In a replay there is more to go on with when the branch fails: other branches may not get ahead by it."""

    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        async def fails() -> Any:
            async def fail() -> None:
                raise NonRetryableError("no")

            with pytest.raises(NonRetryableError):
                await ctx.step.parallel("p", [fail, lambda: ctx.step.wait_for_event("w", "never", timeout="1h")])
            return await ctx.step.invoke("child", "after the failure")

        async def sleeps() -> Any:
            await ctx.step.sleep("nap", 1)
            return await ctx.step.invoke("child", "after the nap")

        async def works() -> Any:
            await ctx.step.run("work", asyncio.sleep, 0.001)
            return await ctx.step.invoke("child", "after the work")

        return await asyncio.gather(fails(), sleeps(), works())

    result = await run(f, functions={"child": lambda given: given}, replay=replay)

    assert result.output == ["after the failure", "after the nap", "after the work"]


async def test_errors_are_collected_in_their_places(replay: bool) -> None:
    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        async def branch(number: int) -> int:
            await ctx.step.sleep("nap", 1)
            if number == 1:
                raise ValueError("one")
            return number

        found = await ctx.step.map("each", range(3), branch, on_error="collect")
        return [repr(one) for one in found]

    result = await run(f, replay=replay)

    assert result.output == ["0", "ValueError('one')", "2"]


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"on_error": "ignore"}])
async def test_options_that_make_no_sense_fail_for_good(options: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.parallel("p", [], **options)

    assert (await run(f)).error_code == "INVALID_STEP"


async def test_waits_side_by_side_end_one_by_one_and_the_others_go_on(replay: bool) -> None:
    order: list[str] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        async def nap(name: str, hours: int) -> str:
            await ctx.step.sleep(name, hours * 3600)
            result = await ctx.step.run("wake", lambda: order.append(name) or name)
            return str(result)

        return await asyncio.gather(
            nap("c", 3), nap("a", 1), nap("b", 2), ctx.step.wait_for_event("w", "e", timeout="4h", default="none")
        )

    result = await run(f, replay=replay)

    assert result.output == ["c", "a", "b", "none"]
    assert order == ["a", "b", "c"]
    assert [step.id for step in result.named("wake")] == [f"run_test:wake:{n}" for n in range(3)]
    assert result.elapsed == timedelta(hours=4)


async def test_whichever_of_two_waits_ends_first_wins(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        reply = asyncio.ensure_future(ctx.step.wait_for_event("reply", "replied"))
        bored = asyncio.ensure_future(ctx.step.sleep("bored", "1h"))
        done, pending = await asyncio.wait({reply, bored}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await ctx.step.sleep("more", "2h")
        return "replied" if reply in done else "bored"

    late = await run(f, events=[Incoming("replied", after="90m")], replay=replay)
    early = await run(f, events=[Incoming("replied", after="30m")], replay=replay)

    assert (late.output, early.output) == ("bored", "replied")
    assert (late.elapsed, early.elapsed) == (timedelta(hours=3), timedelta(hours=2.5))


async def test_steps_in_a_task_group_are_given_up_together(replay: bool) -> None:
    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        await ctx.step.sleep("first", 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.step.sleep("for long", "9d"))
            group.create_task(ctx.step.run("bad", lambda: 1 / 0))

    result = await run(f, replay=replay)

    assert (result.status, result.error_code) == ("failed", "STEP_FAILED")
    assert result.elapsed == timedelta(seconds=1)


async def test_a_saga_is_undone_in_reverse_when_the_run_fails_for_good(replay: bool) -> None:
    undone: list[str] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        for name in ("flight", "hotel", "car"):
            await ctx.step.run(name, str, name)
            ctx.step.compensate(name, undone.append, name)
        await ctx.step.sleep("nap", 1)
        raise NonRetryableError("card declined", code="DECLINED")

    result = await run(f, replay=replay)

    assert (result.status, result.error_code) == ("failed", "DECLINED")
    assert undone == ["car", "hotel", "flight"]
    assert result.compensated == undone


async def test_a_compensation_is_tried_again_and_a_failing_one_keeps_none_from_running(replay: bool) -> None:
    tries: list[str] = []

    async def refuse(ctx: Context) -> None:
        tries.append("refuse")
        await ctx.step.sleep("not here", 1)

    def fail() -> None:
        tries.append("fail")
        raise ValueError("down")

    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        ctx.step.compensate("first", lambda: None)
        ctx.step.compensate("second", fail, retry=StepRetry(max_attempts=2))
        ctx.step.compensate("third", refuse, ctx)
        raise ValueError("boom")

    result = await run(f, replay=replay)

    assert (result.status, result.error) == ("failed", "boom")
    assert tries == ["refuse", "fail", "fail"]
    assert result.compensated == ["first"]
    assert [(step.name, step.status) for step in result.steps] == [
        ("compensate:third", "failed"),
        ("compensate:second", "failed"),
        ("compensate:second", "failed"),
        ("compensate:first", "completed"),
    ]


async def test_a_cancelled_run_undoes_what_it_did_after_branches_were_given_up(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        async def fail() -> None:
            raise ValueError

        with pytest.raises(ValueError):
            await ctx.step.parallel("p", [lambda: ctx.step.sleep("for long", "9d"), fail])
        await ctx.step.run("late", lambda: 1)
        ctx.step.compensate("late", lambda: 1)
        await ctx.step.sleep("nap", 60)

    result = await run(f, cancel_at="nap", replay=replay)

    assert (result.status, result.compensated) == ("cancelled", ["late"])


async def test_what_still_waits_does_not_suspend_a_run_that_is_being_undone(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("s", lambda: 1)
        ctx.step.compensate("s", asyncio.sleep, 0.001)
        ctx.step.compensate("t", asyncio.sleep, 0.001)

        async def fail() -> None:
            await ctx.step.sleep("short", 1)
            raise NonRetryableError("no")

        await asyncio.gather(ctx.step.sleep("for long", "9d"), fail())

    result = await run(f, replay=replay)

    assert (result.status, result.elapsed) == ("failed", timedelta(seconds=1))
    assert result.compensated == ["t", "s"]


def test_a_plain_function_that_fails_on_its_way_out_of_a_wait_waits(replay: bool) -> None:
    @function("f", retry=ONCE)
    def f(ctx: SyncContext) -> Any:
        ctx.step.compensate("s", lambda: None)
        try:
            ctx.step.sleep("nap", 60)
        finally:
            if ctx.step.run("look", lambda: 1):
                raise ValueError("after")

    result = run_blocking(f, replay=replay)

    assert (result.elapsed, result.error, result.compensated) == (timedelta(minutes=1), "after", ["s"])


async def test_nothing_is_undone_while_the_run_may_still_succeed(replay: bool) -> None:
    @function("f", retry=Retry(max_attempts=2, on_exhausted="pause"))
    async def f(ctx: Context) -> Any:
        ctx.step.compensate("s", lambda: None)
        raise ValueError("boom")

    result = await run(f, replay=replay)

    assert (result.status, result.attempts, result.steps) == ("paused", 2, [])


async def test_a_cancelled_run_takes_no_step_but_its_compensations(replay: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("book", lambda: 1)
        ctx.step.compensate("book", lambda: None)
        try:
            await ctx.step.sleep("nap", "1d")
        finally:
            await ctx.step.run("never", lambda: 1)

    result = await run(f, cancel_at="nap", replay=replay)

    assert result.status == "cancelled"
    assert [step.name for step in result.steps] == ["book", "compensate:book"]


def test_a_plain_function_has_the_same_steps(replay: bool) -> None:
    @function("f", triggers=["go"])
    def f(ctx: SyncContext) -> Any:
        step = ctx.step
        step.note("stage", 1)
        first = step.run("flaky", lambda: 1 / 0 if step.note("try") else 1, retry=StepRetry())
        step.sleep("nap", "1h")
        found = step.wait_for_event("w", "e", timeout="1h", default="none")
        child = step.invoke("child", 1)

        def branch(number: int) -> int:
            step.sleep("nap", number + 1)
            return int(step.run("s", lambda: number))

        mapped = step.map("each", range(3), branch, concurrency=2)
        with pytest.raises(ValueError):
            step.parallel("p", [lambda: step.sleep("for long", "9d"), lambda: int("x")])
        step.emit("done")
        step.publish("topic", 1)
        return [first, found, child, mapped, ctx.event.name]

    result = run_blocking(f, functions={"child": 2}, replay=replay)

    assert (result.status, result.output) == ("completed", [1, "none", 2, [0, 1, 2], "go"])
    assert (result.events, result.messages) == ([("done", None)], [("topic", 1)])
    assert [step.name for step in result.named("s")] == ["s"] * 3


def test_a_plain_function_is_undone_when_it_is_cancelled(replay: bool) -> None:
    @function("f")
    def f(ctx: SyncContext) -> Any:
        ctx.step.run("book", lambda: 1)
        ctx.step.compensate("book", lambda: None)
        try:
            ctx.step.sleep("nap", "1d")
        finally:
            ctx.step.run("never", lambda: 1)

    result = run_blocking(f, cancel_at="nap", replay=replay)

    assert result.status == "cancelled"
    assert [step.name for step in result.steps] == ["book", "compensate:book"]


async def test_secrets_are_given_and_not_shown() -> None:
    @function("f", secrets=["KEY"])
    async def f(ctx: Context) -> Any:
        return [ctx.secrets["KEY"], repr(ctx), repr(ctx.secrets)]

    key, *shown = (await run(f, secrets={"KEY": "s3cret"})).output

    assert key == "s3cret"
    assert "s3cret" not in str(shown)


async def test_a_secret_that_is_not_declared_is_missed_in_a_test_too() -> None:
    @function("f", secrets=["KEY"], retry=ONCE)
    async def f(ctx: Context) -> Any:
        return ctx.secrets["OTHER"]

    with pytest.raises(ValueError, match="OTHER"):
        await run(f, secrets={"KEY": "s3cret", "OTHER": "x"})
    result = await run(f, secrets={"KEY": "s3cret"})
    assert "no secret 'OTHER' here: declare it" in result.error


async def test_what_the_test_forgot_is_said() -> None:
    @function("f", retry=ONCE)
    async def f(ctx: Context) -> Any:
        await ctx.step.invoke("child")

    result = await run(f)

    assert "functions={…}" in result.error
    with pytest.raises(KeyError, match="'child'"):
        result.step("other")
