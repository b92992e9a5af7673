"""What code logs goes with what it leads to: the lines of a step, of the code between steps, and how many of them."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from ironflow import Context, Retry, StepRetry, SyncContext, function, lines
from ironflow import logger as hearing
from ironflow.testing import Logged, run, run_blocking

ONCE = Retry(max_attempts=1, on_exhausted="fail")
shop = logging.getLogger("tests.shop")


def said(logs: list[Logged]) -> list[tuple[str, str, str]]:
    return [(one.step, one.level, one.message) for one in logs]


@pytest.mark.parametrize("replay", [False, True])
async def test_lines_are_told_once_in_the_order_of_recording(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        ctx.log.info("begun", total=12.5)

        async def charge() -> None:
            ctx.log.debug("charging")
            shop.warning("slow: %s ms", 900, extra={"gateway": "g1"})

        await ctx.step.run("charge", charge)
        ctx.log.info("charged")
        await ctx.step.sleep("nap", "1h")
        shop.error("awake")
        await ctx.step.run("ship", lambda: ctx.log.info("in a thread"))
        ctx.log.warning("over")

    result = await run(order, {}, replay=replay)

    assert said(result.logs) == [
        ("", "info", "begun"),
        ("charge", "debug", "charging"),
        ("charge", "warning", "slow: 900 ms"),
        ("", "info", "charged"),
        ("", "error", "awake"),
        ("ship", "info", "in a thread"),
        ("", "warning", "over"),
    ]
    assert result.logs[0].fields == {"total": 12.5}
    assert (result.logs[2].fields, result.logs[2].logger) == ({"gateway": "g1"}, "tests.shop")


@pytest.mark.parametrize("replay", [False, True])
async def test_what_is_said_between_waits_that_ended_together_is_told_once(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        async def nap(number: int) -> None:
            ctx.log.info("before", number=number)
            await ctx.step.sleep(f"nap {number}", "1h")
            ctx.log.info("after", number=number)

        await ctx.step.map("naps", [1, 2], nap)
        ctx.step.note("woken")
        ctx.log.info("over")

    result = await run(order, {}, replay=replay)

    told = [(one.message, one.fields.get("number")) for one in result.logs]
    assert told == [("before", 1), ("before", 2), ("after", 1), ("after", 2), ("over", None)]
    assert result.notes == [("woken", None)]


@pytest.mark.parametrize("replay", [False, True])
def test_plain_functions_log_in_their_threads(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    def order(ctx: SyncContext) -> None:
        ctx.log.info("begun")
        ctx.step.run("charge", lambda: shop.warning("charging"))
        ctx.step.sleep("nap", "1h")
        ctx.logger.error("awake")

    result = run_blocking(order, {}, replay=replay)

    assert said(result.logs) == [("", "info", "begun"), ("charge", "warning", "charging"), ("", "error", "awake")]
    assert (result.logs[-1].logger, result.logs[-1].fields) == ("ironflow.order", {})


async def test_each_try_of_a_step_tells_its_own_lines_and_a_failing_run_its_last() -> None:
    tries = iter(range(1, 9))

    @function("order", triggers=["order.placed"], retry=ONCE)
    async def order(ctx: Context) -> None:
        async def charge() -> None:
            ctx.log.info("try", number=next(tries))
            raise RuntimeError("no")

        try:
            await ctx.step.run("charge", charge, retry=StepRetry(max_attempts=2, initial_delay=0))
        except Exception:
            ctx.log.exception("gave up", to="Bern")
            raise

    result = await run(order, {})

    assert said(result.logs) == [("charge", "info", "try"), ("charge", "info", "try"), ("", "error", "gave up")]
    assert result.logs[-1].fields["to"] == "Bern"
    assert "RuntimeError: no" in result.logs[-1].fields["exception"]


async def test_a_step_without_lines_tells_nothing_of_them() -> None:
    told: list[Any] = []

    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", lambda: told.append(lines.Gathered().taken()))

    assert (await run(order, {})).logs == []
    assert told == [None]


async def test_lines_of_the_standard_library_can_be_left_out() -> None:
    @function("order", triggers=["order.placed"], capture_logging=False)
    async def order(ctx: Context) -> None:
        shop.error("not heard")
        await ctx.step.run("charge", lambda: shop.error("nor this"))
        ctx.log.info("heard")

    assert said((await run(order, {})).logs) == [("", "info", "heard")]


async def test_a_call_that_does_not_fit_its_message_is_recorded_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        shop.error("%d of %d", "x")

    assert said((await run(order, {})).logs) == [("", "error", "%d of %d")]


async def test_handlers_get_every_record_as_before_and_code_outside_of_runs_is_not_heard() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    for logger in (shop, logging.getLogger("ironflow.order")):
        logger.addHandler(handler)

    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        shop.warning("by a logger")
        ctx.log.warning("by the context")

    try:
        result = await run(order, {})
        shop.warning("outside")
    finally:
        for logger in (shop, logging.getLogger("ironflow.order")):
            logger.removeHandler(handler)

    assert said(result.logs) == [("", "warning", "by a logger"), ("", "warning", "by the context")]
    assert stream.getvalue().splitlines() == ["by a logger", "by the context", "outside"]


def test_lines_have_bounds_and_what_is_cut_is_counted() -> None:
    gathered = lines.Gathered()
    for number in range(lines.LINES_MAX + 5):
        gathered.add(lines.line(number, "info", "x", {}))

    told = gathered.taken()

    assert told is not None
    assert (len(told.lines), told.dropped) == (lines.LINES_MAX, 5)
    assert gathered.taken() is None
    long = lines.line(0, "info", "é" * 5_000, {"kept": 1, "large": "y" * 9_000, "too": 2})
    assert len(long.message.encode()) == lines.MESSAGE_BYTES_MAX
    assert long.fields == b'{"kept":1,"too":2}'
    assert long.cut == 10_000 - lines.MESSAGE_BYTES_MAX + len('"large":') + 9_002
    for _ in range(lines.BYTES_MAX // lines.MESSAGE_BYTES_MAX + 9):
        gathered.add(lines.line(0, "info", "z" * lines.MESSAGE_BYTES_MAX, {}))
    full = gathered.taken()
    assert full is not None
    assert (full.size_bytes <= lines.BYTES_MAX, full.dropped > 0) == (True, True)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_values_that_are_no_json_are_told_as_text() -> None:
    told = lines.line(0, "info", "a\0b \ud800", {"set": {1}, "nan": float("nan"), "broken": Broken(), "nul": "a\0b"})

    assert told.message == "a\\0b ?"
    assert lines.line(0, "info", Broken(), {}).message == "<Broken>"
    assert told.fields == b'{"set":"{1}","nan":"<float>","broken":"<Broken>","nul":"a\\\\0b"}'


async def test_what_somebody_else_put_in_the_place_of_the_standard_library_is_handed_on_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(hearing, "_listening", False)
    monkeypatch.setattr(hearing, "_hand_on", hearing._hand_on)
    monkeypatch.setattr(logging.Logger, "callHandlers", lambda _, record: heard.append(record.getMessage()))

    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        shop.warning("slow")

    hearing.listen()
    hearing.listen()
    result = await run(order, {})

    assert said(result.logs) == [("", "warning", "slow")]
    assert heard == ["slow"]


@pytest.mark.parametrize("text", ["a\0b", r"a\u0000b", r"a\\u0000"])
async def test_a_field_with_a_nul_or_what_looks_like_one_stays_json(text: str) -> None:
    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        ctx.log.info("got", raw=text)

    result = await run(order, {})

    assert result.logs[0].fields == {"raw": text.replace("\0", r"\0")}
