"""Runs wait for events and for children while the server is killed again and again: none is lost, none counts twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.puller import RPC, Puller
from tests.support.server import ServerProcess

RUNS = 24
KILLS = 4

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, start_server: Callable[..., ServerProcess]) -> ServerProcess:
    url = request.getfixturevalue("durable_postgres_url") if request.param == "postgres" else None
    return start_server(database_url=url)


def told(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = http.post("/api/v1/events", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def jobs(worker: Puller, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        answer = worker.poll(wait=20, available=count)
        assert answer.status_code == 200, f"{len(found)} of {count} came"
        found += answer.json()["jobs"]
    return found


def test_every_event_that_was_acknowledged_ends_the_wait_for_it(server: ServerProcess, seed: int) -> None:
    choose = random.Random(seed)
    with httpx.Client(base_url=server.url, timeout=30) as http:
        worker = Puller(http)
        worker.register_function(triggers=[{"event": "go"}])
        worker.register()
        runs = {told(http, {"name": "go", "data": {"id": n}})["run_ids"][0]: n for n in range(RUNS)}
        for job in jobs(worker, RUNS):
            wanted = {
                "type": "wait_for_event",
                "step_id": f"{job['run_id']}:paid:0",
                "event_filter": {"event": "paid", "match": "data.id", "timeout": "1h"},
            }
            assert worker.report(job, "yielded", **{"yield": wanted}).status_code == 200

        acknowledged: dict[int, str] = {}
        order = choose.sample(range(RUNS), RUNS)
        kills = set(choose.sample(range(RUNS), KILLS))
        for turn, number in enumerate(order):
            acknowledged[number] = told(http, {"name": "paid", "data": {"id": number}})["event_id"]
            if turn in kills:
                server.kill9()
                server.restart()
        worker.register()

        for job in jobs(worker, RUNS):
            [paid] = job["completed_steps"]
            assert paid["output"]["id"] == acknowledged[runs[job["run_id"]]]
            worker.report(job, "completed", output=1)
        for run_id in runs:
            assert http.get(f"/api/v1/runs/{run_id}", params={"wait": 20}).json()["status"] == "completed"


def test_every_child_that_ended_is_joined_once(server: ServerProcess, seed: int) -> None:
    choose = random.Random(seed)
    with httpx.Client(base_url=server.url, timeout=30) as http:
        parents, children = Puller(http), Puller(http, name="w2", functions=("child",))
        parents.register_function(triggers=[{"event": "go"}])
        children.register_function(id="child", name="child", triggers=[])
        parents.register()
        children.register()
        runs = [told(http, {"name": "go", "data": {"id": n}})["run_ids"][0] for n in range(RUNS)]
        for job in jobs(parents, RUNS):
            wanted = {
                "type": "invoke_function",
                "step_id": f"{job['run_id']}:child:0",
                "function_id": "child",
                "input": job["event"]["data"]["id"],
                "invoke_timeout_ms": 3_600_000,
            }
            assert parents.report(job, "yielded", **{"yield": wanted}).status_code == 200

        done, kills = 0, set(choose.sample(range(RUNS), KILLS))
        while done < RUNS:
            for job in jobs(children, 1):
                assert children.report(job, "completed", output=job["event"]["data"]).status_code == 200
                done += 1
                if done in kills:
                    server.kill9()
                    server.restart()
                    children.register()
                    break
        parents.register()

        for job in jobs(parents, RUNS):
            [child] = job["completed_steps"]
            assert child["output"] == job["event"]["data"]["id"]
            parents.report(job, "completed", output=1)
        ended = http.post(f"{RPC}/ListRuns", json={"limit": 1000}).json()["runs"]
        assert len(ended) == 2 * RUNS
        for run_id in runs:
            assert http.get(f"/api/v1/runs/{run_id}", params={"wait": 20}).json()["status"] == "completed"
