"""Secrets reach the functions that declare them over each published protocol, and nothing that comes back is recorded
with their values."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from ironflow.v1 import types_pb2, worker_pb2
from tests.api.test_connect_worker import fence as stream_fence
from tests.api.test_connect_worker import hear, take
from tests.support.connect_worker import ConnectWorker
from tests.support.endpoint import Endpoint, Json, Reply, Request, Steps, function
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess

RPC = "/ironflow.v1.IronflowService"
VALUE, OTHER, NUMBER = "hunter-22-s3cret", "n0t-declared", "424242"


@pytest.fixture
def secrets(http: httpx.Client) -> None:
    for name, value in (("API_KEY", VALUE), ("OTHER", OTHER), ("PIN", NUMBER)):
        assert http.post("/api/v1/secrets", json={"name": name, "value": value}).status_code == 201


@pytest.fixture
def puller(http: httpx.Client) -> Puller:
    made = Puller(http)
    assert made.register_function(secrets=["API_KEY", "PIN"]).status_code == 200
    made.register()
    return made


def history_of(http: httpx.Client, run_id: str) -> str:
    """Everything that is recorded, as it is recorded."""
    assert run_id
    told = http.get("/api/v1/history", params={"limit": "1000"})
    assert told.status_code == 200, told.text
    return told.text


@pytest.mark.usefixtures("secrets")
def test_a_polling_worker_gets_what_the_function_declares(http: httpx.Client, puller: Puller) -> None:
    run_id = emit(http, {"a": 1})

    job = puller.job()

    assert job["context"] == {"secrets": {"API_KEY": VALUE, "PIN": NUMBER}}
    told = {one["name"]: one["used_by"] for one in http.get("/api/v1/secrets").json()}
    assert told == {"API_KEY": ["greet"], "OTHER": [], "PIN": ["greet"]}
    taken = step(job, "a", {"key": f"Bearer {VALUE}", VALUE: [int(NUMBER), 4242420, "424242", "other"]})
    failed = step(job, "b", status="failed", error={"message": f"401 for {VALUE}", "stack": VALUE, "retryable": True})
    assert puller.report(job, "progress", steps=[taken, failed]).status_code == 200
    error = {"message": f"no luck with {VALUE}", "code": "E", "retryable": True}
    assert puller.report(job, "failed", error=error).status_code == 200
    again = puller.job()
    assert again["context"] == {"secrets": {"API_KEY": VALUE, "PIN": NUMBER}}
    [memo] = again["completed_steps"]
    marks = {"key": "Bearer [secret:API_KEY]", "[secret:API_KEY]": ["[secret:PIN]", 4242420, "[secret:PIN]", "other"]}
    assert memo["output"] == marks
    assert puller.report(again, "completed", output=[VALUE]).status_code == 200

    ended = run(http, run_id, 10)
    assert (ended["status"], ended["output"]) == ("completed", ["[secret:API_KEY]"])
    recorded = history_of(http, run_id)
    assert VALUE not in recorded
    assert "no luck with [secret:API_KEY]" in recorded
    assert "401 for [secret:API_KEY]" in recorded


@pytest.mark.usefixtures("secrets")
def test_what_a_step_writes_is_recorded_without_them(http: httpx.Client, puller: Puller) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "b"})
    emit(http)
    job = puller.job()
    put = {"operation": "put", "bucket": "b"}
    writes = [
        {**put, "key": "json", "value": {"token": VALUE, "pin": int(NUMBER)}},
        {**put, "key": "text", "base64": base64.b64encode(f"it is {VALUE}".encode()).decode()},
    ]

    assert puller.report(job, "progress", steps=[step(job, "a", writes=writes)]).json() == {"status": "ok"}
    named = puller.report(job, "progress", steps=[step(job, "b", writes=[{**put, "key": VALUE, "value": 1}])])

    keys = "/api/v1/kv/buckets/b/keys"
    shown = {"token": "[secret:API_KEY]", "pin": "[secret:PIN]"}
    assert http.get(f"{keys}/json", params={"raw": "true"}).json() == shown
    assert http.get(f"{keys}/text", params={"raw": "true"}).text == "it is [secret:API_KEY]"
    assert (named.status_code, VALUE in named.text) == (400, False)
    assert http.get(keys).json()["keys"] == ["json", "text"]


def test_a_function_that_declares_none_gets_none(http: httpx.Client) -> None:
    http.post("/api/v1/secrets", json={"name": "API_KEY", "value": VALUE})
    puller = Puller(http)
    puller.register_function()
    puller.register()
    run_id = emit(http)

    job = puller.job()

    assert "context" not in job
    puller.report(job, "completed", output=f"by chance {VALUE}")
    assert run(http, run_id, 10)["output"] == f"by chance {VALUE}", "what was not given is not looked for"


@pytest.mark.usefixtures("secrets")
def test_a_run_without_its_secret_fails_and_goes_on_when_it_is_there(http: httpx.Client) -> None:
    puller = Puller(http)
    retry = {"maxAttempts": 2, "initialDelayMs": 1, "onExhausted": "pause"}
    puller.register_function(secrets=["API_KEY", "MISSING"], retry=retry)
    puller.register()
    run_id = emit(http)
    assert puller.poll(wait=1).status_code == 204

    paused = puller.http.get(f"/api/v1/runs/{run_id}", params={"wait": "10"}).json()
    assert (paused["status"], paused["error"]["code"]) == ("paused", "SECRET_NOT_FOUND"), paused
    assert "MISSING" in paused["error"]["message"]
    assert "API_KEY" not in paused["error"]["message"]

    http.post("/api/v1/secrets", json={"name": "MISSING", "value": "found-it"})
    assert http.post("/api/v1/runs/resume", json={"run_id": run_id}).status_code == 200
    job = puller.job()
    assert job["context"]["secrets"] == {"API_KEY": VALUE, "MISSING": "found-it"}
    puller.report(job, "completed", output=1)
    assert run(http, run_id, 10)["status"] == "completed"


@pytest.mark.usefixtures("secrets")
def test_a_secret_in_the_name_of_a_step_ends_the_run(http: httpx.Client, puller: Puller) -> None:
    run_id = emit(http)
    job = puller.job()

    refused = puller.report(job, "progress", steps=[step(job, f"get {VALUE}", 1)])

    assert (refused.status_code, VALUE in refused.text) == (400, False)
    ended = run(http, run_id, 10)
    assert (ended["status"], ended["error"]["retryable"]) == ("failed", False)
    assert VALUE not in json.dumps(ended) + history_of(http, run_id)


@pytest.mark.usefixtures("secrets")
def test_a_wait_for_what_is_secret_ends_the_run(http: httpx.Client, puller: Puller) -> None:
    run_id = emit(http)
    job = puller.job()
    filter_ = {"event": "paid", "timeout": "1d", "match": "data.key", "match_value": VALUE}
    wait = {"type": "wait_for_event", "step_id": f"{run_id}:w:0", "event_filter": filter_}

    refused = puller.report(job, "yielded", **{"yield": wait})

    assert (refused.status_code, VALUE in refused.text) == (400, False)
    assert run(http, run_id, 10)["status"] == "failed"
    assert VALUE not in history_of(http, run_id)


@pytest.fixture
def streaming(shared_server: ServerProcess, environment: str) -> Iterator[ConnectWorker]:
    made = ConnectWorker(shared_server.url, headers={"x-ironflow-environment-id": environment})
    yield made
    made.close()


@pytest.mark.usefixtures("secrets")
def test_a_streaming_worker_gets_them_in_the_context_of_the_job(http: httpx.Client, streaming: ConnectWorker) -> None:
    definition = {"id": "greet", "triggers": [{"event": "user.*"}], "secrets": ["API_KEY"]}
    http.post(f"{RPC}/RegisterFunction", json={**definition, "preferredMode": "EXECUTION_MODE_PULL"})
    message = worker_pb2.WorkerRegister(worker_id="w-1", function_ids=["greet"], max_concurrent_jobs=4)
    streaming.send(worker_pb2.WorkerMessage(register=message))
    run_id = emit(http)

    job = take(streaming)

    assert dict(job.context.secrets) == {"API_KEY": VALUE}
    done = worker_pb2.StepCompleted(step_id=f"{run_id}:a:0", **stream_fence(job))
    done.output.update({"key": VALUE})
    streaming.send(worker_pb2.WorkerMessage(step_completed=done))
    assert hear(streaming, "step_ack").accepted
    error = types_pb2.Error(message=f"denied {VALUE}", code="E", retryable=True)
    streaming.send(worker_pb2.WorkerMessage(job_failed=worker_pb2.JobFailed(error=error, **stream_fence(job))))
    again = take(streaming)
    assert MessageToDict(again.completed_steps[0].output) == {"key": "[secret:API_KEY]"}
    bad = worker_pb2.StepCompleted(step_id=f"{run_id}:{VALUE}:0", **stream_fence(again))
    streaming.send(worker_pb2.WorkerMessage(step_completed=bad))

    ended = run(http, run_id, 10)
    assert ended["status"] == "failed"
    recorded = json.dumps(ended) + history_of(http, run_id)
    assert VALUE not in recorded
    assert "denied [secret:API_KEY]" in recorded


@pytest.mark.usefixtures("secrets")
def test_an_endpoint_gets_them_in_the_request(http: httpx.Client) -> None:
    def greet(steps: Steps, event: Json) -> Any:
        return steps.run("a", lambda: {"key": VALUE})

    answer = function(greet)
    complained: list[Request] = []

    def first_complain(request: Request) -> Any:
        if not complained:
            complained.append(request)
            return Reply(500, {"error": {"code": "OOPS", "message": f"cannot take {request.json['secrets']}"}})
        return answer(request)

    endpoint = Endpoint(first_complain)
    try:
        definition = {"id": "greet", "triggers": [{"event": "user.*"}], "secrets": ["API_KEY"]}
        push = {"preferredMode": "EXECUTION_MODE_PUSH", "endpointUrl": endpoint.url}
        retry = {"maxAttempts": 3, "initialDelayMs": 1}
        http.post(f"{RPC}/RegisterFunction", json={**definition, **push, "retry": retry})
        run_id = emit(http)

        ended = run(http, run_id, 10)

        assert [endpoint.next().json["secrets"] for _ in range(2)] == [{"API_KEY": VALUE}] * 2
        assert (ended["status"], ended["output"]) == ("completed", {"key": "[secret:API_KEY]"})
        breakers = http.get("/api/v1/circuit-breakers").text
        recorded = history_of(http, run_id)
        assert VALUE not in recorded + breakers
        assert "OOPS: cannot take {'API_KEY': '[secret:API_KEY]'}" in recorded
    finally:
        endpoint.close()
