"""Push mode when processes die: the server mid-request, and the endpoint mid-answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.support.endpoint import WAIT_S, Endpoint, Json, Request
from tests.support.server import ServerProcess

FUNCTION = {
    "id": "f",
    "triggers": [{"event": "go"}],
    "preferredMode": "EXECUTION_MODE_PUSH",
    "retry": {"maxAttempts": 5, "initialDelayMs": 1},
}


def step(request: Request, name: str, output: Any) -> Json:
    step_id = f"{request.json['run_id']}:{name}:0"
    return {"step": {"id": step_id, "name": name, "type": "invoke", "status": "completed", "output": output}}


def test_a_server_killed_within_a_request_goes_on_where_it_was(
    start_server: Callable[..., ServerProcess], database_url: str | None
) -> None:
    reported, killed = threading.Event(), threading.Event()
    ledger: list[str] = []

    def lines(request: Request) -> Iterator[Any]:
        recorded = {one["name"]: one["output"] for one in request.json["steps"]}
        for name in ("charge", "ship"):
            if name not in recorded:
                ledger.append(name)
                yield step(request, name, f"{name}: done")
            if name == "charge" and not killed.is_set():
                reported.set()
                assert killed.wait(WAIT_S)
        yield {"status": "completed", "result": {**recorded, "attempt": request.json["attempt"]}}

    endpoint = Endpoint(lines)
    server = start_server(database_url=database_url)
    with httpx.Client(base_url=server.url, timeout=WAIT_S) as http:
        registered = http.post(
            "/ironflow.v1.IronflowService/RegisterFunction", json={**FUNCTION, "endpointUrl": endpoint.url}
        )
        assert registered.status_code == 200, registered.text
        [run_id] = http.post("/api/v1/events", json={"name": "go"}).json()["run_ids"]
        assert reported.wait(WAIT_S)
        assert _recorded(http, run_id)

        server.kill9()
        killed.set()
        server.restart()

        run = http.get(f"/api/v1/runs/{run_id}", params={"wait": 30}).json()

    endpoint.close()
    assert (run["status"], run["output"]) == ("completed", {"charge": "charge: done", "attempt": 1})
    assert ledger.count("charge") == 1
    assert ledger.count("ship") >= 1


def _recorded(http: httpx.Client, run_id: str) -> bool:
    """Whether a step of the run is recorded, asked again and again: it is on its way."""
    pause = threading.Event()
    for _ in range(600):
        if http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]:
            return True
        pause.wait(0.05)
    return False
