"""A server that is starting, or stopping: what it answers, and what it tells systemd."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import apsw
import httpx
import psycopg
import pytest

from storage.postgres import MIGRATION_LOCK
from tests.support import reaper
from tests.support.ports import free_port
from tests.support.server import COMMAND, ServerProcess

Start = Callable[[], tuple[subprocess.Popen[bytes], str]]
Held = Callable[[], AbstractContextManager[None]]
PATIENCE_S = 30.0


@pytest.fixture
def start(tmp_path: Path, database_url: str | None) -> Iterator[Start]:
    """Start a server and do not wait for it: its process and URL."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        flags = ["--port", str(port), "--grpc-port", "0", "--data-dir", str(tmp_path / "data"), "--dev"]
        flags += ["--database-url", database_url] if database_url else []
        process = subprocess.Popen([*COMMAND, "serve", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        reaper.adopt(process.pid)
        started.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield begin
    for process in started:
        process.kill()
        process.wait()
        reaper.release(process.pid)


@pytest.fixture
def held(tmp_path: Path, database_url: str | None) -> Held:
    """`with held():` no server gets beyond opening its store."""

    @contextmanager
    def sqlite() -> Iterator[None]:
        (tmp_path / "data").mkdir()
        connection = apsw.Connection(str(tmp_path / "data" / "ironflow.db"))
        connection.execute("pragma journal_mode = wal")
        with connection:
            connection.execute("create table held (here integer)")
            yield
            connection.execute("drop table held")
        connection.close()

    @contextmanager
    def postgres() -> Iterator[None]:
        assert database_url is not None
        with psycopg.connect(database_url) as connection:
            connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            yield

    return postgres if database_url else sqlite


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Connects again until somebody listens."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=PATIENCE_S) as client:
        yield client


def test_health_answers_at_once_and_the_rest_waits(start: Start, held: Held, client: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as waiting:
        with held():
            _, url = start()
            assert client.get(f"{url}/health").json() == {"status": "starting"}
            asked = waiting.submit(client.get, f"{url}/ready")
            assert client.get(f"{url}/health").json() == {"status": "starting"}
            assert not asked.done()

        assert asked.result(PATIENCE_S).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_starting_stops_when_told(
    start: Start, held: Held, client: httpx.Client, number: signal.Signals
) -> None:
    """One thread reads what arrives, in order: whoever is answered later tells that what was sent before is there."""
    sent = threading.Event()

    def trace(name: str, info: object) -> None:
        if name == "http11.send_request_body.complete":
            sent.set()

    with ThreadPoolExecutor(1) as waiting, held():
        process, url = start()
        assert client.get(f"{url}/health").json() == {"status": "starting"}
        asked = waiting.submit(client.get, f"{url}/api/v1/runs", extensions={"trace": trace})
        assert sent.wait(PATIENCE_S)
        assert client.get(f"{url}/health").json() == {"status": "starting"}

        os.kill(process.pid, number)

        assert process.wait(PATIENCE_S) == 0
        refused = asked.result(PATIENCE_S)
        assert (refused.status_code, json.loads(refused.content)["code"]) == (503, "STOPPING")


def test_a_server_that_lingers_is_not_ready_and_serves_until_the_second_signal(
    start_server: Callable[..., ServerProcess], database_url: str | None, client: httpx.Client
) -> None:
    server = start_server(database_url=database_url, arguments=["--stop-delay", "10m"])
    assert client.get(f"{server.url}/ready").status_code == 200

    os.kill(server.pid, signal.SIGTERM)
    while (told := client.get(f"{server.url}/ready")).status_code == 200:
        pass

    assert told.json()["issues"] == {"server": "stopping"}
    assert client.post(f"{server.url}/api/v1/events", json={"name": "a"}).status_code == 201
    assert server.terminate() == 0


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(
    start_server: Callable[..., ServerProcess], database_url: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"{folder}/notify")
        listening.settimeout(PATIENCE_S)
        server = start_server(database_url=database_url, environment={"NOTIFY_SOCKET": f"{folder}/notify"})
        assert listening.recv(100) == b"READY=1"

        server.terminate()

        assert listening.recv(100) == b"STOPPING=1"
