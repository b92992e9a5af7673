"""What code tags its run with goes with what it leads to, once; and what is no tag is refused where it is said."""

from __future__ import annotations

from typing import Any

import pytest

from app.runs import tags as server
from ironflow import Context, Retry, SyncContext, events, function, rewind, tags
from ironflow.registration import registration
from ironflow.reports import StepCompleted
from ironflow.testing import run, run_blocking
from ironflow.testing.bench import Bench

ONCE = Retry(max_attempts=1, on_exhausted="fail")


@pytest.mark.parametrize("replay", [False, True])
async def test_tags_travel_once_with_what_they_lead_to(replay: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, Any]] = []

    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        ctx.tag("begun", "eu")
        await ctx.step.run("charge", lambda: ctx.tag("large"))
        await ctx.step.sleep("nap", "1h")
        ctx.tag("late", "eu")

    report = Bench.report

    def heard(self: Bench, one: Any) -> None:
        for name in ("logs_before", "logs"):
            logs = getattr(one, name, None)
            if logs is not None:
                told.append((type(one).__name__, logs.tags))
        report(self, one)

    monkeypatch.setattr(Bench, "report", heard)
    result = await run(order, {}, replay=replay)

    assert told == [
        (StepCompleted.__name__, ("begun", "eu")),
        (StepCompleted.__name__, ("large",)),
        ("RunCompleted", ("late", "eu")),
    ]
    assert result.tags == ["begun", "eu", "large", "late"]


@pytest.mark.parametrize("replay", [False, True])
def test_plain_functions_tag_from_their_threads(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    def order(ctx: SyncContext) -> None:
        ctx.tag("begun")
        ctx.step.sleep("nap", "1h")
        ctx.step.run("charge", lambda: ctx.tag("large"))

    assert run_blocking(order, {}, replay=replay).tags == ["begun", "large"]


@pytest.mark.parametrize("bad", ["", "a,b", " a", "a\n", "x" * 65, 7])
async def test_what_is_no_tag_fails_the_run_with_the_reason(bad: Any) -> None:
    @function("order", triggers=["order.placed"], retry=ONCE)
    async def order(ctx: Context) -> None:
        ctx.tag("fine", bad)

    result = await run(order, {})

    assert (result.status, result.error_code, result.tags) == ("failed", "BAD_TAG", [])


@pytest.mark.parametrize(
    ("tags", "code"),
    [(["fine", "a,b"], "BAD_TAG"), ("vip", "BAD_TAG"), ([["vip"]], "BAD_TAG"), ([*"abcdefghijk"], "TOO_MANY_TAGS")],
)
@pytest.mark.parametrize("how", ["invoke", "invoke_async"])
def test_a_child_is_given_tags_that_it_may_have_only(tags: Any, code: str, how: str) -> None:
    @function("order", triggers=["order.placed"], retry=ONCE)
    def order(ctx: SyncContext) -> None:
        getattr(ctx.step, how)("ship", 1, tags=tags)

    result = run_blocking(order, {}, functions={"ship": 1})

    assert (result.status, result.error_code, result.steps) == ("failed", code, [])


@pytest.mark.parametrize("replay", [False, True])
async def test_a_test_is_told_of_the_tags_of_child_runs(replay: bool) -> None:
    @function("order", triggers=["order.placed"])
    async def order(ctx: Context) -> None:
        await ctx.step.invoke("ship", 1, tags=["vip", "eu", "vip"])
        await ctx.step.invoke_async("archive", 1, tags=["old"])
        await ctx.step.run("charge", lambda: 1)

    result = await run(order, {}, functions={"ship": 1}, replay=replay)

    told = [(step.name, step.tags) for step in result.steps]
    assert told == [("ship", ("vip", "eu")), ("archive", ("old",)), ("charge", ())]
    assert result.tags == []


async def test_a_run_is_not_given_more_tags_than_it_may_have() -> None:
    @function("order", triggers=["order.placed"], retry=ONCE)
    async def order(ctx: Context) -> None:
        for number in range(11):
            ctx.tag(str(number), "again")

    assert (await run(order, {})).error_code == "TOO_MANY_TAGS"


async def handler(ctx: Context) -> None: ...


def test_tags_of_a_function_are_told_to_the_server() -> None:
    given = ["vip", "customer:{customer.id}", "{data.n > 1 ? 'many' : 'one'}"]

    assert list(registration(function("f", tags=given)(handler)).tags) == given


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("vip", "must be a list"),
        (["a,b"], "no tag"),
        (["{a"], "no tag"),
        ([7], "no tag"),
        ([*"abcdefghijk"], "at most 10"),
    ],
)
def test_tags_of_a_function_that_cannot_be_are_refused(tags: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        function("f", tags=tags)(handler)


def test_one_text_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="must be a list"):
        next(events.emit("x", None, tags="vip"))
    with pytest.raises(TypeError, match="must be a list"):
        next(events.emit_sync("x", None, tags="vip"))
    assert next(events.emit_sync("x", None, tags=["vip"])).body["tags"] == ["vip"]
    with pytest.raises(TypeError, match="remove must be a list"):
        next(rewind.tag_run("run_1", remove="new"))


@pytest.mark.parametrize(
    "text", ["vip", "", " a", "a ", "a,b", "ö", "a\nb", "x" * 64, "x" * 65, "{k}", "{", "a{k}b{", "\u200b", "a b"]
)
def test_the_bounds_of_tags_are_the_servers(text: str) -> None:
    assert (tags.TAGS_MAX, tags.TAG_CHARS_MAX) == (server.TAGS_MAX, server.TAG_CHARS_MAX)
    assert tags.usable(text) == server.usable(text)
