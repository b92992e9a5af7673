"""What the worker says on the wire of waits, of executions that it parks, and of runs that end from outside."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ironflow import Context, InvokeError, NonRetryableError, StepError, StepRetry, SyncContext, WaitTimeout, function
from ironflow.body import key_of
from ironflow.v1 import worker_pb2
from tests.sdk.engine import Engine, Memo, working


def waits_of(end: Any) -> list[tuple[str, str]]:
    return [(one.WhichOneof("yield_info"), one.step_id) for one in (end, *end.also)]


async def test_a_wait_for_an_event_says_all_that_was_asked(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.wait_for_event(
            "w", "order.*", match="data.id", match_value=7, timeout="1d", lookback="5s", payload={"ask": 1}
        )

    @function("g")
    async def g(ctx: Context) -> Any:
        await ctx.step.wait_for_event("w", "order.paid", where="event.data.ok", default=[1])

    @function("h")
    async def h(ctx: Context) -> Any:
        await ctx.step.wait_for_event("w", "order.paid", where="event.data.n > 1", on_timeout="fail")

    async with working(engine, f, g, h) as stream:
        for job, name in (("job-1", "f"), ("job-2", "g"), ("job-3", "h")):
            stream.assign(name, job=job, run=f"run_{name}")
        first, second, third = [(await stream.end_of(f"job-{n}")).wait_event for n in (1, 2, 3)]

    assert (first.event_name, first.match_expression, first.match_value) == ("order.*", "data.id", "7")
    assert (first.lookback_ms, json.loads(first.payload_json), first.on_timeout) == (5_000, {"ask": 1}, "error")
    assert first.timeout.seconds > 0
    assert (second.match_expression, second.on_timeout) == ("event.data.ok == true", "default")
    assert json.loads(second.default_json) == [1]
    assert (third.match_expression, third.on_timeout) == ("event.data.n > 1", "fail")


@pytest.mark.parametrize(
    "options",
    [
        {"match": "data.id", "where": "event.data.ok"},
        {"match_value": 1},
        {"match": "data.id", "match_value": [1]},
        {"on_timeout": "explode"},
        {"default": object()},
    ],
)
async def test_a_wait_that_makes_no_sense_fails_for_good(engine: Engine, options: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.wait_for_event("w", "e", **options)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert end.error.retryable is False
    assert end.error.code in ("INVALID_STEP", "SERIALIZATION_ERROR")


async def test_invocations_are_told_and_their_failures_remembered(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        started = await ctx.step.invoke_async("later", {"n": 1}, tags=["old"])
        try:
            await ctx.step.invoke(g, "input", timeout="2s", tags=["vip", "eu"])
        except InvokeError as error:
            return [started, error.function_id, error.child_run_id, error.cause]

    @function("g")
    async def g(ctx: Context) -> Any: ...

    failed = Memo("g", kind="invoke_function", error={"function_id": "g", "child_run_id": "run_9", "cause": "broke"})
    async with working(engine, f, g) as stream:
        stream.assign()
        first = await stream.end_of()
        memo = [Memo("later", {"run_id": "run_8"}, kind="invoke_function_async")]
        stream.assign(job="job-2", memo=memo)
        second = await stream.end_of("job-2")
        stream.assign(job="job-3", memo=[*memo, failed])
        third = await stream.end_of("job-3")

    assert (first.name, first.invoke_function_async.function_id) == ("later", "later")
    assert json.loads(first.invoke_function_async.input_json) == {"n": 1}
    assert (first.invoke_function_async.tags, second.invoke_function.tags) == (["old"], ["vip", "eu"])
    assert (second.step_id, second.invoke_function.invoke_timeout_ms) == ("run_1:g:0", 2_000)
    assert json.loads(third.output_json) == ["run_8", "g", "run_9", "broke"]


async def test_waits_side_by_side_are_told_at_once_in_an_order_of_their_own(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        async def branch(number: int) -> None:
            await ctx.step.sleep("nap", 60)

        await asyncio.gather(
            ctx.step.sleep("z", 60), ctx.step.map("m", range(11), branch), ctx.step.wait_for_event("a", "e")
        )

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    branches = [("sleep", f"run_1:m:{n}:nap:0") for n in range(11)]
    assert waits_of(end) == [("wait_event", "run_1:a:0"), *branches, ("sleep", "run_1:z:0")]
    assert end.parked


async def test_a_parked_execution_goes_on_in_place_with_its_new_fence(engine: Engine) -> None:
    begun: list[int] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        begun.append(1)

        async def wake(name: str) -> str:
            await ctx.step.sleep(name, 60)
            return await ctx.step.run("wake", lambda: name)

        return await asyncio.gather(wake("a"), wake("b"))

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        stream.assign(job="job-2", seq=2, resumes="job-1", memo={"b": None})
        second = await stream.end_of("job-2")
        stream.assign(job="job-3", seq=3, resumes="job-2", memo={"a": None})
        third = await stream.end_of("job-3")

    assert waits_of(second) == [("sleep", "run_1:a:0")]
    assert json.loads(third.output_json) == ["a", "b"]
    assert [(step.job_id, step.step_id, step.execution_seq) for step in stream.of("step_completed")] == [
        ("job-2", "run_1:wake:0", 2),
        ("job-3", "run_1:wake:1", 3),
    ]
    assert len(stream.of("job_ack")) == 3
    assert begun == [1]


async def test_a_parked_execution_takes_no_slot(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.sleep("nap", 60)

    async with working(engine, f, max_concurrent_jobs=1) as stream:
        for number in range(3):
            stream.assign(job=f"job-{number}", run=f"run_{number}")
            await stream.end_of(f"job-{number}")
        for number in range(3):
            stream.assign(job=f"next-{number}", run=f"run_{number}", resumes=f"job-{number}", memo={"nap": None}, seq=2)
            await stream.end_of(f"next-{number}")

    assert stream.of("job_nack") == []


async def test_what_is_not_parked_any_more_is_asked_for_anew(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.sleep("nap", 60)

    async with working(engine, f, parked_runs_max=1) as stream:
        for number in (1, 2):
            stream.assign(job=f"job-{number}", run=f"run_{number}")
            await stream.end_of(f"job-{number}")
        [told] = await stream.told_of("job_nack")
        stream.assign(job="job-3", run="run_1", resumes="job-1", memo={"nap": None}, seq=2)
        _, nack = await stream.told_of("job_nack", count=2)
        stream.assign(job="job-4", run="run_2", resumes="job-2", memo={"nap": None}, seq=2)
        kept = await stream.end_of("job-4")

    assert (told.job_id, told.run_id, told.reason) == ("job-1", "run_1", worker_pb2.JOB_NACK_REASON_NOT_PARKED)
    assert (nack.job_id, nack.execution_seq) == ("job-3", 2)
    assert nack.reason == worker_pb2.JOB_NACK_REASON_NOT_PARKED
    assert kept.output_json == b"null"


async def test_a_run_that_is_cancelled_while_it_is_parked_is_dropped(engine: Engine) -> None:
    cleaned = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.sleep("nap", 60)
        finally:
            cleaned.set()

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        stream.send(cancel=worker_pb2.CancelJob(job_id="job-1", reason="cancelled"))
        await asyncio.wait_for(cleaned.wait(), 10)
        stream.assign(job="job-2", resumes="job-1", memo={"nap": None}, seq=2)
        [nack] = await stream.told_of("job_nack")

    assert nack.reason == worker_pb2.JOB_NACK_REASON_NOT_PARKED


@pytest.mark.parametrize("plain", [False, True])
async def test_neither_always_replay_nor_a_plain_function_parks(engine: Engine, plain: bool) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.sleep("nap", 60)

    @function("g")
    def g(ctx: SyncContext) -> Any:
        ctx.step.sleep("nap", 60)

    async with working(engine, f, g) as stream:
        stream.assign("g" if plain else "f", always_replay=not plain)
        end = await stream.end_of()

    assert end.name == "nap"
    assert not end.parked


async def test_a_step_that_is_taken_while_the_run_is_parked_waits_until_it_goes_on(engine: Engine) -> None:
    release, ran = asyncio.Event(), []

    @function("f")
    async def f(ctx: Context) -> Any:
        async def elsewhere() -> None:
            await release.wait()
            ctx.step.note("late", 1)
            await ctx.step.run("s", lambda: ran.append(1))

        await asyncio.gather(ctx.step.sleep("nap", 60), elsewhere())

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        release.set()
        await asyncio.sleep(0)
        stream.assign(job="job-2", seq=2, resumes="job-1", memo={"nap": None})
        await stream.end_of("job-2")

    assert [(step.job_id, step.execution_seq) for step in stream.of("step_completed", "noted")] == [("job-2", 2)] * 2
    assert ran == [1]


async def test_results_of_one_message_are_delivered_one_by_one(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        async def deep() -> str:
            await asyncio.gather(asyncio.gather(ctx.step.run("deep", lambda: 1)))
            return await ctx.step.run("next", lambda: "deep")

        async def shallow() -> str:
            await ctx.step.run("shallow", lambda: 1)
            return await ctx.step.run("next", lambda: "shallow")

        return await asyncio.gather(shallow(), deep())

    async with working(engine, f) as stream:
        stream.holds_acks = True
        stream.assign()
        first = {step.name: step for step in await stream.told_of("step_completed", count=2)}
        stream.acknowledge(first["deep"], first["shallow"])
        nexts = (await stream.told_of("step_completed", count=4))[2:]
        stream.acknowledge(*nexts)
        live = await stream.end_of()
        memo = [Memo("deep", 1), Memo("shallow", 1), Memo("next", "deep"), Memo("next", "shallow", number=1)]
        stream.assign(job="job-2", memo=memo, seq=2)
        replayed = await stream.end_of("job-2")

    assert {step.step_id: step.output_json for step in nexts} == {
        "run_1:next:0": b'"deep"',
        "run_1:next:1": b'"shallow"',
    }
    assert json.loads(live.output_json) == json.loads(replayed.output_json) == ["shallow", "deep"]


async def test_a_long_memo_comes_in_pages_before_the_run_begins(engine: Engine) -> None:
    ran: list[str] = []

    @function("f")
    async def f(ctx: Context) -> Any:
        return [await ctx.step.run(f"s{n}", lambda: ran.append("again") or -1) for n in range(4)]

    async with working(engine, f, max_concurrent_jobs=1) as stream:
        stream.assign(memo={"s0": 0, "s1": 1}, pages=2)
        stream.page({"s2": 2})
        stream.assign(job="job-2", run="run_2")
        [nack] = await stream.told_of("job_nack")
        stream.page({"s3": 3})
        end = await stream.end_of()

    assert json.loads(end.output_json) == [0, 1, 2, 3]
    assert nack.reason == worker_pb2.JOB_NACK_REASON_AT_CAPACITY
    assert ran == []


async def test_a_run_that_is_cancelled_between_pages_never_begins(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await ctx.step.run("s", lambda: 1)

    async with working(engine, f) as stream:
        stream.assign(pages=1)
        stream.send(cancel=worker_pb2.CancelJob(job_id="job-1"))
        stream.page({})
        stream.assign(job="job-2", run="run_2")
        await stream.end_of("job-2")

    assert [step.job_id for step in stream.of("step_completed")] == ["job-2"]


@pytest.mark.parametrize(
    ("recorded", "there", "here"),
    [
        (Memo("s", None, kind="sleep"), "sleep", "invoke"),
        (Memo("s", 1, kind="wait_for_event"), "wait_for_event", "invoke"),
    ],
)
async def test_another_kind_of_step_than_history_has_stops_the_run(
    engine: Engine, recorded: Memo, there: str, here: str
) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.run("s", lambda: 1)
        except BaseException:  # noqa: BLE001 - the worst that users write
            await ctx.step.run("more", lambda: 1)

    async with working(engine, f) as stream:
        stream.assign(memo=[recorded])
        end = await stream.end_of()

    assert (end.divergence.step_id, end.divergence.recorded, end.divergence.requested) == ("run_1:s:0", there, here)
    assert "test_waiting.py:" in end.divergence.location
    assert (end.error.code, end.error.retryable) == ("DIVERGENCE", False)
    assert stream.of("step_completed") == []


async def test_a_wait_for_another_event_than_history_has_stops_the_run(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await asyncio.gather(ctx.step.wait_for_event("w", "order.paid"), ctx.step.sleep("nap", 60))

    @function("g")
    def g(ctx: SyncContext) -> Any:
        ctx.step.wait_for_event("w", "order.paid")

    event = {"id": "evt_2", "name": "order.shipped", "data": 1, "timestamp": "2026-01-01T00:00:00Z"}
    async with working(engine, f, g) as stream:
        for job, name in (("job-1", "f"), ("job-2", "g")):
            stream.assign(name, job=job, memo=[Memo("w", event, kind="wait_for_event")])
        ends = [await stream.end_of("job-1"), await stream.end_of("job-2")]

    for end in ends:
        assert end.divergence.recorded == "wait_for_event order.shipped"
        assert end.divergence.requested == "wait_for_event order.paid"
        assert "test_waiting.py:" in end.divergence.location


async def test_a_wait_that_timed_out_raises_each_time(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.wait_for_event("w", "order.paid")
        except WaitTimeout as error:
            return str(error)

    error = {"message": "nobody paid", "code": "WAIT_TIMEOUT"}
    async with working(engine, f) as stream:
        stream.assign(memo=[Memo("w", kind="wait_for_event", error=error)])
        end = await stream.end_of()

    assert json.loads(end.output_json) == "nobody paid"


async def test_a_step_that_failed_in_this_attempt_fails_again_and_is_run_anew_in_the_next(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            return await ctx.step.run("s", lambda: "ran")
        except NonRetryableError:
            raise
        except Exception as error:  # noqa: BLE001 - what users write
            return str(error)

    failed = Memo("s", kind="invoke", error={"message": "boom", "code": "STEP_FAILED"}, attempt=2)
    async with working(engine, f) as stream:
        stream.assign(attempt=2, memo=[failed])
        same = await stream.end_of()
        stream.assign(job="job-2", attempt=3, memo=[failed])
        later = await stream.end_of("job-2")

    assert json.loads(same.output_json) == "boom"
    assert json.loads(later.output_json) == "ran"


async def test_what_a_step_emits_travels_with_its_result(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        def work() -> int:
            ctx.step.emit("said", {"n": 1}, metadata={"m": 1}, version=2)
            ctx.step.publish("news", [1])
            return 7

        await ctx.step.run("s", work)
        await ctx.step.emit("alone")
        await ctx.step.publish("topic:x", 1, idempotency_key="mine")

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        with_step, alone, published = stream.of("step_completed")

    said, news = with_step.emissions
    assert (said.name, json.loads(said.data_json), said.version, dict(said.metadata)) == ("said", {"n": 1}, 2, {"m": 1})
    assert (news.name, news.topic, news.idempotency_key) == ("", "news", key_of("run_1:s:0:1"))
    assert (alone.step_id, alone.type, alone.emissions[0].name) == ("run_1:emit\\:alone:0", "emit", "alone")
    assert (published.step_id, published.type) == ("run_1:publish:topic\\:x:0", "publish")
    assert published.emissions[0].idempotency_key == "mine"


async def test_what_a_step_writes_travels_with_its_result(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        stock = ctx.step.kv("stock")

        async def work() -> None:
            await stock.put("a", {"n": 1}, ttl="1m")
            stock.create("b", b"\xff")
            stock.cas("c", 1, revision=7)
            stock.incr("d", -2)
            stock.delete("e", purge=True)

        await ctx.step.run("s", work)
        await stock.put("alone", 1)

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        with_step, alone = stream.of("step_completed")

    write = worker_pb2.KvWrite
    assert list(with_step.writes) == [
        write(operation="put", bucket="stock", key="a", value=b'{"n":1}', ttl_ms=60_000),
        write(operation="put", bucket="stock", key="b", value=b"\xff", revision=0),
        write(operation="put", bucket="stock", key="c", value=b"1", revision=7),
        write(operation="incr", bucket="stock", key="d", by=-2),
        write(operation="purge", bucket="stock", key="e"),
    ]
    assert alone.step_id == "run_1:kv\\:stock/alone:0"
    assert [one.key for one in alone.writes] == ["alone"]


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_step_whose_write_is_refused_reads_anew_and_tries_again(engine: Engine, blocking: bool) -> None:
    reads: list[int] = []

    def reserve(step: Any) -> int:
        reads.append(len(reads) + 1)
        step.kv("stock").cas("a", 1, revision=reads[-1])
        return reads[-1]

    policy = StepRetry(max_attempts=2, initial_delay=0)

    @function("f")
    async def f(ctx: Context) -> Any:
        first = await ctx.step.run("first", reserve, ctx.step, retry=policy)
        with pytest.raises(StepError) as refused:
            await ctx.step.run("second", reserve, ctx.step)
        return [first, refused.value.code, refused.value.retryable]

    @function("g")
    def g(ctx: SyncContext) -> Any:
        first = ctx.step.run("first", reserve, ctx.step, retry=policy)
        with pytest.raises(StepError) as refused:
            ctx.step.run("second", reserve, ctx.step)
        return [first, refused.value.code, refused.value.retryable]

    async with working(engine, f, g) as stream:
        stream.refuses = lambda said: said.writes[0].revision != 2
        stream.assign("g" if blocking else "f")
        end = await stream.end_of()

    assert json.loads(end.output_json) == [2, "REVISION_CONFLICT", True]
    assert stream.of("step_failed") == []


async def test_tries_of_a_step_are_counted_if_it_has_a_policy(engine: Engine) -> None:
    tries: list[int] = []

    def flaky() -> int:
        tries.append(1)
        return 1 // (len(tries) - 1)

    @function("f")
    def f(ctx: SyncContext) -> Any:
        ctx.step.run("plain", lambda: 1)
        return ctx.step.run("flaky", flaky, retry=StepRetry(initial_delay=0))

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()

    assert [(step.name, step.attempt) for step in stream.of("step_completed", "step_failed")] == [
        ("plain", 0),
        ("flaky", 1),
        ("flaky", 2),
    ]


@function("saga")
async def saga(ctx: Context) -> Any:
    async def undo(name: str) -> str:
        if name == "stuck":
            raise ValueError("it cannot be undone")
        return f"undid {name}"

    for name in ("one", "stuck", "three"):
        await ctx.step.run(name, lambda: 1)
        ctx.step.compensate(name, undo, name, retry=StepRetry(max_attempts=2, initial_delay=0))
    await ctx.step.sleep("nap", 60)
    raise NonRetryableError("in the end", code="END")


DONE = {"one": 1, "stuck": 1, "three": 1}


async def test_compensations_are_steps_of_their_own_before_the_run_fails(engine: Engine) -> None:
    async with working(engine, saga) as stream:
        stream.assign("saga", memo={**DONE, "nap": None})
        end = await stream.end_of()

    told = [(kind, said.name, said.attempt) for kind, said in stream.told if kind.startswith("step_")]
    assert told == [
        ("step_completed", "compensate:three", 1),
        ("step_failed", "compensate:stuck", 1),
        ("step_failed", "compensate:stuck", 2),
        ("step_completed", "compensate:one", 1),
    ]
    undone = stream.of("step_completed")[0]
    assert (undone.step_id, undone.type, undone.compensation_for) == ("run_1:compensate:three:0", "compensate", "three")
    assert [failed.error.retryable for failed in stream.of("step_failed")] == [True, False]
    assert (end.error.code, end.error.retryable) == ("END", False)


@pytest.mark.parametrize("in_place", [False, True])
async def test_a_run_that_is_unwound_takes_no_new_step(engine: Engine, in_place: bool) -> None:
    unwind = worker_pb2.Unwind(cause="timed_out")
    async with working(engine, saga) as stream:
        if in_place:
            stream.assign("saga", memo={"one": 1, "stuck": 1})
            await stream.end_of()
            stream.assign("saga", job="job-2", seq=2, resumes="job-1", unwind=unwind)
        else:
            stream.assign("saga", job="job-2", seq=2, memo={"one": 1, "stuck": 1}, unwind=unwind)
        end = await stream.end_of("job-2")

    undone = [step.name for step in stream.of("step_completed", "step_failed") if step.job_id == "job-2"]
    stuck = ["compensate:stuck"] * 2
    assert undone == (["compensate:three"] if in_place else []) + [*stuck, "compensate:one"]
    assert (end.error.code, end.error.retryable) == ("RUN_TIMED_OUT", False)


async def test_a_worker_that_died_while_undoing_is_followed_by_one_that_goes_on_with_that(engine: Engine) -> None:
    undone = Memo("compensate:three", "undid three", kind="compensate")
    async with working(engine, saga) as stream:
        stream.assign("saga", memo=[*(Memo(name, 1) for name in DONE), undone])
        end = await stream.end_of()

    assert [step.name for step in stream.of("step_completed")] == ["compensate:one"]
    assert (end.error.code, end.error.retryable) == ("COMPENSATED", False)


async def test_the_last_attempt_is_undone_if_the_run_fails_then(engine: Engine) -> None:
    @function("f")
    def f(ctx: SyncContext) -> Any:
        ctx.step.compensate("s", lambda: 1)
        raise ValueError("boom")

    async with working(engine, f) as stream:
        for number, (attempt, exhausted) in enumerate([(3, "fail"), (2, "fail"), (3, "pause")]):
            stream.assign(job=f"job-{number}", run=f"run_{number}", attempt=attempt, on_exhausted=exhausted)
            await stream.end_of(f"job-{number}")

    assert [step.job_id for step in stream.of("step_completed")] == ["job-0"]


async def test_what_is_parked_is_let_go_when_the_worker_leaves(engine: Engine) -> None:
    cleaned = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            await ctx.step.sleep("nap", 60)
        finally:
            cleaned.set()

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()
        assert not cleaned.is_set()

    assert cleaned.is_set()


async def test_an_assignment_that_cannot_be_read_fails_alone(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any: ...

    async with working(engine, f) as stream:
        bad = worker_pb2.JobAssignment(job_id="job-1", run_id="run_1", function_id="f")
        bad.event.data_json = b"{"
        stream.send(job=bad)
        end = await stream.end_of()
        stream.assign(job="job-2")
        await stream.end_of("job-2")

    assert (end.error.code, end.error.retryable) == ("BAD_ASSIGNMENT", True)


@pytest.mark.parametrize("name", ["", None, "\ud800"])
async def test_a_note_needs_a_name(engine: Engine, name: Any) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        ctx.step.note(name, 1)

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert (end.error.code, end.error.retryable) == ("INVALID_STEP", False)
