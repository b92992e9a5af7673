"""The SDK's `serve` behind real HTTP servers, called by the real engine, signed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from ironflow import CircuitBreaker, Client, serve
from tests.scenario import pushed
from tests.support import reaper
from tests.support.ports import free_port
from tests.support.server import ServerProcess

KEY = "a key of both sides"
WAIT_S = 30.0


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Not to the terminal."""


@contextmanager
def over_wsgi() -> Iterator[str]:
    one = serve(pushed.FUNCTIONS, signing_key=KEY)
    server = make_server("127.0.0.1", 0, one.wsgi, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Granian:
    """The app in a process of its own, to be killed and started again."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port()
        self._environment = {**os.environ, **environment}
        self.url = f"http://127.0.0.1:{self.port}/api/ironflow"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--interface", "asgi", "--port", str(self.port), "--no-log"]
        command = [sys.executable, "-m", "granian", *options, "tests.scenario.pushed:app"]
        self._process = subprocess.Popen(command, env=self._environment, start_new_session=True)
        reaper.adopt(self._process.pid)

    def kill9(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(WAIT_S)
        reaper.release(self._process.pid)


def placed(client: Client, numbers: Iterable[int]) -> list[str]:
    """The runs of so many orders."""
    return [run_id for number in numbers for run_id in client.emit("order.placed", {"id": number}).run_ids]


def completed(client: Client, run_id: str) -> Any:
    run = client.runs.wait(run_id, timeout_s=WAIT_S)
    assert run["status"] == "completed", run
    return run["output"]


def test_functions_are_served_over_wsgi(start_server: Callable[..., ServerProcess], database_url: str | None) -> None:
    server = start_server(database_url=database_url, environment={"IRONFLOW_SIGNING_KEY": KEY})
    with over_wsgi() as url, Client(server.url) as client:
        serve.register(pushed.FUNCTIONS, url, server=server.url)
        emitted = client.emit("order.placed", {"id": 1})

        outputs = [completed(client, run_id) for run_id in emitted.run_ids]

    assert {"charge": "charged 1", "shipped": "shipped 1"} in outputs
    assert "counted 1" in outputs


def test_every_step_kind_works_behind_http(
    start_server: Callable[..., ServerProcess], database_url: str | None
) -> None:
    server = start_server(database_url=database_url, environment={"IRONFLOW_SIGNING_KEY": KEY})
    with over_wsgi() as url, Client(server.url) as client:
        serve.register(pushed.FUNCTIONS, url, server=server.url)
        [run_id] = client.emit("order.fanned", {"id": 3}).run_ids
        waiting = threading.Event()
        while client.runs.get(run_id)["status"] != "waiting":
            waiting.wait(0.02)
        client.emit("order.paid", {"id": 3})

        assert completed(client, run_id) == [21, {"id": 3}]
        assert [event["data"] for event in client.events.list(name="order.done").items] == [{"id": 3}]


@pytest.mark.slow
def test_runs_survive_the_death_of_an_asgi_server(
    start_server: Callable[..., ServerProcess], database_url: str | None, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    endpoint = Granian({"LEDGER": str(ledger), "IRONFLOW_SIGNING_KEY": KEY})
    server = start_server(database_url=database_url, environment={"IRONFLOW_SIGNING_KEY": KEY})
    with Client(server.url) as client:
        patient = CircuitBreaker(open_duration="200ms", max_open_duration="1s")
        serve.register(pushed.FUNCTIONS, endpoint.url, circuit_breaker=patient, server=server.url)
        run_ids = placed(client, range(10))
        endpoint.start()
        completed(client, run_ids[0])
        endpoint.kill9()
        run_ids += placed(client, range(10, 15))
        endpoint.start()

        outputs = [completed(client, run_id) for run_id in run_ids]

        assert len(outputs) == 30
        assert {breaker["state"] for breaker in client.breakers.list()} == {"closed"}
    endpoint.kill9()
    written = ledger.read_text().splitlines()
    assert {f"shipped {number}" for number in range(15)} <= set(written)
