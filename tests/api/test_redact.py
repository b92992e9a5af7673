"""Redaction from outside, on both stores."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from ironflow import Client, errors
from tests.support import forked
from tests.support.server import ServerProcess

RPC = "/ironflow.v1.IronflowService"
WHY = {"reason": "the customer asked for it"}
CARD = {"card": "visa-4929"}


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Any:
    with Client(shared_server.url, environment=environment) as made:
        yield made


def job(http: httpx.Client) -> dict[str, Any]:
    """A run in a worker's hands, with a step that is recorded."""
    http.post(f"{RPC}/RegisterFunction", json={"id": "bill", "triggers": [{"event": "order.*"}]})
    worker = {"worker_id": "w1", "function_ids": ["bill"], "max_concurrent_jobs": 10}
    assert http.post("/api/v1/workers/w1/register", json=worker).is_success
    http.post("/api/v1/events", json={"name": "order.placed", "data": CARD})
    answer = http.get("/api/v1/workers/w1/jobs", params={"available": 1, "wait": 10})
    [found] = answer.json()["jobs"]
    step = {"id": f"{found['run_id']}:charge:0", "name": "charge", "type": "invoke", "status": "completed"}
    fence = {"execution_seq": found["execution_seq"], "lease_token": found["lease_token"]}
    told = {**fence, "status": "progress", "step_offset": 0, "steps": [{**step, "output": CARD}]}
    assert http.put(f"/api/v1/workers/w1/jobs/{found['job_id']}", json=told).is_success
    job: dict[str, Any] = {**found, **fence}
    return job


def finish(http: httpx.Client, job: dict[str, Any]) -> str:
    fence = {key: job[key] for key in ("execution_seq", "lease_token")}
    told = {**fence, "status": "completed", "output": CARD}
    assert http.put(f"/api/v1/workers/w1/jobs/{job['job_id']}", json=told).is_success
    run_id: str = job["run_id"]
    return run_id


def test_an_event_loses_its_data(http: httpx.Client) -> None:
    event_id = http.post("/api/v1/events", json={"name": "order.placed", "data": CARD}).json()["event_id"]

    done = http.post(f"/api/v1/events/{event_id}/redact", json=WHY)
    again = http.post(f"/api/v1/events/{event_id}/redact", json=WHY)

    assert (done.json(), again.json()["redacted"]) == ({"redacted": 1, "rebuilding": []}, 0)
    data = http.get(f"/api/v1/events/{event_id}").json()["data"]
    assert (data["$redacted"], len(data["sha256"])) == (True, 64)
    elsewhere = {"X-Ironflow-Environment-ID": "elsewhere"}
    assert http.post(f"/api/v1/events/{event_id}/redact", json=WHY, headers=elsewhere).status_code == 404
    for body in ({}, {"reason": ""}, {"reason": 1}):
        assert http.post(f"/api/v1/events/{event_id}/redact", json=body).json()["code"] == "INVALID_ARGUMENT"


def test_a_run_loses_what_it_told_once_it_has_ended(http: httpx.Client) -> None:
    running = job(http)
    early = http.post(f"/api/v1/runs/{running['run_id']}/redact", json=WHY)
    step = http.post(f"/api/v1/runs/{running['run_id']}/steps/charge/redact", json=WHY)
    assert (early.status_code, step.status_code) == (412, 412)
    run_id = finish(http, running)

    assert http.post(f"/api/v1/runs/{run_id}/steps/charge/redact", json=WHY).json()["redacted"] == 1
    assert http.get(f"/api/v1/runs/{run_id}").json()["output"] == CARD
    assert http.post(f"/api/v1/runs/{run_id}/redact", json=WHY).json()["redacted"] == 2

    assert http.get(f"/api/v1/runs/{run_id}").json()["output"]["$redacted"]
    [told] = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert told["output"]["$redacted"]
    assert CARD["card"] not in http.get("/api/v1/history", params={"limit": 100}).text
    assert http.get("/api/v1/audit", params={"event_type": "history.redacted"}).json()["events"][0]["reason"]
    assert http.post(f"/api/v1/runs/{run_id}/steps/nope/redact", json=WHY).status_code == 404


def test_published_clients_redact_without_a_reason(http: httpx.Client) -> None:
    run_id = finish(http, job(http))

    for method, body in (("RedactStep", {"stepId": f"{run_id}:charge:0"}), ("RedactRun", {"runId": run_id})):
        assert http.post(f"{RPC}/{method}", json=body).json() == {}
    event_id = http.post("/api/v1/events", json={"name": "a", "data": CARD}).json()["event_id"]
    assert http.post(f"{RPC}/RedactEvent", json={"eventId": event_id, "reason": "mine"}).json() == {}

    assert CARD["card"] not in http.get("/api/v1/history", params={"limit": 100}).text
    assert http.post(f"{RPC}/RedactRun", json={"runId": "run_nope"}).json()["code"] == "not_found"


def test_the_client_and_the_command_line(
    http: httpx.Client, client: Client, shared_server: ServerProcess, environment: str, tmp_path: Path
) -> None:
    run_id = finish(http, job(http))
    event_id = client.runs.get(run_id)["event_id"]

    assert client.runs.redact_step(f"{run_id}:charge:0", reason="x")["redacted"] == 1
    assert client.runs.redact(run_id, reason="x")["redacted"] == 2
    assert client.events.redact(event_id, reason="x")["redacted"] == 0
    with pytest.raises(errors.NotFound):
        client.runs.redact("run_nope", reason="x")

    def ironflow(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["--server", shared_server.url, "--env", environment]
        return forked.run(["redact", *arguments, *where], env=os.environ, cwd=tmp_path)

    other = client.emit("note.taken", CARD).event_id
    assert ironflow(other, "--reason", "x").returncode == 2, "it asks, and nobody can answer"
    told = ironflow(other, "--reason", "asked for", "--yes", "--json")
    assert json.loads(told.stdout)["redacted"] == 1, told.stderr
    assert "nothing was left" in ironflow(run_id, "--reason", "x", "--yes").stdout
    assert ironflow("nonsense", "--reason", "x", "--yes").returncode == 2
    assert ironflow(run_id).returncode == 2, "the reason is missing"
