"""WorkerService/Connect, driven by a bare client of the generated stubs: every message of a worker, none of our SDK."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import worker_pb2, worker_pb2_grpc
from tests.support.server import ServerProcess

RPC = "/ironflow.v1.IronflowService"


class Stream:
    """A worker that says what the test tells it to say."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._queue: list[worker_pb2.EngineMessage] = []

    async def say(self, **payload: Any) -> None:
        await self._call.write(worker_pb2.WorkerMessage(**payload))

    async def hear(self, kind: str) -> Any:
        """The next message of that kind; others before it are passed over."""
        async with asyncio.timeout(15):
            while True:
                while self._queue:
                    message = self._queue.pop(0)
                    if message.WhichOneof("payload") == kind:
                        return getattr(message, kind)
                read = await self._call.read()
                self._queue += read.batch or [read]

    async def job(self) -> worker_pb2.JobAssignment:
        job: worker_pb2.JobAssignment = await self.hear("job")
        await self.say(job_ack=worker_pb2.JobAck(job_id=job.job_id, run_id=job.run_id, **fence(job)))
        return job

    async def step(self, job: worker_pb2.JobAssignment, name: str, output: Any = 1, **more: Any) -> worker_pb2.StepAck:
        message = worker_pb2.StepCompleted(
            job_id=job.job_id,
            step_id=step_id(job, name),
            name=name,
            output_json=json.dumps(output).encode(),
            **fence(job),
            **more,
        )
        await self.say(step_completed=message)
        ack: worker_pb2.StepAck = await self.hear("step_ack")
        return ack

    async def yields(self, job: worker_pb2.JobAssignment, *waits: worker_pb2.StepYielded, parked: bool = False) -> None:
        first = waits[0]
        first.job_id, first.parked = job.job_id, parked
        first.execution_seq, first.lease_token = job.execution_seq, job.lease_token
        first.also.extend(waits[1:])
        await self.say(step_yielded=first)

    async def leave(self) -> None:
        """Say no more, and hear that the server has ended the stream."""
        await self._call.done_writing()
        await self.ended()

    async def ended(self) -> None:
        """Returns once the server has ended the stream."""
        async with asyncio.timeout(15):
            while await self._call.read() is not grpc.aio.EOF:  # type: ignore[attr-defined]  # not in the stubs
                pass

    async def complete(self, job: worker_pb2.JobAssignment) -> None:
        await self.say(job_completed=worker_pb2.JobCompleted(job_id=job.job_id, output_json=b'"done"', **fence(job)))


def fence(job: worker_pb2.JobAssignment) -> dict[str, Any]:
    return {"execution_seq": job.execution_seq, "lease_token": job.lease_token}


def step_id(job: worker_pb2.JobAssignment, name: str) -> str:
    return f"{job.run_id}:{name}:0"


def waits(job: worker_pb2.JobAssignment, name: str, **what: Any) -> worker_pb2.StepYielded:
    return worker_pb2.StepYielded(step_id=step_id(job, name), name=name, **what)


def memo(job: worker_pb2.JobAssignment) -> dict[str, Any]:
    return {step.name: json.loads(step.output_json) for step in job.completed_steps}


@pytest.fixture
async def connect(shared_server: ServerProcess, environment: str) -> AsyncIterator[Callable[..., Any]]:
    """Connect a worker: `await connect("f", ours=True)`."""
    channel = grpc.aio.insecure_channel(shared_server.grpc_address)
    calls: list[Any] = []

    async def connected(*functions: str, ours: bool = True, name: str = "w1", slots: int = 10) -> Stream:
        metadata = (("x-ironflow-environment-id", environment),)
        call = worker_pb2_grpc.WorkerServiceStub(channel).Connect(metadata=metadata)  # type: ignore[no-untyped-call]
        calls.append(call)
        stream = Stream(call)
        register = worker_pb2.WorkerRegister(
            worker_id=name, function_ids=functions, max_concurrent_jobs=slots, accepts_batches=ours
        )
        await stream.say(register=register)
        await stream.hear("registered")
        return stream

    yield connected
    for call in calls:
        call.cancel()
    await channel.close()


