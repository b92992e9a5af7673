"""Push mode within one node whose clock the test moves: time, signatures, fences and breakers, on each store."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.dispatch.push import PushOptions
from app.events.new_event import NewEvent
from app.history.kinds import CircuitBreaker, RetryPolicy, Trigger
from app.ids import Ids
from app.node import Node
from app.outbound.reach import LOOPBACK, Reach
from app.runs import asking
from app.runs.definition import Definition
from app.runs.rewind import Wish
from app.values.buckets import Definition as Bucket
from storage.contract import Storage
from tests.contract.conftest import START_US
from tests.support.bounds import within
from tests.support.endpoint import WAIT_S, Answer, Endpoint, Json, Reply, Request
from tests.support.nodes import alive

DONE = {"status": "completed", "steps": [], "result": "done"}

NodeOf = Callable[..., Any]


@pytest.fixture
def node_of(storage: Storage, clock: ManualClock) -> NodeOf:
    """`async with node_of(timeout_s=…) as node`: a running node that may call loopback."""

    @contextlib.asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[Node]:
        push = PushOptions(**{"reach": Reach(LOOPBACK), **options})
        node = Node(storage=storage, clock=clock, ids=Ids(clock), push=push)
        async with alive(node):
            yield node

    return run


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Answers that all is done, unless a test says otherwise."""
    opened = Endpoint(lambda request: DONE)
    yield opened
    opened.close()


async def register(node: Node, endpoint: Endpoint, **more: Any) -> None:
    definition = Definition(
        "f",
        triggers=(Trigger(event="go"),),
        preferred_mode="push",
        endpoint_url=endpoint.url,
        **{"retry": RetryPolicy(max_attempts=2, initial_delay_ms=1_000, on_exhausted="fail"), **more},
    )
    await node.functions.register("default", definition)


async def emit(node: Node) -> str:
    emitted = await node.emitter.emit(NewEvent(environment="default", name="go", data=b"{}"))
    return emitted.run_ids[0]


async def came(endpoint: Endpoint) -> Request:
    """The next request."""
    return await asyncio.to_thread(endpoint.next)


async def outcome(node: Node, run_id: str) -> tuple[str, Any]:
    """Status and output of the run, once it has ended."""
    assert await node.waits.until_ended("default", run_id, WAIT_S)
    record = await node.runs.get("default", run_id)
    return record.state.status, record.output and msgspec.json.decode(record.output)


async def until(node: Node, run_id: str, status: str) -> None:
    """Returns when the run has that status: history is followed."""
    async with asyncio.timeout(WAIT_S):
        async for _ in node.tail.follow(0):
            if (await node.runs.get("default", run_id)).state.status == status:
                return


def held(*, then: Json) -> tuple[Answer, threading.Event]:
    """An answer that is held back until the event is set."""
    release = threading.Event()

    def answer(request: Request) -> Json:
        assert release.wait(WAIT_S)
        return then

    return answer, release


@pytest.mark.parametrize("style", ["v1", "sha256"])
async def test_requests_are_signed_as_the_function_wants_it(node_of: NodeOf, endpoint: Endpoint, style: str) -> None:
    async with node_of(signing_key="kéy") as node:
        await register(node, endpoint, metadata=msgspec.Raw(msgspec.json.encode({"__ironflow_signature": style})))
        await outcome(node, await emit(node))

        request = await came(endpoint)

    now_s = START_US // 1_000_000
    signed = request.body if style == "sha256" else f"{now_s}.".encode() + request.body
    digest = hmac.new("kéy".encode(), signed, hashlib.sha256).hexdigest()
    expected = f"sha256={digest}" if style == "sha256" else f"t={now_s},v1={digest}"
    assert request.headers["x-ironflow-signature"] == expected


@pytest.mark.parametrize("lines", [False, True])
async def test_an_answer_whose_write_is_refused_fails_the_attempt(
    node_of: NodeOf, endpoint: Endpoint, clock: ManualClock, lines: bool
) -> None:
    def answers(revision: int) -> Answer:
        def answer(request: Request) -> Any:
            write = {"operation": "put", "bucket": "b", "key": "k", "value": revision, "revision": revision}
            done = step(request, "a", writes=[write])
            return iter([{"step": done}, DONE]) if lines else {**DONE, "steps": [done]}

        return answer

    async with node_of() as node:
        await node.keyspace.create_bucket("default", Bucket("b"))
        await register(node, endpoint)
        endpoint.answer = answers(3)
        run_id = await emit(node)
        await until(node, run_id, "waiting")
        error = (await node.runs.get("default", run_id)).state.error
        endpoint.answer = answers(0)
        clock.advance(seconds=1)

        assert await outcome(node, run_id) == ("completed", "done")
        assert error is not None
        assert error.code == "REVISION_CONFLICT"
        assert (await node.keyspace.get("default", "b", "k")).value == b"0"


