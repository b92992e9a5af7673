"""A worker that is asked to drain, or is disconnected, whatever it is connected by; and one that is turned away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ironflow import Client
from ironflow.errors import InvalidArgument
from ironflow.v1 import worker_pb2
from tests.support.connect_worker import ConnectWorker
from tests.support.puller import RPC, Puller, emit, run
from tests.support.server import ServerProcess

WHY = {"reason": "a new release"}


def steer(http: httpx.Client, verb: str, worker: str = "w1") -> dict[str, Any]:
    answer = http.post(f"/api/v1/workers/{worker}/{verb}", json=WHY)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def listed(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/api/v1/workers").json()
    return found


def recorded(http: httpx.Client) -> list[tuple[str, str]]:
    """What history has of workers: kind and reason, in order."""
    found = http.get("/api/v1/history", params={"kind": "worker.*"}).json()["entries"]
    return sorted((entry["kind"], entry["data"]["reason"]) for entry in found)


def test_a_polling_worker_that_drains_finishes_what_it_has_and_gets_no_more(http: httpx.Client, worker: Puller) -> None:
    first = emit(http)
    job = worker.job()

    assert steer(http, "drain") == {"worker_id": "w1", "status": "draining", "active_jobs": 1}
    second = emit(http)
    assert worker.poll(wait=0).status_code == 204
    assert http.post(f"{worker.base}/heartbeat", json={"jobs": []}).json() == {"status": "draining"}
    assert worker.report(job, "completed", output=1).status_code == 200
    assert steer(http, "drain") == {"worker_id": "w1", "status": "drained", "active_jobs": 0}
    other = Puller(http, name="w2")
    other.register()

    assert run(http, first, wait=10)["status"] == "completed"
    assert other.job()["run_id"] == second
    assert recorded(http) == [("worker.drain_requested", "a new release")], "to ask again changes nothing"
    worker.register()
    assert [one["draining"] for one in listed(http)["workers"] if one["id"] == "w1"] == [False]


def test_a_polling_worker_that_is_disconnected_loses_its_jobs_and_registers_again(
    http: httpx.Client, worker: Puller
) -> None:
    run_id = emit(http)
    job = worker.job()
    other = Puller(http, name="w2")
    other.register()

    assert steer(http, "disconnect")["status"] == "disconnected"
    assert other.job()["run_id"] == run_id
    assert worker.report(job, "completed").status_code == 404
    [left] = listed(http)["departed"]
    assert (left["id"], left["reason"]) == ("w1", "disconnected: a new release")
    worker.register()

    assert sorted(one["id"] for one in listed(http)["workers"]) == ["w1", "w2"]
    assert listed(http)["departed"] == []
    assert recorded(http) == [("worker.disconnect_requested", "a new release")]


def test_a_poll_that_waits_ends_when_its_worker_is_disconnected(http: httpx.Client, worker: Puller) -> None:
    answers: list[httpx.Response] = []
    polling = threading.Thread(target=lambda: answers.append(worker.poll(wait=25)))
    polling.start()

    steer(http, "disconnect")
    polling.join(10)

    assert [one.status_code in (204, 404) for one in answers] == [True], "whether it had begun to wait or not"


@pytest.fixture
def streaming(shared_server: ServerProcess, environment: str) -> Iterator[ConnectWorker]:
    made = ConnectWorker(shared_server.url, headers={"x-ironflow-environment-id": environment})
    yield made
    made.close()


def test_a_published_streaming_worker_is_told_to_drain_and_its_stream_ends_when_it_is_disconnected(
    http: httpx.Client, streaming: ConnectWorker
) -> None:
    def hear(kind: str) -> Any:
        while (message := streaming.receive()) is not None:
            if message.WhichOneof("payload") == kind:
                return getattr(message, kind)
        raise AssertionError(f"the stream ended before {kind}: {streaming.end}")

    assert http.post(f"{RPC}/RegisterFunction", json={"id": "greet"}).status_code == 200
    told = worker_pb2.WorkerRegister(worker_id="w1", function_ids=["greet"], max_concurrent_jobs=4)
    streaming.send(worker_pb2.WorkerMessage(register=told))
    hear("registered")

    assert steer(http, "drain")["status"] == "drained"
    assert hear("shutdown").reason == "a new release"
    assert steer(http, "disconnect")["status"] == "disconnected"
    while streaming.receive() is not None:
        pass
    assert listed(http)["workers"] == []
    assert listed(http)["departed"][0]["reason"] == "drained", "it had nothing left to do"


def test_lanes_tell_who_waits_for_what(http: httpx.Client, worker: Puller) -> None:
    worker.register_function(concurrency={"limit": 1})
    emit(http)
    worker.job()
    emit(http)

    [lane] = http.get("/api/v1/capacity/lanes").json()

    assert (lane["function_id"], lane["active_reserved"], lane["limit"]) == ("greet", 1, 1)
    assert (lane["queued"], lane["blocking_reason"]) == (1, "concurrency")
    assert lane["oldest_queue_age_seconds"] >= 0


def test_the_way_to_a_polling_worker_and_back_is_known_once_it_acknowledged(http: httpx.Client, worker: Puller) -> None:
    emit(http)
    job = worker.job()
    [before] = listed(http)["workers"]
    worker.ack(job)

    [after] = listed(http)["workers"]

    assert ("rtt_ms" in before, after["rtt_ms"] > 0) == (False, True)


def test_a_worker_tells_of_its_clock_by_when_its_job_began(http: httpx.Client, worker: Puller) -> None:
    emit(http)
    job = worker.job()
    worker.ack(job)

    def beat(started_at: str, job_id: str = job["job_id"]) -> dict[str, Any]:
        told = {"jobs": [{"job_id": job_id, "started_at": started_at}]}
        assert http.post(f"{worker.base}/heartbeat", json=told).is_success
        [shown] = listed(http)["workers"]
        return dict(shown)

    for unclear in (beat("at nine"), beat("2001-01-01T00:00:00Z", "job_of_somebody")):
        assert ("skew_ms" in unclear, unclear["skewed"]) == (False, False)
    early = beat("2001-01-01T00:00:00Z")
    assert (early["skew_ms"] < -1_000_000, early["skewed"]) == (True, True)
    late = beat("2999-01-01T00:00:00+02:00")
    assert (late["skew_ms"] > 1_000_000, late["skewed"]) == (True, True)


def test_a_worker_is_steered_whatever_it_is_called_and_none_is_called_what_no_path_can_say(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    odd = "w ü?#%2F&+..x"
    body = {"worker_id": odd, "function_ids": ["greet"], "max_concurrent_jobs": 1}
    http.post(f"/api/v1/workers/{quote(odd, safe='')}/register", json=body).raise_for_status()
    with Client(shared_server.url, environment=environment) as client:
        assert client.drain_worker(odd)["worker_id"] == odd
        with pytest.raises(InvalidArgument, match="path of a URL"):
            client.drain_worker("..")
        with pytest.raises(InvalidArgument, match="between slashes"):
            client.kv.put("carts", "../x", 1)

    for name in (".", "..", "a/b"):
        stream = ConnectWorker(shared_server.url, headers={"x-ironflow-environment-id": environment})
        message = worker_pb2.WorkerRegister(worker_id=name, function_ids=["greet"], max_concurrent_jobs=1)
        stream.send(worker_pb2.WorkerMessage(register=message))
        assert stream.receive() is None
        assert "cannot stand in the path" in stream.end["error"]["message"]
        stream.close()
    assert {one["id"] for one in listed(http)["workers"]} == {"w1", odd}


def test_what_cannot_be_steered_is_refused_and_nothing_recorded(http: httpx.Client, worker: Puller) -> None:
    nobody = http.post("/api/v1/workers/nobody/drain", json=WHY)
    endless = http.post("/api/v1/workers/w1/disconnect", json={"reason": "x" * 1_001})

    assert (nobody.status_code, nobody.json()["code"]) == (404, "WORKER_NOT_FOUND")
    assert (endless.status_code, endless.json()["field"]) == (400, "reason")
    assert http.post("/api/v1/workers/w1/drain", json={"why": 1}).status_code == 400
    assert recorded(http) == []
    assert [one["draining"] for one in listed(http)["workers"]] == [False]


def test_workers_that_are_turned_away_are_counted_with_what_tells_their_key(guarded: ServerProcess) -> None:
    root = {"Authorization": f"Bearer {guarded.key}", "X-Ironflow-Environment-ID": "turned-away"}
    wrong = {"Authorization": f"Bearer ifkey_{'0' * 62}ab", "X-Ironflow-Environment-ID": "turned-away"}
    with httpx.Client(base_url=guarded.url, timeout=30) as client:
        viewer = client.post("/api/v1/apikeys", json={"name": "v", "role_ids": ["viewer"]}, headers=root).json()
        may_not = {**root, "Authorization": f"Bearer {viewer['key']}"}
        body = {"function_ids": ["f"]}
        for headers in (wrong, wrong, may_not):
            assert client.post("/api/v1/workers/w1/register", json=body, headers=headers).status_code in (401, 403)
        for verb in ("drain", "disconnect"):
            assert client.post(f"/api/v1/workers/w1/{verb}", json=WHY, headers=may_not).status_code == 403

        told = client.get("/api/v1/workers", headers=root).json()["rejected"]
        elsewhere = client.get("/api/v1/workers", headers={"Authorization": root["Authorization"]}).json()["rejected"]

    found = {one["code"]: (one["key"], one["times"]) for one in told}
    assert found == {
        "UNAUTHENTICATED": ("ifkey_…ab", 2),
        "PERMISSION_DENIED": (f"ifkey_…{viewer['key'][-2:]}", 1),
    }
    assert not [one for one in elsewhere if one["key"] == "ifkey_…ab"], "whoever looks after another environment"
