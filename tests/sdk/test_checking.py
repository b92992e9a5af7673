"""Replay check: what counts as a divergence, where it is, and that nothing is done meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from ironflow import Context, NonRetryableError, StepError, SyncContext, function
from ironflow.testing import BadRecording, Verdict, check, checks, recording

RUN = "run_0123456789abcdefghjkmnpqrs"


def recorded(*steps: dict[str, Any], data: Any = None, **more: Any) -> dict[str, Any]:
    """A recording of function `order`, completed unless told otherwise."""
    return {
        "schema": "ironflow.recording/v1",
        "run_id": RUN,
        "function_id": "order",
        "function_version": 1,
        "status": "completed",
        "attempt": 1,
        "max_attempts": 1,
        "on_exhausted": "pause",
        "event": {"id": "evt_1", "name": "order.placed", "data": data, "timestamp": "2026-01-01T00:00:00Z"},
        "steps": list(steps),
        "output": None,
        "error": None,
        **more,
    }


def step(path: str, output: Any = None, kind: str = "invoke") -> dict[str, Any]:
    path = path if path[-1].isdigit() else f"{path}:0"
    name = path.split(":")[-2]
    return {"id": f"{RUN}:{path}", "name": name, "type": kind, "status": "completed", "output": output}


def failed(path: str, message: str, kind: str = "invoke", **more: Any) -> dict[str, Any]:
    error = {"message": message, "code": "STEP_FAILED", "retryable": True, **more}
    told = {**step(path, kind=kind), "status": "failed", "error": error, "attempt": 1}
    del told["output"]
    return told


def never(*_: Any) -> None:
    raise AssertionError("a replay runs no step")


@function("order")
async def order(ctx: Context) -> Any:
    charge = await ctx.step.run("charge", never, ctx.event.data)
    await ctx.step.sleep("cool down", "1d")
    paid = await ctx.step.wait_for_event("paid", "payment.*")
    sent = await ctx.step.invoke("ship", {"charge": charge})
    await ctx.step.emit("order.done", {"sent": sent})
    return [charge, paid.name, sent]


@function("order")
def plain_order(ctx: SyncContext) -> Any:
    charge = ctx.step.run("charge", never, ctx.event.data)
    ctx.step.sleep("cool down", "1d")
    paid = ctx.step.wait_for_event("paid", "payment.*")
    sent = ctx.step.invoke("ship", {"charge": charge})
    ctx.step.emit("order.done", {"sent": sent})
    return [charge, paid.name, sent]


PAID = {"id": "evt_2", "name": "payment.made", "data": 1, "timestamp": "2026-01-01T00:00:00Z"}
STEPS = (
    step("charge", "ch_1"),
    step("cool down", kind="sleep"),
    step("paid", PAID, kind="wait_for_event"),
    step("ship", "track 3", kind="invoke_function"),
    step("emit\\:order.done", kind="emit"),
)
OUTPUT = ["ch_1", "payment.made", "track 3"]


def line_of(fn: Any, text: str) -> str:
    """`file:line` of the first line of the function that has the text."""
    lines, first = inspect.getsourcelines(fn.handler)
    number = next(n for n, line in enumerate(lines) if text in line)
    return f"tests/sdk/test_checking.py:{first + number}"


@pytest.mark.parametrize("code", [order, plain_order], ids=["async", "plain"])
def test_unchanged_code_takes_the_recorded_steps_and_runs_none(code: Any) -> None:
    assert check(code, recorded(*STEPS, output=OUTPUT)) == Verdict(RUN, "order", "same")


@pytest.mark.parametrize("code", [order, plain_order], ids=["async", "plain"])
def test_a_step_that_history_does_not_have_is_shown_with_both_sides_and_its_line(code: Any) -> None:
    verdict = check(code, recorded(STEPS[0], step("pack"), *STEPS[1:], output=OUTPUT))

    assert (verdict.outcome, verdict.recorded) == ("diverged", "step 'pack' (invoke)")
    assert verdict.requested == "the end: returned " + json.dumps(OUTPUT, separators=(",", ":"))

    verdict = check(code, recorded(step("pack"), *STEPS[1:], output=OUTPUT))

    assert (verdict.recorded, verdict.requested) == ("step 'pack' (invoke)", "step 'charge' (invoke)")
    assert verdict.location == line_of(code, '"charge"')


def test_a_step_of_another_kind_or_for_another_event_diverges() -> None:
    kind = check(order, recorded(step("charge", kind="sleep"), *STEPS[1:], output=OUTPUT))
    event = check(
        order, recorded(*STEPS[:2], step("paid", {**PAID, "name": "refund.made"}, "wait_for_event"), *STEPS[3:])
    )

    assert (kind.recorded, kind.requested) == ("step 'charge' as sleep", "step 'charge' as invoke")
    assert kind.location == line_of(order, '"charge"')
    assert (event.recorded, event.requested) == (
        "step 'paid' as wait_for_event refund.made",
        "step 'paid' as wait_for_event payment.*",
    )


@pytest.mark.parametrize("code", [order, plain_order], ids=["async", "plain"])
def test_a_completed_run_that_would_go_on_or_return_something_else_diverges(code: Any) -> None:
    on = check(code, recorded(*STEPS[:4], output=OUTPUT))
    other = check(code, recorded(*STEPS, output="nothing"))

    assert (on.outcome, on.recorded) == ("diverged", 'the end: returned ["ch_1","payment.made","track 3"]')
    assert on.requested == "step 'emit:order.done' (emit)"
    assert (other.outcome, other.recorded) == ("diverged", 'the end: returned "nothing"')
    assert check(code, recorded(*STEPS, output="nothing"), ignore_output=True).outcome == "same"


@pytest.mark.parametrize("code", [order, plain_order], ids=["async", "plain"])
@pytest.mark.parametrize("count", range(5))
def test_an_unfinished_run_is_the_same_as_far_as_it_got(code: Any, count: int) -> None:
    assert check(code, recorded(*STEPS[:count], status="waiting")).outcome == "same"
    assert check(code, recorded(*STEPS[:count], step("pack"), status="waiting")).outcome == "diverged"


def test_a_run_that_failed_ends_the_same_or_is_changed_by_a_mended_function() -> None:
    @function("order")
    async def raises(ctx: Context) -> Any:
        price = await ctx.step.run("price", never)
        raise ValueError(f"no currency in {price}")

    @function("order")
    async def mended(ctx: Context) -> Any:
        await ctx.step.run("price", never)
        return await ctx.step.run("charge", never)

    error = {"message": "no currency in 7", "code": "ValueError"}
    run = recorded(step("price", 7), status="failed", error=error)

    assert check(raises, run).outcome == "same"
    changed = check(mended, run)
    assert (changed.outcome, changed.passed) == ("changed", True)
    assert (changed.recorded, changed.requested) == ("the end: failed: no currency in 7", "step 'charge' (invoke)")
    assert changed.location == line_of(mended, '"charge"')
    assert check(raises, recorded(step("price", 7))).location == line_of(raises, "raise ValueError")


def test_a_step_that_failed_fails_in_the_replay() -> None:
    @function("order")
    async def catches(ctx: Context) -> Any:
        try:
            await ctx.step.run("charge", never)
        except StepError as error:
            return str(error)

    assert check(catches, recorded(failed("charge", "declined"), output="declined")).outcome == "same"
    error = {"message": "declined", "code": "STEP_FAILED"}
    assert check(order, recorded(failed("charge", "declined"), status="paused", error=error)).outcome == "same"


def test_side_by_side_steps_are_told_in_their_recorded_order() -> None:
    @function("order")
    async def race(ctx: Context) -> Any:
        order: list[str] = []

        async def branch(name: str) -> None:
            await ctx.step.run(name, never)
            order.append(name)

        await ctx.step.map("both", ["a", "b", "c"], branch)
        return order

    steps = [step(f"both:{n}:{name}:0") for n, name in ((2, "c"), (0, "a"), (1, "b"))]

    assert check(race, recorded(*steps, output=["c", "a", "b"])).outcome == "same"
    assert check(race, recorded(*steps[::-1], output=["c", "a", "b"])).outcome == "diverged"
    assert check(race, recorded(*steps[:2], status="running")).outcome == "same"


def test_a_wait_that_was_given_up_beside_a_failure_is_no_divergence() -> None:
    @function("order")
    async def gives_up(ctx: Context) -> Any:
        async def waits() -> None:
            await ctx.step.wait_for_event("paid", "payment.made")

        async def fails() -> None:
            await ctx.step.run("charge", never)

        try:
            await ctx.step.parallel("both", [waits, fails])
        except StepError:
            return "given up"

    assert check(gives_up, recorded(failed("both:1:charge:0", "declined"), output="given up")).outcome == "same"


def test_what_was_undone_is_not_undone_again() -> None:
    @function("order")
    async def saga(ctx: Context) -> Any:
        await ctx.step.run("charge", never)
        ctx.step.compensate("charge", never)
        raise NonRetryableError("sold out")

    error = {"message": "sold out", "code": "NON_RETRYABLE"}
    undone = recorded(step("charge"), step("compensate:charge", kind="compensate"), status="failed", error=error)
    before = recorded(step("charge"), status="failed", error=error)

    assert check(saga, undone).outcome == "same"
    assert check(saga, before).requested == "step 'compensate:charge' (compensate)"


def test_code_that_comes_to_no_end_is_an_error() -> None:
    @function("order")
    async def hangs(ctx: Context) -> Any:
        await asyncio.Event().wait()

    async def verdicts() -> list[Verdict]:
        return [one async for one in checks([hangs], [recording.of(recorded())], limit_s=0.05)]

    [verdict] = asyncio.run(verdicts())

    assert (verdict.outcome, verdict.passed) == ("error", False)


def test_a_run_of_a_function_that_is_not_there_is_an_error() -> None:
    async def verdicts() -> list[Verdict]:
        return [one async for one in checks([], [recording.of(recorded())])]

    [verdict] = asyncio.run(verdicts())

    assert (verdict.outcome, verdict.recorded) == ("error", "a run of 'order'")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.pop("schema"), "schema"),
        (lambda told: told.update(event=7), "event"),
        (lambda told: told["steps"].append({"name": "x"}), "steps[0].id"),
        (lambda told: told.update(error="x"), "error"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_line_and_the_field(
    change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    told = recorded()
    change(told)

    with pytest.raises(BadRecording, match="line 3: ") as refused:
        list(recording.read([json.dumps(recorded()), "", json.dumps(told)]))

    assert message in str(refused.value)