@pytest.mark.parametrize("able", [True, False])
async def test_an_endpoint_that_can_is_asked_once_more_to_undo_what_a_cancelled_run_did(
    node_of: NodeOf, endpoint: Endpoint, able: bool
) -> None:
    async with node_of() as node:
        await register(node, endpoint, metadata=msgspec.Raw(msgspec.json.encode({"__ironflow_unwinds": able})))
        endpoint.answer = lambda request: {
            "status": "yielded",
            "steps": [step(request, "charge")],
            "yield": {
                "type": "wait_for_event",
                "step_id": f"{request.json['run_id']}:w:0",
                "event_filter": {"event": "x"},
            },
        }
        run_id = await emit(node)
        await until(node, run_id, "waiting")
        await came(endpoint)
        endpoint.answer = lambda request: {
            "status": "failed",
            "steps": [step(request, "compensate:charge", type="compensate", compensation_for="charge")],
            "error": {"message": "the run is cancelled", "retryable": False},
        }

        await node.engine.cancel("default", run_id, reason="", compensate=True)

        assert await outcome(node, run_id) == ("cancelled", None)
        if able:
            assert (await came(endpoint)).json["unwind"] == {"cause": "cancelled"}
        names = [found.name for found in (await node.runs.get("default", run_id)).steps.values()]
        assert ("compensate:charge" in names) is able


def step(request: Request, name: str, **more: Any) -> Json:
    run_id = request.json["run_id"]
    return {"id": f"{run_id}:{name}:0", "name": name, "type": "invoke", "status": "completed", "output": 1, **more}


async def test_an_endpoint_that_stays_silent_too_long_has_failed(
    node_of: NodeOf, endpoint: Endpoint, clock: ManualClock
) -> None:
    async with node_of(timeout_s=1.0) as node:
        await register(node, endpoint)
        endpoint.answer, release = held(then=DONE)
        run_id = await emit(node)
        await until(node, run_id, "waiting")

        error = (await node.runs.get("default", run_id)).state.error

        assert error is not None
        assert (error.code, error.retryable) == ("ENDPOINT_TIMEOUT", True)
        endpoint.answer = lambda request: DONE
        clock.advance(seconds=1)
        assert await outcome(node, run_id) == ("completed", "done")
        release.set()


async def test_a_functions_own_timeout_is_the_limit_if_it_is_shorter(node_of: NodeOf, endpoint: Endpoint) -> None:
    async with node_of(timeout_s=60) as node:
        await register(node, endpoint, timeout_ms=50)
        endpoint.answer, release = held(then=DONE)
        run_id = await emit(node)
        await until(node, run_id, "waiting")
        release.set()


async def test_lines_and_empty_ones_are_signs_of_life(node_of: NodeOf, endpoint: Endpoint) -> None:
    def lines(request: Request) -> Iterator[Any]:
        beat = threading.Event()
        for _ in range(12):
            beat.wait(0.2)
            yield b"\n"
        yield DONE

    async with node_of(timeout_s=2.0) as node:
        await register(node, endpoint)
        endpoint.answer = lines
        assert await outcome(node, await emit(node)) == ("completed", "done")


async def test_the_answer_to_a_request_that_lost_its_run_is_refused(
    node_of: NodeOf, endpoint: Endpoint, clock: ManualClock
) -> None:
    async with node_of() as node:
        await register(node, endpoint, timeout_ms=60_000)
        endpoint.answer, release = held(then={**DONE, "result": "late"})
        run_id = await emit(node)
        await came(endpoint)
        await until(node, run_id, "running")

        clock.advance(seconds=61)
        assert await outcome(node, run_id) == ("failed", None)
        endpoint.answer, second = held(then={**DONE, "result": "in time"})
        await node.engine.resume("default", run_id)
        await came(endpoint)
        release.set()
        second.set()

        assert await outcome(node, run_id) == ("completed", "in time")


async def test_steps_of_an_execution_that_was_superseded_are_refused(node_of: NodeOf, endpoint: Endpoint) -> None:
    go_on = threading.Event()

    def first(request: Request) -> Iterator[Any]:
        yield b"\n"
        assert go_on.wait(WAIT_S)
        run_id = request.json["run_id"]
        yield {"step": {"id": f"{run_id}:late:0", "name": "late", "status": "completed"}}
        yield {**DONE, "result": "late"}

    async with node_of() as node:
        await register(node, endpoint)
        endpoint.answer = first
        run_id = await emit(node)
        await came(endpoint)
        await until(node, run_id, "running")
        endpoint.answer, second = held(then={**DONE, "result": "the second"})
        released = asyncio.Event()
        node.engine.release(
            "default", run_id, execution_seq=1, reason="as if another had it", done=lambda *_: released.set()
        )
        async with within("the release"):
            await released.wait()
        await came(endpoint)

        go_on.set()
        second.set()

        assert await outcome(node, run_id) == ("completed", "the second")
        record = await node.runs.get("default", run_id)
        assert (record.executions, list(record.steps)) == (2, [])


