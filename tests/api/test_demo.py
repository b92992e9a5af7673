"""The demo's runs, loaded by the server itself: one at a time, by who may, and never in production."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.demo import Demo, last_line
from tests.support.server import ServerProcess

DEMO = "/api/v1/demo"


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """It is at work in one environment of a server at a time."""
    return own_server


def test_the_demo_is_loaded_once_and_its_worker_stays_until_it_is_drained(
    http: httpx.Client, shared_server: ServerProcess
) -> None:
    before = http.get(DEMO).json()
    begun = http.post(DEMO)
    again = http.post(DEMO)
    elsewhere = http.post(DEMO, headers={"X-Ironflow-Environment-ID": "elsewhere"})
    seen_there = http.get(DEMO, headers={"X-Ironflow-Environment-ID": "elsewhere"}).json()

    told = http.get(DEMO, params={"wait": 60}, timeout=70).json()

    assert before == {"state": "idle", "runs": [], "working": False}
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    assert again.status_code == 202
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "DEMO_RUNNING")
    assert seen_there["state"] == "idle"
    assert "at work in the environment" in seen_there["barred"]
    assert (told["state"], told["working"]) == ("done", True), told
    runs = http.get("/api/v1/runs", params={"function_id": "demo-checkout"}).json()["runs"]
    assert [one["id"] for one in runs] == [one["id"] for one in told["runs"] if one["function_id"] == "demo-checkout"]
    [worker] = http.get("/api/v1/workers").json()["workers"]
    assert worker["id"] == "demo-worker"
    assert http.post("/api/v1/workers/demo-worker/drain", json={}).is_success


def test_the_demo_is_refused_in_production_and_by_a_server_that_is_not_for_development(
    shared_server: ServerProcess, guarded: ServerProcess
) -> None:
    live = {"X-Ironflow-Environment-ID": "shop-production"}
    key = {"Authorization": f"Bearer {guarded.key}"}

    for refused in (
        httpx.post(f"{shared_server.url}{DEMO}", headers=live, json={}),
        httpx.post(f"{guarded.url}{DEMO}", headers=key, json={}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (412, "DEVELOPMENT_ONLY"), refused.text
    assert "--dev" in httpx.get(f"{guarded.url}{DEMO}", headers=key).json()["barred"]


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (b"", ""),
        (b"one\n\x1b[31mtwo\x1b[0m\n\n", "two"),
        (b'{"error": {"code": "A", "message": "no", "hint": "do"}}\n', "no: do"),
        (b'{"other": 1}\n', '{"other": 1}'),
    ],
)
def test_the_last_line_of_what_it_printed_says_why(printed: bytes, line: str) -> None:
    assert last_line(printed) == line


async def test_what_waits_for_the_demo_is_answered_when_it_is_stopped() -> None:
    """Of a server that nobody finds: it would try for as long as it may."""
    demo = Demo(dev=True, url=lambda: "http://127.0.0.1:9", named=str)
    demo.start("shop")
    waiting = asyncio.create_task(demo.until_settled("shop", 60))
    await asyncio.sleep(0)  # it waits now

    await demo.stop()

    told = await waiting
    assert (told.state, told.line, told.works) == ("failed", "it was stopped", False)
