"""The worker and its connection: capacity, fences, batches, reconnecting, draining."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from ironflow import Context, Retry, Worker, function, on
from ironflow.errors import InvalidArgument, IronflowError, Unauthenticated
from ironflow.v1 import types_pb2, worker_pb2
from tests.sdk.engine import Engine, working
from tests.support.bounds import WAIT_S


@function("f")
async def simple(ctx: Context) -> Any:
    return await ctx.step.run("s", asyncio.sleep, 0, "done")


async def test_functions_are_registered_as_they_were_declared(engine: Engine) -> None:
    @function(
        "triage",
        name="Triage",
        triggers=["github.issues.opened", on("order.>", expression="event.data.total > 100")],
        retry=Retry(max_attempts=3, initial_delay="1s", on_exhausted="fail"),
        timeout="10m",
    )
    async def triage(ctx: Context) -> None:
        """What it is for."""

    async with working(engine, triage, worker_id="w-1", labels={"zone": "a"}, environment="test", api_key="k-1") as it:
        [told] = engine.registered

    assert (told.id, told.name, told.description) == ("triage", "Triage", "What it is for.")
    assert [(one.event, one.expression) for one in told.triggers] == [
        ("github.issues.opened", ""),
        ("order.>", "event.data.total > 100"),
    ]
    assert (told.retry.max_attempts, told.retry.initial_delay_ms, told.retry.on_exhausted) == (3, 1_000, "fail")
    assert (told.timeout_ms, told.preferred_mode) == (600_000, types_pb2.EXECUTION_MODE_PULL)
    assert len(str(told.metadata["__ironflow_code_hash"])) == 16
    assert (it.registration.worker_id, dict(it.registration.labels)) == ("w-1", {"zone": "a"})
    assert (list(it.registration.function_ids), it.registration.accepts_batches) == (["triage"], True)
    for metadata in (engine.metadata[0], it.metadata):
        assert metadata["authorization"] == "Bearer k-1"
        assert metadata["x-ironflow-environment-id"] == "test"


async def test_the_handler_is_given_the_event_and_the_run(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        event = ctx.event
        return [ctx.run_id, ctx.function_id, ctx.attempt, ctx.max_attempts, event.id, event.name, event.data,
                event.timestamp.isoformat(), dict(event.metadata), event.version]  # fmt: skip

    async with working(engine, f) as stream:
        stream.assign(data={"a": [1, 2.5, None]}, attempt=2)
        end = await stream.end_of()

    assert json.loads(end.output_json) == [
        "run_1", "f", 2, 3, "evt_1", "go", {"a": [1, 2.5, None]}, "2026-01-02T03:04:05+00:00", {}, 1
    ]  # fmt: skip


async def test_engines_that_send_structs_are_understood(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        return [ctx.event.data, dict(ctx.event.metadata), await ctx.step.run("s", lambda: "ran")]

    async with working(engine, f) as stream:
        job = worker_pb2.JobAssignment(job_id="job-1", run_id="run_1", function_id="f", attempt=1, execution_seq=1)
        job.event.data.update({"n": 1, "list": [1.5, None]})
        job.event.metadata.update({"trace": {"id": 7}})
        job.completed_steps.add(step_id="run_1:s:0", name="s").output_value.number_value = 3
        stream.send(job=job)
        end = await stream.end_of()

    assert json.loads(end.output_json) == [{"n": 1, "list": [1.5, None]}, {"trace": {"id": 7}}, 3]


async def test_what_happens_in_one_turn_travels_as_one_message(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        return await asyncio.gather(*(ctx.step.run(f"s{number}", asyncio.sleep, 0) for number in range(50)))

    async with working(engine, f) as stream:
        stream.assign()
        await stream.end_of()

    assert 50 in stream.frames
    assert stream.frames[0] == stream.frames[-1] == 1


async def test_batches_stay_below_what_the_engine_takes(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        text = "x" * (9 * 2**20)  # four of them are more than fits
        await asyncio.gather(*(ctx.step.run(f"s{number}", asyncio.sleep, 0, text) for number in range(4)))

    async with working(engine, f) as stream:
        stream.assign()
        end = await stream.end_of()

    assert isinstance(end, worker_pb2.JobCompleted)
    assert len(stream.of("step_completed")) == 4
    assert max(stream.frame_sizes) < 32 * 2**20


async def test_a_job_above_the_capacity_is_declined(engine: Engine) -> None:
    release = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> None:
        await release.wait()

    async with working(engine, f, max_concurrent_jobs=2) as stream:
        for number in range(3):
            stream.assign(job=f"job-{number}", run=f"run_{number}")
        stream.assign(job="job-0", run="run_0")
        [declined] = await stream.told_of("job_nack")
        release.set()
        await stream.end_of("job-0")

    assert (declined.job_id, declined.reason) == ("job-2", worker_pb2.JOB_NACK_REASON_AT_CAPACITY)
    assert len(stream.of("job_ack")) == 2


async def test_a_function_that_the_worker_does_not_have_fails_for_good(engine: Engine) -> None:
    async with working(engine, simple) as stream:
        stream.assign("other")
        end = await stream.end_of()

    assert (end.error.code, end.error.retryable) == ("FUNCTION_NOT_FOUND", False)


async def test_a_refused_result_abandons_the_run(engine: Engine) -> None:
    ended = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> None:
        try:
            await ctx.step.run("first", lambda: 1)
        finally:
            ended.set()
        await ctx.step.run("second", lambda: 2)

    async with working(engine, f, simple_as("g")) as stream:
        stream.accepts = lambda step: "" if step.name == "s" else "STALE_EXECUTION: superseded"
        stream.assign()
        await asyncio.wait_for(ended.wait(), WAIT_S)
        stream.assign("g", job="job-2", run="run_2")
        await stream.end_of("job-2")

    assert [m.job_id for m in stream.of("job_completed", "job_failed", "step_yielded")] == ["job-2"]
    assert "second" not in [step.name for step in stream.of("step_completed")]


def simple_as(id: str) -> Any:
    return function(id)(simple.handler)


async def test_a_cancelled_run_is_interrupted_and_says_no_more(engine: Engine) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> None:
        started.set()
        try:
            await ctx.step.run("stuck", asyncio.Event().wait)
        finally:
            ended.set()

    async with working(engine, f, simple_as("g"), max_concurrent_jobs=1) as stream:
        stream.assign()
        await asyncio.wait_for(started.wait(), WAIT_S)
        stream.send(cancel=worker_pb2.CancelJob(job_id="job-1", reason="enough"))
        stream.assign("g", job="job-2", run="run_2")
        await stream.end_of("job-2")
        await asyncio.wait_for(ended.wait(), WAIT_S)

    assert {m.job_id for m in stream.of("step_completed", "step_failed", "job_failed")} <= {"job-2"}


async def test_a_cancelled_plain_function_ends_at_its_next_step(engine: Engine) -> None:
    started, release, ended = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    @function("f")
    def f(ctx: Context) -> None:
        step: Any = ctx.step
        try:
            loop.call_soon_threadsafe(started.set)
            step.run("slow", release.wait, 10)
            step.run("after", lambda: 1)
        finally:
            loop.call_soon_threadsafe(ended.set)

    async with working(engine, f, simple_as("g")) as stream:
        stream.assign()
        await asyncio.wait_for(started.wait(), WAIT_S)
        stream.send(cancel=worker_pb2.CancelJob(job_id="job-1", reason="enough"))
        stream.assign("g", job="job-2", run="run_2")
        await stream.end_of("job-2")
        release.set()
        await asyncio.wait_for(ended.wait(), WAIT_S)

    assert {m.job_id for m in stream.of("step_completed", "job_completed", "job_failed")} == {"job-2"}


async def test_a_plain_function_that_waits_for_an_acknowledgement_is_freed_when_cancelled(engine: Engine) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    @function("f")
    def f(ctx: Context) -> None:
        step: Any = ctx.step
        try:
            step.run("s", lambda: 1)
        finally:
            loop.call_soon_threadsafe(ended.set)

    async with working(engine, f) as stream:
        stream.holds_acks = True
        stream.assign()
        await stream.told_of("step_completed")
        stream.send(cancel=worker_pb2.CancelJob(job_id="job-1", reason="enough"))
        await asyncio.wait_for(ended.wait(), WAIT_S)


async def test_a_lost_lease_interrupts_the_run(engine: Engine) -> None:
    ended = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> None:
        try:
            await ctx.step.run("stuck", asyncio.Event().wait)
        finally:
            ended.set()

    async with working(engine, f) as stream:
        stream.assign(seq=3)
        await stream.told_of("job_ack")
        lost = worker_pb2.SegmentLeaseStatus(run_id="run_1", execution_seq=3, state=worker_pb2.LEASE_STATE_UNKNOWN)
        stream.send(lease_refresh=worker_pb2.LeaseRefreshResult(segments=[lost]))
        await asyncio.wait_for(ended.wait(), WAIT_S)


async def test_a_newer_execution_of_a_job_replaces_the_older(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        return await ctx.step.run("s", asyncio.Event().wait if ctx.attempt == 1 else (lambda: "second"))

    async with working(engine, f) as stream:
        stream.assign(seq=1)
        await stream.told_of("job_ack")
        stream.assign(seq=2, attempt=2)
        end = await stream.end_of()

    assert (end.execution_seq, json.loads(end.output_json)) == (2, "second")


async def test_after_a_lost_connection_the_worker_registers_again(engine: Engine) -> None:
    interrupted = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> Any:
        try:
            return await ctx.step.run("s", asyncio.Event().wait if ctx.attempt == 1 else (lambda: "second"))
        finally:
            interrupted.set()

    async with working(engine, f) as first:
        first.assign()
        await first.told_of("job_ack")
        first.end()
        await asyncio.wait_for(interrupted.wait(), WAIT_S)
        second = await engine.stream()
        second.assign(job="job-2", seq=2, attempt=2)
        end = await second.end_of("job-2")

    assert json.loads(end.output_json) == "second"
    assert len(engine.registered) == 2
    assert second.registration.worker_id == first.registration.worker_id


async def test_a_server_that_comes_back_is_found_again(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    async with working(engine, simple) as first:
        await engine.stop()
        await asyncio.wait_for(first.ended.wait(), WAIT_S)
        await engine.start(engine.address)
        second = await engine.stream()
        second.assign()
        await second.end_of()

    assert len([record for record in caplog.records if "not connected" in record.message]) <= 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, Unauthenticated),
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidArgument),
    ],
)
async def test_a_refusal_ends_the_worker_with_the_servers_words(
    engine: Engine, code: grpc.StatusCode, error: type[IronflowError]
) -> None:
    engine.refusal = (code, "no, because", (("ironflow-code", "SO_SO"), ("ironflow-hint", "do that")))

    with pytest.raises(error, match=r"no, because.*do that") as told:
        async with working(engine, simple, api_key="secret-key"):
            pass

    assert (told.value.code, told.value.hint) == ("SO_SO", "do that")
    assert "secret-key" not in repr(told.value)


async def test_a_server_that_is_not_ready_is_waited_for(engine: Engine) -> None:
    engine.refusal = (grpc.StatusCode.UNAVAILABLE, "starting", ())
    worker = Worker([simple], grpc_address=engine.address, server="http://127.0.0.1:9")
    running = asyncio.create_task(worker.run())
    await engine.asked(2)
    engine.refusal = None
    await engine.stream()

    worker.stop()
    await asyncio.wait_for(running, WAIT_S)


async def test_a_draining_worker_declines_finishes_and_leaves(engine: Engine) -> None:
    release = asyncio.Event()

    @function("f")
    async def f(ctx: Context) -> Any:
        await release.wait()
        return await ctx.step.run("s", lambda: "recorded")

    worker = Worker([f], grpc_address=engine.address, server="http://127.0.0.1:9")
    running = asyncio.create_task(worker.run())
    stream = await engine.stream()
    stream.assign()
    await stream.told_of("job_ack")
    worker.stop()
    stream.assign(job="job-2", run="run_2")
    [declined] = await stream.told_of("job_nack")
    release.set()
    await asyncio.wait_for(running, WAIT_S)
    end = await stream.end_of()
    await asyncio.wait_for(stream.ended.wait(), WAIT_S)

    assert declined.reason == worker_pb2.JOB_NACK_REASON_DRAINING
    assert json.loads(end.output_json) == "recorded"


async def test_a_second_stop_does_not_wait(engine: Engine) -> None:
    @function("f")
    async def f(ctx: Context) -> Any:
        await asyncio.Event().wait()

    worker = Worker([f], grpc_address=engine.address, server="http://127.0.0.1:9")
    running = asyncio.create_task(worker.run())
    stream = await engine.stream()
    stream.assign()
    await stream.told_of("job_ack")
    worker.stop()
    worker.stop()
    await asyncio.wait_for(running, WAIT_S)

    assert stream.of("job_completed", "job_failed") == []


async def test_a_cancelled_worker_leaves_nothing_behind(engine: Engine) -> None:
    before = asyncio.all_tasks()
    worker = Worker([simple], grpc_address=engine.address, server="http://127.0.0.1:9")
    running = asyncio.create_task(worker.run())
    stream = await engine.stream()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(stream.ended.wait(), WAIT_S)

    left = {task for task in asyncio.all_tasks() - before if "ironflow" in repr(task.get_coro())}
    assert left == set()


async def test_a_ping_is_answered_and_a_shutdown_from_the_engine_drains(engine: Engine) -> None:
    worker = Worker([simple], grpc_address=engine.address, server="http://127.0.0.1:9")
    running = asyncio.create_task(worker.run())
    stream = await engine.stream()
    begun_us = time.time_ns() // 1_000
    stream.send(ping=worker_pb2.Ping(at_us=7))
    [pong] = await stream.told_of("pong")
    stream.send(shutdown=worker_pb2.Shutdown(reason="redeploy"))

    await asyncio.wait_for(running, WAIT_S)
    assert pong.at_us == 7
    assert begun_us <= pong.worker_us <= time.time_ns() // 1_000


async def test_a_worker_that_is_not_told_where_asks_the_server(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRONFLOW_GRPC_ADDRESS", raising=False)
    port = engine.address.rpartition(":")[2]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"GET /api/v1/capabilities ")
        body = json.dumps({"grpc_address": f"0.0.0.0:{port}"}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    http = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
    worker = Worker([simple], server=url)
    running = asyncio.create_task(worker.run())
    await engine.stream()
    worker.stop()
    await asyncio.wait_for(running, WAIT_S)
    http.close()


async def test_a_server_that_comes_back_elsewhere_is_found_by_its_file(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVER_URL", "API_KEY", "GRPC_ADDRESS", "NO_DISCOVERY"):
        monkeypatch.delenv(f"IRONFLOW_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ironflow").mkdir()
    elsewhere = Engine()
    await elsewhere.start()

    def tell(address: str) -> None:
        told = {"version": 1, "url": "http://127.0.0.1:9", "grpc_address": address}
        (tmp_path / ".ironflow" / "engine.json").write_text(json.dumps(told))

    tell(engine.address)
    worker = Worker([simple])
    running = asyncio.create_task(worker.run())
    await engine.stream()
    tell(elsewhere.address)
    await engine.stop()
    await elsewhere.stream()
    worker.stop()
    await asyncio.wait_for(running, WAIT_S)
    await elsewhere.stop()


STUCK = """
import sys, threading
from ironflow import Worker, function

@function("f")
def f(ctx):
    threading.Event().wait()

Worker([f], server="http://127.0.0.1:9", grpc_address=sys.argv[1]).start()
"""


async def test_a_first_signal_drains_and_a_second_one_ends_the_process_whatever_its_threads_do(engine: Engine) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", STUCK, engine.address)
    stream = await engine.stream()
    stream.assign()
    await stream.told_of("job_ack")

    process.send_signal(signal.SIGTERM)
    told = 1
    while not stream.of("job_nack"):  # until the signal has arrived
        told += 1
        stream.assign(job=f"job-{told}", run=f"run_{told}")
        await stream.told_of("job_ack", "job_nack", count=told)
    [declined] = stream.of("job_nack")
    assert declined.reason == worker_pb2.JOB_NACK_REASON_DRAINING
    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), WAIT_S) == 0