async def test_no_more_requests_at_a_time_than_allowed(node_of: NodeOf, endpoint: Endpoint) -> None:
    together, lock = threading.Barrier(3), threading.Lock()
    busy, most = 0, 0

    def answer(request: Request) -> Json:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        together.wait(WAIT_S)  # with fewer at a time, this would break
        with lock:
            busy -= 1
        return DONE

    async with node_of(concurrency=3) as node:
        await register(node, endpoint)
        endpoint.answer = answer
        runs = await asyncio.gather(*(emit(node) for _ in range(21)))
        outcomes = await asyncio.gather(*(outcome(node, run_id) for run_id in runs))

    assert outcomes == [("completed", "done")] * 21
    assert most == 3


async def test_an_open_breaker_holds_runs_back_and_a_probe_closes_it(
    node_of: NodeOf, endpoint: Endpoint, clock: ManualClock
) -> None:
    endpoint.answer = lambda request: Reply(500, b"")
    async with node_of() as node:
        await register(
            node, endpoint, retry=RetryPolicy(max_attempts=1, on_exhausted="fail"), circuit_breaker=CircuitBreaker(2)
        )
        for _ in range(2):
            assert await outcome(node, await emit(node)) == ("failed", None)
            await came(endpoint)
        [shown] = node.push.breakers("default")
        assert shown.breaker.state == "open"

        waiting = [await emit(node), await emit(node)]
        clock.advance(seconds=59)
        assert (shown.breaker.state, endpoint.requests.empty()) == ("open", True)

        clock.advance(seconds=1)  # the window is over: one request decides, and it fails
        assert await outcome(node, waiting[0]) == ("failed", None)
        await came(endpoint)
        assert (shown.breaker.state, endpoint.requests.empty()) == ("open", True)

        endpoint.answer = lambda request: DONE
        clock.advance(seconds=119)
        assert (await node.runs.row("default", waiting[1])).status == "waiting_for_capacity"
        clock.advance(seconds=1)
        assert await outcome(node, waiting[1]) == ("completed", "done")
        assert shown.breaker.state == "closed"


async def test_a_new_node_calls_endpoints_again_for_runs_that_were_under_way(
    node_of: NodeOf, endpoint: Endpoint
) -> None:
    endpoint.answer, release = held(then=DONE)
    async with node_of() as node:
        await register(node, endpoint)
        run_id = await emit(node)
        await came(endpoint)
        await until(node, run_id, "running")
    release.set()
    endpoint.answer = lambda request: {**DONE, "result": request.json["attempt"]}

    async with node_of() as node:
        assert await outcome(node, run_id) == ("completed", 1)


async def test_draining_lets_requests_end_and_sends_no_more(node_of: NodeOf, endpoint: Endpoint) -> None:
    endpoint.answer, release = held(then=DONE)
    async with node_of() as node:
        await register(node, endpoint)
        under_way = await emit(node)
        await came(endpoint)

        draining = asyncio.create_task(node.push.drain(WAIT_S))
        await asyncio.sleep(0)
        queued = await emit(node)
        release.set()
        await draining

        assert await outcome(node, under_way) == ("completed", "done")
        assert (await node.runs.row("default", queued)).status == "waiting_for_capacity"
        assert endpoint.requests.empty()


async def test_a_pushed_run_is_held_patched_and_goes_on_with_all_that_it_did(
    node_of: NodeOf, endpoint: Endpoint
) -> None:
    release = threading.Event()

    def answer(request: Request) -> Json:
        assert release.wait(WAIT_S)
        return {**DONE, "steps": [step(request, "a"), step(request, "b")]}

    endpoint.answer = answer
    async with node_of() as node:
        await register(node, endpoint)
        run_id = await emit(node)
        await came(endpoint)

        assert await node.engine.pause("default", run_id, reason="look") is False
        release.set()
        assert await node.waits.until_ended("default", run_id, WAIT_S)
        assert [one.name for one in (await node.runs.get("default", run_id)).steps.values()] == ["a", "b"]
        wish = Wish("inject", "a", msgspec.Raw(b"7"), resume=True)
        await node.rewind.correct("default", run_id, wish, asking.Request("by hand"))

        again = (await came(endpoint)).json
        assert {one["name"]: one["output"] for one in again["steps"]} == {"a": 7, "b": 1}