@pytest.fixture
def register(http: httpx.Client) -> Callable[..., None]:
    def registered(function_id: str = "f", **more: Any) -> None:
        body = {
            "id": function_id,
            "triggers": [{"event": "go"}] if function_id == "f" else [],
            "retry": {"maxAttempts": 3, "initialDelayMs": 1, "onExhausted": "fail"},
            **more,
        }
        assert http.post(f"{RPC}/RegisterFunction", json=body).status_code == 200

    return registered


def get(http: httpx.Client, path: str, **query: Any) -> Any:
    return http.get(path, params=query).json()


def post(http: httpx.Client, path: str, body: Any) -> Any:
    return http.post(path, json=body).json()


def start(http: httpx.Client, data: Any = None) -> str:
    [run_id] = http.post("/api/v1/events", json={"name": "go", "data": data}).json()["run_ids"]
    found: str = run_id
    return found


def run(http: httpx.Client, run_id: str, wait: float = 10) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/api/v1/runs/{run_id}", params={"wait": wait}).json()
    return found


async def test_waits_side_by_side_come_back_one_by_one(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    register("child")
    worker = await connect("f", "child")
    run_id = start(http, {"id": 7})
    job = await worker.job()
    event = worker_pb2.WaitEventYield(event_name="paid", match_expression="data.id")
    child = worker_pb2.InvokeFunctionYield(function_id="child", input_json=b'{"n":1}', tags=["vip", "a,b"])
    later = worker_pb2.InvokeFunctionAsyncYield(function_id="child", input_json=b"2", tags=["old"])
    await worker.yields(job, waits(job, "paid", wait_event=event), waits(job, "child", invoke_function=child))

    work = await worker.job()
    assert (work.function_id, work.event.data_json) == ("child", b'{"n":1}')
    assert run(http, work.run_id, wait=0)["tags"] == ["vip"]
    await worker.complete(work)
    job = await worker.job()
    assert memo(job) == {"child": "done"}
    assert job.completed_steps[0].type == "invoke_function"
    await worker.yields(job, waits(job, "paid", wait_event=event))
    post(http, "/api/v1/events", {"name": "paid", "data": {"id": 7}})
    job = await worker.job()
    assert memo(job)["paid"]["data"] == {"id": 7}

    await worker.yields(job, waits(job, "later", invoke_function_async=later))
    jobs = {one.function_id: one for one in (await worker.job(), await worker.job())}
    assert memo(jobs["f"])["later"] == {"run_id": jobs["child"].run_id}
    assert run(http, jobs["child"].run_id, wait=0)["tags"] == ["old"]
    await worker.complete(jobs["f"])
    assert run(http, run_id)["status"] == "completed"


async def test_a_step_commits_what_it_emits_and_publishes(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    start(http)
    job = await worker.job()
    emissions = [
        worker_pb2.Emission(name="order.placed", data_json=b'{"n":1}'),
        worker_pb2.Emission(topic="news", data_json=b"1"),
    ]

    assert (await worker.step(job, "tell", type="emit", emissions=emissions)).accepted
    assert (await worker.step(job, "tell", type="emit", emissions=emissions)).accepted

    [event] = get(http, "/api/v1/events", name="order.placed")["events"]
    assert (event["data"], event["run_id"], event["source"]) == ({"n": 1}, job.run_id, "sdk")
    [topic] = post(http, "/ironflow.v1.PubSubService/ListTopics", {})["topics"]
    assert topic["messageCount"] == "1"


async def test_what_a_step_may_not_emit_fails_the_run(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    post(http, "/api/v1/events", {"name": "a.b", "data": 1, "idempotency_key": "k"})
    for emission, code in (
        (worker_pb2.Emission(name="a..b"), "INVALID_ARGUMENT"),
        (worker_pb2.Emission(name="a.b", data_json=b"2", idempotency_key="k"), "IDEMPOTENCY_CONFLICT"),
    ):
        run_id = start(http)
        job = await worker.job()
        message = worker_pb2.StepCompleted(
            job_id=job.job_id, step_id=step_id(job, "x"), emissions=[emission], **fence(job)
        )
        await worker.say(step_completed=message)

        assert run(http, run_id)["error"]["code"] == code
        assert get(http, f"/api/v1/runs/{run_id}/steps")["steps"] == []


async def test_what_a_step_writes_goes_with_its_result_and_a_refusal_fails_the_step(
    http: httpx.Client, connect: Any, register: Any
) -> None:
    register()
    post(http, "/api/v1/kv/buckets", {"name": "stock"})
    worker = await connect("f")
    run_id = start(http)
    job = await worker.job()
    first = worker_pb2.KvWrite(operation="put", bucket="stock", key="a", value=b"5", revision=0, ttl_ms=3_600_000)

    assert (await worker.step(job, "count", writes=[first])).accepted
    refused = await worker.step(
        job, "reserve", writes=[worker_pb2.KvWrite(operation="incr", bucket="stock", key="n"), first]
    )

    assert (refused.accepted, refused.error[:18]) == (False, "WRITE_REFUSED: sto")
    assert (refused.failure.code, refused.failure.retryable) == ("REVISION_CONFLICT", True)
    again = worker_pb2.KvWrite(operation="incr", bucket="stock", key="a", by=-1)
    assert (await worker.step(job, "reserve", writes=[again])).accepted
    await worker.complete(job)
    assert run(http, run_id)["status"] == "completed"
    shown = get(http, "/api/v1/kv/buckets/stock/keys/a")
    assert (base64.b64decode(shown["value"]), shown["revision"]) == (b"4", 2)
    assert get(http, "/api/v1/kv/buckets/stock/keys")["keys"] == ["a"]


async def test_what_a_step_cannot_write_fails_the_run(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    for write in (
        worker_pb2.KvWrite(operation="steal", bucket="b", key="k"),
        worker_pb2.KvWrite(operation="put", bucket="b", key="a*"),
        worker_pb2.KvWrite(operation="put", bucket="b/c", key="k"),
        worker_pb2.KvWrite(operation="put", bucket="b", key="k", revision=-1),
        worker_pb2.KvWrite(operation="put", bucket="b", key="k", ttl_ms=-1),
    ):
        run_id = start(http)
        job = await worker.job()
        message = worker_pb2.StepCompleted(job_id=job.job_id, step_id=step_id(job, "x"), writes=[write], **fence(job))
        await worker.say(step_completed=message)

        assert run(http, run_id)["error"]["code"] == "INVALID_ARGUMENT"


async def test_a_parked_run_is_resumed_and_resent_whole_if_it_was_forgotten(
    http: httpx.Client, connect: Any, register: Any
) -> None:
    register()
    worker = await connect("f")
    run_id = start(http)
    first = await worker.job()
    await worker.step(first, "a")
    wait = worker_pb2.WaitEventYield(event_name="go.on", lookback_ms=60_000)  # HTTP may overtake the stream
    await worker.yields(first, waits(first, "w1", wait_event=wait), parked=True)
    post(http, "/api/v1/events", {"name": "go.on"})

    second = await worker.job()
    assert (second.resumes_job_id, list(memo(second))) == (first.job_id, ["w1"])
    await worker.yields(second, waits(second, "w2", wait_event=wait), parked=True)
    post(http, "/api/v1/events", {"name": "go.on"})
    third = await worker.hear("job")
    assert (third.resumes_job_id, list(memo(third))) == (second.job_id, ["w2"])
    nack = worker_pb2.JobNack(job_id=third.job_id, run_id=run_id, reason="JOB_NACK_REASON_NOT_PARKED", **fence(third))
    await worker.say(job_nack=nack)

    whole = await worker.job()
    assert (whole.job_id, whole.execution_seq, whole.resumes_job_id) == (third.job_id, third.execution_seq, "")
    assert list(memo(whole)) == ["a", "w1", "w2"]
    await worker.complete(whole)
    assert run(http, run_id)["executions"] == 3


async def test_a_run_whose_parked_execution_gave_way_is_sent_whole(
    http: httpx.Client, connect: Any, register: Any
) -> None:
    register()
    worker = await connect("f")
    run_id = start(http)
    first = await worker.job()
    await worker.step(first, "a")
    wait = worker_pb2.WaitEventYield(event_name="go.on", lookback_ms=60_000)  # HTTP may overtake the stream
    await worker.yields(first, waits(first, "w1", wait_event=wait), parked=True)
    nack = worker_pb2.JobNack(job_id=first.job_id, run_id=run_id, reason="JOB_NACK_REASON_NOT_PARKED", **fence(first))
    await worker.say(job_nack=nack)
    post(http, "/api/v1/events", {"name": "go.on"})

    second = await worker.job()

    assert (second.resumes_job_id, list(memo(second))) == ("", ["a", "w1"])
    await worker.complete(second)
    assert run(http, run_id)["status"] == "completed"


async def test_a_long_memo_comes_in_pages_to_a_worker_of_ours(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    start(http)
    job = await worker.job()
    count = 2_500
    for n in range(count):
        name = f"s{n}"
        message = worker_pb2.StepCompleted(
            job_id=job.job_id, step_id=step_id(job, name), name=name, output_json=b"%d" % n, **fence(job)
        )
        await worker.say(step_completed=message)
    for _ in range(count):
        assert (await worker.hear("step_ack")).accepted
    await worker.yields(job, waits(job, "nap", sleep=worker_pb2.SleepYield()))

    again = await worker.job()
    assert (again.memo_pages, len(again.completed_steps)) == (2, 0)
    pages = [await worker.hear("memo_page") for _ in range(again.memo_pages)]
    steps = [step for page in pages for step in page.completed_steps]
    assert [step.name for step in steps] == [*(f"s{n}" for n in range(count)), "nap"]
    assert {page.job_id for page in pages} == {again.job_id}
    await worker.complete(again)


async def test_code_that_diverged_stops_its_run_with_both_sides(
    http: httpx.Client, connect: Any, register: Any
) -> None:
    register()
    worker = await connect("f")
    told_by_worker, seen_by_engine = start(http), start(http)
    job = await worker.job()
    divergence = worker_pb2.Divergence(step_id="x", recorded="sleep", requested="invoke", location="app.py:7")
    await worker.say(job_failed=worker_pb2.JobFailed(job_id=job.job_id, divergence=divergence, **fence(job)))
    job = await worker.job()
    await worker.step(job, "x")
    ack = await worker.step(job, "x", type="publish")
    assert not ack.accepted
    assert "DIVERGED" in ack.error

    for run_id in (told_by_worker, seen_by_engine):
        stopped = run(http, run_id)
        assert (stopped["status"], stopped["pause_reason"]) == ("paused", "diverged")
    assert run(http, told_by_worker)["divergence"] == {
        "step_id": "x",
        "recorded": "sleep",
        "requested": "invoke",
        "location": "app.py:7",
    }
    assert run(http, seen_by_engine)["divergence"]["requested"] == "publish"


async def test_a_cancelled_run_is_unwound_by_a_worker_of_ours(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    run_id = start(http)
    job = await worker.job()
    await worker.step(job, "charge")

    told = post(http, f"/api/v1/runs/{run_id}/cancel", {"reason": "no", "compensate": True})
    assert told["unwinding"]["cause"] == "cancelled"
    assert (await worker.hear("cancel")).job_id == job.job_id
    again = await worker.job()
    assert again.unwind.cause == "cancelled"
    assert memo(again) == {"charge": 1}
    assert (await worker.step(again, "compensate:charge", type="compensate", compensation_for="charge")).accepted
    await worker.say(job_failed=worker_pb2.JobFailed(job_id=again.job_id, **fence(again)))

    ended = run(http, run_id)
    assert (ended["status"], ended.get("not_undone")) == ("cancelled", None)
    steps = get(http, f"/api/v1/runs/{run_id}/steps")["steps"]
    assert [(step["name"], step["type"]) for step in steps] == [
        ("charge", "invoke"),
        ("compensate:charge", "compensate"),
    ]


async def test_a_worker_that_cannot_unwind_is_not_asked_to(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f", ours=False)
    run_id = start(http)
    job = await worker.job()
    await worker.step(job, "charge")

    post(http, f"/api/v1/runs/{run_id}/cancel", {"compensate": True})

    assert run(http, run_id)["status"] == "cancelled"


async def test_notes_are_shown_with_the_run(http: httpx.Client, connect: Any, register: Any) -> None:
    register()
    worker = await connect("f")
    run_id = start(http)
    job = await worker.job()
    for value in (b"1", b'{"done":2}'):
        await worker.say(noted=worker_pb2.RunNoted(job_id=job.job_id, name="progress", value_json=value, **fence(job)))
    await worker.complete(job)

    assert run(http, run_id)["notes"]["progress"]["value"] == {"done": 2}


@pytest.mark.parametrize(
    "wait",
    [
        {"wait_event": worker_pb2.WaitEventYield(event_name="")},
        {"wait_event": worker_pb2.WaitEventYield(event_name="a", match_expression="data.no")},
        {"wait_event": worker_pb2.WaitEventYield(event_name="a", on_timeout="explode")},
        {"wait_event": worker_pb2.WaitEventYield(event_name="a", lookback_ms=-1)},
        {"wait_event": worker_pb2.WaitEventYield(event_name="a", default_json=b"{")},
        {"invoke_function": worker_pb2.InvokeFunctionYield(function_id="")},
        {"invoke_function": worker_pb2.InvokeFunctionYield(function_id="child", input_json=b"NaN")},
        {},
    ],
)
async def test_a_wait_that_cannot_be_fails_the_run(
    http: httpx.Client, connect: Any, register: Any, wait: dict[str, Any]
) -> None:
    register()
    worker = await connect("f")
    run_id = start(http, {})
    job = await worker.job()

    await worker.yields(job, waits(job, "x", **wait))

    assert run(http, run_id)["error"]["code"] == "INVALID_ARGUMENT"


async def test_a_worker_that_drains_is_told_so_finishes_its_job_and_is_remembered_as_drained(
    connect: Callable[..., Any], register: Callable[..., None], http: httpx.Client
) -> None:
    register()
    worker = await connect("f")
    ping = await worker.hear("ping")
    await worker.say(pong=worker_pb2.Pong(at_us=ping.at_us, worker_us=ping.at_us + 3_600_000_000))
    await worker.say(pong=worker_pb2.Pong(at_us=-(2**63)))  # of what was never asked
    run_id = start(http)
    job = await worker.job()

    told = post(http, "/api/v1/workers/w1/drain", {"reason": "a new release"})
    assert (told["status"], told["active_jobs"]) == ("draining", 1)
    assert (await worker.hear("shutdown")).reason == "a new release"
    [shown] = get(http, "/api/v1/workers")["workers"]
    assert (shown["draining"], 0 <= shown["rtt_ms"] < 600_000) == (True, True)
    assert shown["skew_ms"] == pytest.approx(3_600_000 - shown["rtt_ms"] / 2, abs=0.01), "of the middle of the way"
    assert shown["skewed"] is True
    await worker.complete(job)
    assert run(http, run_id)["status"] == "completed"
    await worker.leave()

    [left] = get(http, "/api/v1/workers")["departed"]
    assert (left["id"], left["reason"]) == ("w1", "drained")


async def test_a_worker_that_is_disconnected_hears_the_end_and_its_run_goes_elsewhere(
    connect: Callable[..., Any], register: Callable[..., None], http: httpx.Client
) -> None:
    register()
    worker = await connect("f")
    run_id = start(http)
    await worker.job()
    other = await connect("f", name="w2")

    post(http, "/api/v1/workers/w1/disconnect", {})

    assert (await other.job()).run_id == run_id
    await worker.ended()
