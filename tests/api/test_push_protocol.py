"""The published push protocol against a real server: endpoints of a few lines, written from the wire facts alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.endpoint import WAIT_S, Answer, Endpoint, Json, Reply, Request, Steps, function

RPC = "/ironflow.v1.IronflowService"


@pytest.fixture
def endpoint_of() -> Iterator[Callable[[Answer], Endpoint]]:
    """Starts endpoints, and closes them after the test."""
    opened: list[Endpoint] = []

    def start(answer: Answer) -> Endpoint:
        opened.append(Endpoint(answer))
        return opened[-1]

    yield start
    for endpoint in opened:
        endpoint.close()


EndpointOf = Callable[[Answer], Endpoint]


def register(http: httpx.Client, endpoint_url: str, **more: Any) -> httpx.Response:
    body = {
        "id": "greet",
        "name": "greet",
        "triggers": [{"event": "user.*"}],
        "preferredMode": "EXECUTION_MODE_PUSH",
        "endpointUrl": endpoint_url,
        "retry": {"maxAttempts": 3, "initialDelayMs": 1, "onExhausted": "fail"},
        **more,
    }
    return http.post(f"{RPC}/RegisterFunction", json={key: value for key, value in body.items() if value is not None})


def emit(http: httpx.Client, data: Any = None, **more: Any) -> str:
    answer = http.post("/api/v1/events", json={"name": "user.signed_up", "data": data, **more})
    assert answer.status_code == 201, answer.text
    [run_id] = answer.json()["run_ids"]
    return str(run_id)


def ended(http: httpx.Client, run_id: str) -> Json:
    """The run, once it has ended."""
    for _ in range(4):
        run: Json = http.get(f"/api/v1/runs/{run_id}", params={"wait": "10"}).json()
        if run["status"] in ("completed", "failed", "cancelled", "paused"):
            return run
    raise AssertionError(f"not ended: {run}")


def steps_of(http: httpx.Client, run: Json) -> dict[str, str]:
    found = http.get(f"/api/v1/runs/{run['id']}/steps").json()
    return {step["name"]: step["status"] for step in found["steps"]}


def test_an_execution_is_posted_and_its_steps_and_result_are_recorded(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    def greet(steps: Steps, event: Json) -> Any:
        name = steps.run("find: name", lambda: event["data"]["name"])
        return {"greeting": steps.run("greet", lambda: f"hello {name}")}

    endpoint = endpoint_of(function(greet))
    assert register(http, endpoint.url + "?tenant=a").json()["created"] is True
    run_id = emit(http, {"name": "Ada"}, idempotencyKey="k-1", metadata={"trace": "t"})

    run = ended(http, run_id)

    assert (run["status"], run["output"], run["attempt"]) == ("completed", {"greeting": "hello Ada"}, 1)
    assert steps_of(http, run) == {"find: name": "completed", "greet": "completed"}
    request = endpoint.next()
    assert request.path == "/api/ironflow?tenant=a"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{endpoint.port}"
    assert request.headers["x-ironflow-run-id"] == run_id
    assert "x-ironflow-signature" not in request.headers
    told = request.json
    assert (told["run_id"], told["function_id"], told["attempt"]) == (run_id, "greet", 1)
    assert (told["steps"], told["max_attempts"], told["on_exhausted"]) == ([], 3, "fail")
    event = told["event"]
    assert (event["name"], event["data"], event["version"]) == ("user.signed_up", {"name": "Ada"}, 1)
    assert (event["idempotency_key"], event["metadata"]) == ("k-1", {"trace": "t"})
    assert datetime.fromisoformat(event["timestamp"])
    assert None not in event.values()


def test_a_sleep_ends_the_request_and_the_next_one_brings_it_as_a_step(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    ran: list[str] = []

    def nap(steps: Steps, event: Json) -> Any:
        steps.run("before", lambda: ran.append("before"))
        until = (datetime.now(UTC) + timedelta(milliseconds=20)).isoformat(timespec="milliseconds")
        slept = steps.wait("nap", "sleep", until=until.replace("+00:00", "Z"))
        steps.run("after", lambda: ran.append("after"))
        return slept["status"]

    endpoint = endpoint_of(function(nap))
    register(http, endpoint.url)

    run = ended(http, emit(http))

    assert (run["status"], run["output"]) == ("completed", "completed")
    assert ran == ["before", "after"]
    endpoint.next()
    second = endpoint.next().json
    assert [(step["name"], step["status"]) for step in second["steps"]] == [
        ("before", "completed"),
        ("nap", "completed"),
    ]
    assert second["attempt"] == 1


def test_an_event_that_is_waited_for_comes_as_the_output_of_its_step(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    def order(steps: Steps, event: Json) -> Any:
        wanted = {"event": "order.paid", "match": "data.id", "timeout": "1h"}
        return steps.wait("paid", "wait_for_event", event_filter=wanted)["output"]

    endpoint = endpoint_of(function(order))
    register(http, endpoint.url)
    run_id = emit(http, {"id": 7})
    _until(http, f"/api/v1/runs/{run_id}", lambda run: run["status"] == "waiting")
    for number in (8, 7):
        http.post("/api/v1/events", json={"name": "order.paid", "data": {"id": number}})

    run = ended(http, run_id)

    assert (run["status"], run["output"]["name"], run["output"]["data"]) == ("completed", "order.paid", {"id": 7})


def test_a_wait_that_times_out_fails_the_run(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    def order(steps: Steps, event: Json) -> Any:
        steps.wait("paid", "wait_for_event", event_filter={"event": "order.paid", "timeout": "10ms"})

    endpoint = endpoint_of(function(order))
    register(http, endpoint.url)

    run = ended(http, emit(http))

    assert (run["status"], run["attempt"]) == ("failed", 1)
    endpoint.next()
    assert endpoint.requests.empty()


def test_child_runs_are_invoked_and_their_results_and_failures_come_as_steps(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    class Broken(Exception):
        final = True

    def parent(steps: Steps, event: Json) -> Any:
        ask = {"function_id": "child", "invoke_timeout_ms": 20_000}
        fine = steps.wait("child", "invoke_function", input={"n": 1}, **ask)
        failed = steps.wait("child", "invoke_function", input={"n": 0}, **ask)
        begun = steps.wait("child", "invoke_function_async", function_id="child", input={"n": 2}, tags=["old"])
        return [fine["output"], failed["status"], json.loads(failed["error"]), begun["output"]]

    def child(steps: Steps, event: Json) -> Any:
        try:
            return 1 // event["data"]["n"]
        except ZeroDivisionError as error:
            raise Broken(str(error)) from None

    parents, children = function(parent), function(child)
    endpoint = endpoint_of(lambda request: (parents if request.json["function_id"] == "greet" else children)(request))
    register(http, endpoint.url)
    assert register(http, endpoint.url, id="child", name="child", triggers=[]).status_code == 200

    run = ended(http, emit(http))

    assert run["status"] == "completed", run
    fine, status, error, begun = run["output"]
    assert (fine, status, error["function_id"]) == (1, "failed", "child")
    assert error["child_run_id"].startswith("run_")
    later = ended(http, begun["run_id"])
    assert (later["output"], later["tags"]) == (0, ["old"])


def test_a_failed_attempt_is_retried_with_what_it_has_done(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    charged: list[int] = []

    def pay(steps: Steps, event: Json) -> Any:
        steps.run("charge", lambda: charged.append(1))
        return steps.run("confirm", lambda: 1 // (len(attempts) - 1))

    attempts: list[int] = []
    inner = function(pay)

    def answer(request: Request) -> Any:
        attempts.append(request.json["attempt"])
        return inner(request)

    register(http, endpoint_of(answer).url)

    run = ended(http, emit(http))

    assert (run["status"], run["output"], attempts, charged) == ("completed", 1, [1, 2], [1])


def test_a_final_failure_records_its_compensations(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    class Declined(Exception):
        final = True

    def book(steps: Steps, event: Json) -> Any:
        steps.run("book hotel", lambda: "h-1")
        try:
            steps.run("pay", lambda: 1 // 0)
        except ZeroDivisionError:
            steps.run("compensate:book hotel", lambda: None, kind="compensate", undoes="book hotel")
            raise Declined("the card was declined") from None

    register(http, endpoint_of(function(book)).url)

    run = ended(http, emit(http))

    assert (run["status"], run["error"]["message"], run["error"]["code"]) == (
        "failed",
        "the card was declined",
        "Declined",
    )
    assert steps_of(http, run) == {"book hotel": "completed", "pay": "failed", "compensate:book hotel": "completed"}


@pytest.mark.parametrize(
    ("reply", "code", "text"),
    [
        (Reply(503, b"<html>"), "ENDPOINT_503", "answered 503"),
        (Reply(404, {"error": {"code": "FUNCTION_NOT_FOUND", "message": "no greet"}}), "ENDPOINT_404", "no greet"),
        (Reply(302, b"", {"location": "http://169.254.169.254/"}), "ENDPOINT_302", "redirects are not followed"),
        (Reply(204, b""), "ENDPOINT_204", "answered 204"),
        (Reply(200, b"<html>hello"), "ENDPOINT_BROKEN", "not with an outcome"),
        (Reply(200, {"status": "great"}), "ENDPOINT_BROKEN", "great"),
        (Reply(200, {"status": "yielded"}), "ENDPOINT_BROKEN", "yielded"),
        (Reply(200, b"{}", {"content-encoding": "gzip"}), "ENDPOINT_BROKEN", "packed"),
        (Reply(200, b"{}", {"content-length": "100", "connection": "close"}), "ENDPOINT_BROKEN", "did not answer"),
    ],
)
def test_an_answer_that_is_no_outcome_is_a_failed_attempt(
    http: httpx.Client, endpoint_of: EndpointOf, reply: Reply, code: str, text: str
) -> None:
    endpoint = endpoint_of(lambda request: reply if request.json["attempt"] == 1 else {"status": "completed"})
    register(http, endpoint.url)

    run = ended(http, emit(http))

    assert (run["status"], run["attempt"]) == ("completed", 2)
    endpoint.answer = lambda request: reply
    run = ended(http, emit(http))
    assert (run["status"], run["attempt"], run["error"]["code"]) == ("failed", 3, code)
    assert text in run["error"]["message"]
    assert "html" not in run["error"]["message"]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"steps": [{"id": "run_other:a:0", "name": "a", "status": "completed"}]}, "INVALID_ARGUMENT"),
        ({"steps": [{"id": "RUN:a:0", "name": "a", "status": "perhaps"}]}, "INVALID_ARGUMENT"),
        ({"steps": [{"id": "RUN:a:0", "name": "a", "status": "completed", "output": "a\0b"}]}, "INVALID_ARGUMENT"),
        ({"result": "x" * (10 * 2**20)}, "PAYLOAD_TOO_LARGE"),
        ({"status": "yielded", "yield": {"type": "sleep", "step_id": "RUN:n:0", "until": "soon"}}, "INVALID_ARGUMENT"),
        ({"status": "yielded", "yield": {"type": "dance", "step_id": "RUN:n:0"}}, "INVALID_ARGUMENT"),
    ],
)
def test_an_outcome_that_cannot_be_recorded_fails_the_run_at_once(
    http: httpx.Client, endpoint_of: EndpointOf, outcome: Json, code: str
) -> None:
    def answer(request: Request) -> Json:
        text = json.dumps({"status": "completed", **outcome}).replace("RUN:", f"{request.json['run_id']}:")
        read: Json = json.loads(text)
        return read

    register(http, endpoint_of(answer).url)

    run = ended(http, emit(http))

    assert (run["status"], run["attempt"], run["error"]["code"]) == ("failed", 1, code)
    assert steps_of(http, run) == {}


def test_an_answer_in_lines_is_recorded_as_it_comes(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    told_of_first, go_on = threading.Event(), threading.Event()

    def lines(request: Request) -> Iterator[Any]:
        assert "application/x-ndjson" in request.headers["accept"]
        run_id = request.json["run_id"]
        yield {"step": {"id": f"{run_id}:one:0", "name": "one", "status": "completed", "output": 1}}
        yield b"\n"
        told_of_first.set()
        assert go_on.wait(WAIT_S)
        yield {"step": {"id": f"{run_id}:two:0", "name": "two", "status": "completed", "output": 2}}
        yield {"status": "completed", "result": [1, 2]}

    register(http, endpoint_of(lines).url)
    run_id = emit(http)
    assert told_of_first.wait(WAIT_S)

    _until(http, f"/api/v1/runs/{run_id}/steps", lambda found: bool(found["steps"]))
    under_way = http.get(f"/api/v1/runs/{run_id}").json()

    assert (under_way["status"], steps_of(http, under_way)) == ("running", {"one": "completed"})
    go_on.set()
    run = ended(http, run_id)
    assert (run["status"], run["output"], steps_of(http, run)) == (
        "completed",
        [1, 2],
        {"one": "completed", "two": "completed"},
    )


def test_what_came_in_lines_before_the_endpoint_died_is_not_run_again(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    def lines(request: Request) -> Any:
        told = request.json
        if told["attempt"] == 1:
            return iter(
                [{"step": {"id": f"{told['run_id']}:one:0", "name": "one", "status": "completed", "output": 7}}]
            )
        return {"status": "completed", "result": told["steps"][0]["output"]}

    register(http, endpoint_of(lines).url)

    run = ended(http, emit(http))

    assert (run["status"], run["output"], run["attempt"]) == ("completed", 7, 2)


@pytest.mark.parametrize("ours", [False, True])
def test_what_failed_for_good_before_the_endpoint_died_is_told_to_handlers_like_ours(
    http: httpx.Client, endpoint_of: EndpointOf, ours: bool
) -> None:
    told: list[Any] = []

    def lines(request: Request) -> Any:
        told.append(request.json["steps"])
        run_id, attempt = request.json["run_id"], request.json["attempt"]
        if attempt == 1:
            error = {"message": "refused", "code": "CARD_REFUSED", "retryable": False}
            passing = {"id": f"{run_id}:b:0", "name": "b", "status": "failed", "error": {**error, "retryable": True}}
            return iter(
                [
                    {"step": {"id": f"{run_id}:a:0", "name": "a", "status": "failed", "error": error}},
                    {"step": passing},
                ]
            )
        return {"status": "failed", "error": {"message": "refused", "code": "CARD_REFUSED", "retryable": False}}

    register(http, endpoint_of(lines).url, metadata={"__ironflow_unwinds": True} if ours else {})

    run = ended(http, emit(http))

    assert (run["status"], run["attempt"]) == ("failed", 2)
    [first, second] = told
    assert first == []
    if ours:
        [step] = second
        assert (step["name"], step["status"], step["attempt"]) == ("a", "failed", 1)
        assert json.loads(step["error"]) == {"message": "refused", "code": "CARD_REFUSED", "retryable": False}
    else:
        assert second == [], "a published handler runs failed steps again"


def test_a_cancelled_run_hangs_up_on_its_endpoint(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    cancelled = threading.Event()

    def lines(request: Request) -> Iterator[bytes]:
        while True:
            yield b"\n"
            cancelled.wait(0.05)

    endpoint = endpoint_of(lines)
    register(http, endpoint.url)
    run_id = emit(http)
    endpoint.next()

    assert http.post(f"/api/v1/runs/{run_id}/cancel", json={"reason": "enough"}).status_code == 200

    cancelled.set()
    assert endpoint.gone.get(timeout=WAIT_S) == run_id
    assert ended(http, run_id)["status"] == "cancelled"


def test_the_last_registration_decides_between_push_and_pull(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    release = threading.Event()

    def answer(request: Request) -> Json:
        assert release.wait(WAIT_S)
        return {"status": "completed", "result": "pushed"}

    endpoint = endpoint_of(answer)
    register(http, endpoint.url)
    pushed = emit(http)
    endpoint.next()
    worker = {"worker_id": "w", "function_ids": ["greet"], "max_concurrent_jobs": 1}
    assert http.post("/api/v1/workers/w/register", json=worker).status_code == 200
    assert http.get("/api/v1/workers/w/jobs", params={"available": 1}).status_code == 204

    register(http, endpoint.url, preferredMode="EXECUTION_MODE_PULL")
    pulled = emit(http)

    [job] = http.get("/api/v1/workers/w/jobs", params={"available": 1, "wait": 20}).json()["jobs"]
    assert job["run_id"] == pulled
    release.set()
    assert ended(http, pushed)["output"] == "pushed"
    register(http, endpoint.url)
    assert ended(http, emit(http))["output"] == "pushed"
    assert http.get("/api/v1/workers/w/jobs", params={"available": 1}).status_code == 204


def test_push_functions_are_shown_with_their_endpoint_and_as_workers(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    endpoint = endpoint_of(lambda request: {"status": "completed"})
    registered = register(http, endpoint.url, preferredMode=None).json()["function"]
    run_id = emit(http)
    ended(http, run_id)

    assert (registered["preferredMode"], registered["endpointUrl"]) == ("EXECUTION_MODE_PUSH", endpoint.url)
    [function] = http.get("/api/v1/functions").json()["functions"]
    assert (function["preferred_mode"], function["endpoint_url"]) == ("push", endpoint.url)
    [worker] = http.get("/api/v1/workers").json()["workers"]
    assert (worker["id"], worker["transport"], worker["hostname"]) == (
        "push:greet",
        "push",
        f"127.0.0.1:{endpoint.port}",
    )
    forged = {"function_ids": ["greet"], "max_concurrent_jobs": 1}
    assert http.post("/api/v1/workers/push:greet/register", json=forged).json()["field"] == "worker_id"
    assert http.post("/api/v1/workers/push:greet/drain", json={}).status_code == 412
    assert http.post(f"{RPC}/GetRun", json={"id": run_id}).json()["executionMode"] == "EXECUTION_MODE_PUSH"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpointUrl": None}, "endpoint_url"),
        ({"endpointUrl": "ftp://example.com/"}, "endpoint_url"),
        ({"endpointUrl": "http://user:secret@example.com/"}, "endpoint_url"),
        ({"endpointUrl": "http://10.0.0.1/"}, "endpoint_url"),
        ({"endpointUrl": "http://169.254.169.254/latest"}, "endpoint_url"),
        ({"circuitBreaker": {"failureThreshold": -1}}, "failure_threshold"),
        ({"circuitBreaker": {"openDurationMs": 1_000, "maxOpenDurationMs": 10}}, "open_duration_ms"),
        ({"metadata": {"__ironflow_signature": "md5"}}, "__ironflow_signature"),
        ({"metadata": {"__ironflow_unwinds": "yes"}}, "__ironflow_unwinds"),
    ],
)
def test_a_registration_that_cannot_work_is_refused(http: httpx.Client, changes: Json, field: str) -> None:
    answer = (
        register(http, "https://example.com/ironflow", **changes)
        if "endpointUrl" not in changes
        else register(http, changes["endpointUrl"])
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument"), answer.text
    assert field in answer.json()["message"]
    assert http.get("/api/v1/functions").json()["functions"] == []


def test_the_servers_own_ports_are_no_endpoints(http: httpx.Client) -> None:
    answer = register(http, f"{http.base_url}/api/v1/events")

    assert answer.status_code == 400
    assert "this server itself" in answer.json()["message"]


def test_an_endpoint_nobody_listens_at_uses_no_attempt_and_opens_its_breaker(
    http: httpx.Client, endpoint_of: EndpointOf
) -> None:
    closed = endpoint_of(lambda request: None)
    closed.close()
    register(http, closed.url, circuitBreaker={"failureThreshold": 2, "openDurationMs": 3_600_000})
    run_id = emit(http)

    [breaker] = _until(http, "/api/v1/circuit-breakers", lambda breakers: breakers[0]["state"] == "open")

    assert (breaker["function_id"], breaker["endpoint"], breaker["consecutive_fails"]) == ("greet", closed.url, 2)
    assert "could not be connected to" in breaker["last_error"]
    assert datetime.fromisoformat(breaker["last_failure"]) < datetime.fromisoformat(breaker["retry_at"])
    run = _until(http, f"/api/v1/runs/{run_id}", lambda run: run["status"] == "waiting_for_capacity")
    assert run["attempt"] == 1
    endpoint = endpoint_of(lambda request: {"status": "completed", "result": "at last"})
    register(http, endpoint.url)
    assert ended(http, run_id)["output"] == "at last"
    [breaker] = http.get("/api/v1/circuit-breakers").json()
    assert (breaker["state"], breaker["consecutive_fails"], breaker["endpoint"]) == ("closed", 0, endpoint.url)
    by_function = http.post("/api/v1/circuit-breakers/greet/reset")
    assert (by_function.status_code, by_function.json()["key"]) == (200, breaker["key"])


def test_an_open_breaker_can_be_reset(http: httpx.Client, endpoint_of: EndpointOf) -> None:
    endpoint = endpoint_of(lambda request: Reply(500, b""))
    retry = {"maxAttempts": 1, "onExhausted": "fail"}
    register(http, endpoint.url, retry=retry, circuitBreaker={"failureThreshold": 1, "openDurationMs": 3_600_000})
    assert ended(http, emit(http))["status"] == "failed"
    endpoint.answer = lambda request: {"status": "completed"}
    waiting = emit(http)
    assert http.get(f"/api/v1/runs/{waiting}").json()["status"] == "waiting_for_capacity"
    [breaker] = http.get("/api/v1/circuit-breakers").json()
    assert breaker["state"] == "open"

    answer = http.post(f"/api/v1/circuit-breakers/{breaker['key']}/reset")

    assert (answer.status_code, answer.json()["state"]) == (200, "closed")
    assert ended(http, waiting)["status"] == "completed"
    unknown = http.post("/api/v1/circuit-breakers/cb_nothing/reset")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "BREAKER_NOT_FOUND")


def _until(http: httpx.Client, path: str, holds: Callable[[Any], bool]) -> Any:
    """What is read once it holds; the server has no signal for it, so it is asked again and again."""
    ask = threading.Event()
    for _ in range(600):
        found = http.get(path).json()
        if holds(found):
            return found
        ask.wait(0.05)
    raise AssertionError(f"never: {found}")
