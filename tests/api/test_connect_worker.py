"""The published streaming worker: WorkerService/Connect over the Connect protocol, on the HTTP port, without TLS."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from app.rpc.worker import LEASE_TTL_S
from ironflow.v1 import worker_pb2
from tests.support.connect_worker import PATH, ConnectWorker
from tests.support.server import ServerProcess

RPC = "/ironflow.v1.IronflowService"


@pytest.fixture
def worker(shared_server: ServerProcess, environment: str) -> Iterator[ConnectWorker]:
    made = ConnectWorker(shared_server.url, headers={"x-ironflow-environment-id": environment})
    yield made
    made.close()


def register(worker: ConnectWorker, http: httpx.Client) -> None:
    definition = {"id": "greet", "triggers": [{"event": "user.signed_up"}], "preferredMode": "EXECUTION_MODE_PULL"}
    assert http.post(f"{RPC}/RegisterFunction", json=definition).status_code == 200
    message = worker_pb2.WorkerRegister(worker_id="w-1", function_ids=["greet"], max_concurrent_jobs=4)
    worker.send(worker_pb2.WorkerMessage(register=message))
    assert hear(worker, "registered").worker_id == "w-1"


def hear(worker: ConnectWorker, kind: str) -> Any:
    while (message := worker.receive()) is not None:
        assert not message.batch, "a published worker knows no batches"
        if message.WhichOneof("payload") == kind:
            return getattr(message, kind)
    raise AssertionError(f"the stream ended before {kind}: {worker.end}")


def fence(job: worker_pb2.JobAssignment) -> dict[str, Any]:
    return {"job_id": job.job_id, "execution_seq": job.execution_seq, "lease_token": job.lease_token}


def take(worker: ConnectWorker) -> worker_pb2.JobAssignment:
    job: worker_pb2.JobAssignment = hear(worker, "job")
    worker.send(worker_pb2.WorkerMessage(job_ack=worker_pb2.JobAck(run_id=job.run_id, **fence(job))))
    return job


def emit(http: httpx.Client, data: Any) -> str:
    run_ids = http.post("/api/v1/events", json={"name": "user.signed_up", "data": data}).json()["run_ids"]
    return str(run_ids[0])


def test_a_run_goes_through_with_published_fields_only(http: httpx.Client, worker: ConnectWorker) -> None:
    register(worker, http)
    run_id = emit(http, {"user": "ada"})
    job = take(worker)
    assert MessageToDict(job.event.data) == {"user": "ada"}

    step = worker_pb2.StepCompleted(step_id=f"{run_id}:greet:0", **fence(job))
    step.output.update({"text": "hello"})
    worker.send(worker_pb2.WorkerMessage(step_completed=step))
    assert hear(worker, "step_ack").accepted
    done = worker_pb2.JobCompleted(**fence(job))
    done.output.update({"ok": True})
    worker.send(worker_pb2.WorkerMessage(job_completed=done), packed=False)

    answer = http.get(f"/api/v1/runs/{run_id}", params={"wait": "10"}).json()
    assert (worker.status, answer["status"], answer["output"]) == (200, "completed", {"ok": True})


def test_a_memo_comes_as_published_values(http: httpx.Client, worker: ConnectWorker) -> None:
    register(worker, http)
    run_id = emit(http, [1, 2])
    job = take(worker)
    assert MessageToDict(job.event.data_value) == [1, 2]
    step = worker_pb2.StepCompleted(step_id=f"{run_id}:count:0", **fence(job))
    step.output_value.number_value = 2
    worker.send(worker_pb2.WorkerMessage(step_completed=step))
    assert hear(worker, "step_ack").accepted
    worker.send(worker_pb2.WorkerMessage(job_nack=worker_pb2.JobNack(run_id=run_id, **fence(job))))
    beat = worker_pb2.WorkerHeartbeat(worker_id="w-1")
    worker.send(worker_pb2.WorkerMessage(heartbeat=beat))

    again = take(worker)

    [memo] = again.completed_steps
    assert (memo.step_id, memo.status, MessageToDict(memo.output_value)) == (f"{run_id}:count:0", "completed", 2)
    assert again.execution_seq > job.execution_seq


def test_jobs_go_back_when_the_connection_ends(
    shared_server: ServerProcess, environment: str, http: httpx.Client, worker: ConnectWorker
) -> None:
    register(worker, http)
    run_id = emit(http, {})
    take(worker)

    worker.close()
    closed = time.monotonic()

    second = ConnectWorker(shared_server.url, headers={"x-ironflow-environment-id": environment})
    register(second, http)
    assert take(second).run_id == run_id
    assert time.monotonic() - closed < LEASE_TTL_S / 2, "it was its lease that ended, not its connection"
    second.close()


def test_the_end_of_the_workers_side_ends_the_stream_well(http: httpx.Client, worker: ConnectWorker) -> None:
    register(worker, http)

    worker.half_close()

    assert worker.receive() is None
    assert "error" not in worker.end


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (struct.pack(">BI", 0, 3) + b"\xff\xff\xff", "no WorkerMessage"),
        (struct.pack(">BI", 1, 3) + b"abc", "not gzip"),
        (struct.pack(">BI", 0, 2**31), "larger"),
        (struct.pack(">BI", 0, 0), "first message"),
    ],
    ids=["nonsense", "not gzip", "huge", "empty"],
)
def test_what_cannot_be_read_ends_the_stream_with_an_error(worker: ConnectWorker, frame: bytes, said: str) -> None:
    worker.send_raw(frame)

    assert worker.receive() is None
    assert said in worker.end["error"]["message"]
    assert worker.end["error"]["code"] in ("invalid_argument", "resource_exhausted")


def test_http_1_is_told_what_is_needed(http: httpx.Client) -> None:
    answer = http.post(PATH, content=b"", headers={"Content-Type": "application/connect+proto"})

    assert answer.status_code == 505
    assert "HTTP/2" in answer.json()["hint"]


def test_another_content_type_is_refused(shared_server: ServerProcess) -> None:
    worker = ConnectWorker(shared_server.url, content_type="application/json", headers={})

    body = worker.answered()

    assert worker.status == 415
    assert b"application/connect+proto" in body
    worker.close()


def test_a_web_page_is_no_worker(shared_server: ServerProcess) -> None:
    worker = ConnectWorker(shared_server.url, headers={"origin": "https://evil.example"})

    assert worker.receive() is None
    assert worker.end["error"]["code"] == "permission_denied"
    worker.close()
