"""TimeTravelService over gRPC and Connect, from outside: the past of runs by time."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import timetravel_pb2 as pb
from ironflow.v1 import timetravel_pb2_grpc
from tests.support.puller import Puller, emit, run, step

SERVICE = "/ironflow.v1.TimeTravelService"


@pytest.fixture
def run_id(http: httpx.Client) -> str:
    """A run whose only step failed once, and was undone in the end."""
    http.headers["Content-Type"] = "application/json"
    worker = Puller(http)
    worker.register_function()
    worker.register()
    run_id = emit(http, {"n": 1})
    job = worker.job()
    failed = step(job, "a", status="failed", error={"message": "boom", "code": "E", "retryable": True})
    del failed["output"]
    worker.report(job, "progress", steps=[failed])
    worker.report(job, "failed", step_offset=1, error={"message": "boom", "code": "E", "retryable": True})
    job = worker.job()
    undone = step(job, "compensate:a", type="compensate", compensation_for="a")
    end = {"error": {"message": "the end", "code": "X", "retryable": False}}
    worker.report(job, "failed", steps=[step(job, "a", {"x": 7}), undone], step_offset=1, **end)
    assert run(http, run_id, wait=10)["status"] == "failed"
    return run_id


def test_the_past_of_a_run_by_time(channel: grpc.Channel, environment: str, run_id: str) -> None:
    stub: Any = timetravel_pb2_grpc.TimeTravelServiceStub(channel)
    metadata = [("x-ironflow-environment-id", environment)]

    events = stub.GetRunTimeline(pb.GetRunTimelineRequest(run_id=run_id), metadata=metadata).events
    states = [
        stub.GetRunStateAt(pb.GetRunStateAtRequest(run_id=run_id, timestamp=one.timestamp), metadata=metadata).snapshot
        for one in events
    ]
    now = stub.GetRunStateAt(pb.GetRunStateAtRequest(run_id=run_id), metadata=metadata).snapshot

    assert [one.event_type for one in events] == [
        *("run.created", "run.status_changed", "step.failed", "run.status_changed"),
        *("run.status_changed", "step.completed", "saga.compensation.completed", "run.status_changed"),
    ]
    assert [one.step_name for one in events if one.significant] == ["", "a", "", "a", "compensate:a", ""]
    assert events[2].summary == "a failed, attempt 1: E: boom"
    assert all(one.id == str(one.position) for one in events)
    assert (now.status, json.loads(now.input), now.function_id) == ("failed", {"n": 1}, "greet")
    assert [(one.name, one.type, one.status, one.output) for one in now.steps] == [
        ("a", "invoke", "completed", b'{"x":7}'),
        ("compensate:a", "compensate", "completed", b"null"),
    ]
    assert now.steps[0].completed_at.ToMicroseconds() == events[5].timestamp.ToMicroseconds()
    for state, event in zip(states, events, strict=True):
        assert state.position >= event.position  # several may be recorded in the same instant
    then = states[3]
    assert [(one.status, one.output, json.loads(one.error)["code"]) for one in then.steps] == [("failed", b"", "E")]
    assert (then.status, then.created_at) == ("waiting", events[0].timestamp)

    output = stub.GetStepOutputAt(pb.GetStepOutputAtRequest(run_id=run_id, step_id="a"), metadata=metadata)
    assert (output.status, output.output, output.patched) == ("completed", b'{"x":7}', False)


def test_whole_milliseconds_are_meant_to_their_end(http: httpx.Client, run_id: str) -> None:
    """As clients give them that know no finer ones."""
    events = http.post(f"{SERVICE}/GetRunTimeline", json={"runId": run_id}).json()["events"]
    for event in events:
        second, _, fraction = event["timestamp"].removesuffix("Z").partition(".")
        rounded = f"{second}.{fraction[:3].ljust(3, '0')}Z"

        told = http.post(f"{SERVICE}/GetRunStateAt", json={"runId": run_id, "timestamp": rounded})

        assert told.status_code == 200, told.text
        assert int(told.json()["snapshot"]["position"]) >= int(event["position"])


def test_connect_answers_with_base64(http: httpx.Client, run_id: str) -> None:
    told = http.post(f"{SERVICE}/GetRunStateAt", json={"run_id": run_id}).json()["snapshot"]
    output = http.post(f"{SERVICE}/GetStepOutputAt", json={"runId": run_id, "stepId": f"{run_id}:a:0"}).json()

    assert json.loads(b64decode(told["input"])) == {"n": 1}
    assert json.loads(b64decode(output["output"])) == {"x": 7}


def test_what_is_not_there_is_not_found(http: httpx.Client, run_id: str) -> None:
    for method, body in (
        ("GetRunStateAt", {"runId": "run_0000000000000000000000000"}),
        ("GetRunStateAt", {"runId": run_id, "timestamp": "2001-01-01T00:00:00Z"}),
        ("GetRunTimeline", {"runId": "run_0000000000000000000000000"}),
        ("GetStepOutputAt", {"runId": run_id, "stepId": "none"}),
    ):
        told = http.post(f"{SERVICE}/{method}", json=body)
        assert (told.status_code, told.json()["code"]) == (404, "not_found"), method
