"""A small client of the published REST pull protocol, written from the wire facts alone, not by our SDK."""

from __future__ import annotations

import time
from typing import Any

import httpx

RPC = "/ironflow.v1.IronflowService"


class Puller:
    """A worker of a few lines."""

    def __init__(self, http: httpx.Client, *, name: str = "w1", functions: tuple[str, ...] = ("greet",)) -> None:
        self.http = http
        self.base = f"/api/v1/workers/{name}"
        self.functions = functions

    def register_function(self, **more: Any) -> httpx.Response:
        body = {
            "id": "greet",
            "name": "greet",
            "triggers": [{"event": "user.*"}],
            "preferredMode": "EXECUTION_MODE_PULL",
            "retry": {"maxAttempts": 3, "initialDelayMs": 1, "onExhausted": "fail"},
            "metadata": {"__ironflow_code_hash": "0123456789abcdef"},
            "somethingNew": 1,
            **more,
        }
        return self.http.post(f"{RPC}/RegisterFunction", json=body)

    def register(self) -> httpx.Response:
        body = {
            "worker_id": self.base.rpartition("/")[2],
            "hostname": "h",
            "function_ids": list(self.functions),
            "max_concurrent_jobs": 10,
            "labels": {"zone": "a"},
            "version": {"sdk": "test/1", "runtime": "python/3.11"},
        }
        return self.http.post(f"{self.base}/register", json=body)

    def poll(self, wait: int = 10, available: int = 10) -> httpx.Response:
        return self.http.get(f"{self.base}/jobs", params={"available": available, "wait": wait})

    def job(self) -> dict[str, Any]:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            answer = self.poll()
            if answer.status_code == 200:
                [job] = answer.json()["jobs"]
                found: dict[str, Any] = job
                return found
        raise AssertionError("no job came")

    def ack(self, job: dict[str, Any], **more: Any) -> httpx.Response:
        return self.http.put(
            f"{self.base}/jobs/{job['job_id']}/ack", json={"run_id": job["run_id"], **fence(job), **more}
        )

    def report(self, job: dict[str, Any], status: str, **more: Any) -> httpx.Response:
        body = {"status": status, "steps": [], "step_offset": 0, **fence(job), **more}
        return self.http.put(f"{self.base}/jobs/{job['job_id']}", json=body)


def fence(job: dict[str, Any]) -> dict[str, Any]:
    return {"execution_seq": job["execution_seq"], "lease_token": job["lease_token"]}


def step(job: dict[str, Any], name: str, output: Any = None, **more: Any) -> dict[str, Any]:
    at = "2026-01-01T00:00:00.000Z"
    done = {"status": "completed", "output": output, "started_at": at, "ended_at": at, "duration_ms": 5}
    return {"id": f"{job['run_id']}:{name}:0", "name": name, "type": "invoke", **done, **more}


def emit(http: httpx.Client, data: Any = None) -> str:
    [run_id] = http.post(f"{RPC}/Emit", json={"event": "user.signed_up", "data": data}).json()["runIds"]
    found: str = run_id
    return found


def run(http: httpx.Client, run_id: str, wait: float = 0) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/api/v1/runs/{run_id}", params={"wait": wait}).json()
    return found
