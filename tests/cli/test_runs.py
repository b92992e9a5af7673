"""`ironflow run`: what people see of waits and children, and how they pause, resume and cancel runs, one or many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.test_pull_protocol import Puller, emit, step
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(data_dir=tmp_path_factory.mktemp("runs") / "data")
    made.start()
    yield made
    made.close()


@pytest.fixture
def http(server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def ironflow(server: ServerProcess, tmp_path: Path, environment: str) -> Ironflow:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": environment}
        command = [sys.executable, "-m", "app", "run", *arguments]
        return subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def worker(http: httpx.Client) -> Puller:
    made = Puller(http)
    made.register_function()
    made.register()
    return made


def wait(worker: Puller, job: dict[str, Any]) -> None:
    wanted = {"type": "wait_for_event", "step_id": f"{job['run_id']}:paid:0", "event_filter": {"event": "payment.*"}}
    assert worker.report(job, "yielded", steps=[step(job, "a", 1)], **{"yield": wanted}).status_code == 200


def test_a_waiting_run_shows_what_it_waits_for(http: httpx.Client, worker: Puller, ironflow: Ironflow) -> None:
    run_id = emit(http)
    wait(worker, worker.job())

    shown = ironflow("get", run_id)

    assert "waiting" in shown.stdout
    assert "event payment.* until" in shown.stdout
    steps = json.loads(ironflow("get", run_id, "--json").stdout)["steps"]
    assert steps[1]["wait_event_name"] == "payment.*"


def test_a_run_is_paused_resumed_from_a_step_and_cancelled(
    http: httpx.Client, worker: Puller, ironflow: Ironflow
) -> None:
    run_id = emit(http)
    wait(worker, worker.job())

    assert "Paused" in ironflow("pause", run_id, "--reason", "look").stdout
    assert "look" in ironflow("get", run_id).stdout
    assert "Resumed" in ironflow("resume", run_id, "--from-step", "a").stdout
    assert worker.job()["completed_steps"] == []
    assert "Pausing after its step" in ironflow("pause", run_id).stdout
    assert "Cancelled" in ironflow("cancel", run_id, "--reason", "enough").stdout
    again = ironflow("pause", run_id)
    assert (again.returncode, "cannot be paused" in again.stderr) == (5, True)


def test_many_runs_are_changed_after_a_look(http: httpx.Client, worker: Puller, ironflow: Ironflow) -> None:
    runs = [emit(http) for _ in range(2)]

    look = ironflow("cancel", "--function", "greet", "--dry-run")
    assert all(run_id in look.stdout for run_id in runs)
    assert "Would cancel 2" in look.stderr
    assert json.loads(ironflow("pause", "--function", "greet", "--json").stdout)["changed"] == 2
    assert "Asked 2 of 2 to resume" in ironflow("resume", "--status", "paused").stderr
    assert "Asked 2 of 2 to cancel" in ironflow("cancel", "--status", "waiting_for_capacity").stderr
    assert "no run matches" in ironflow("cancel", "--function", "greet").stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["cancel"], "give the id of a run"),
        (["pause", "--dry-run"], "give the id of a run"),
        (["cancel", "run_x", "--function", "f", "--dry-run"], "either the id of a run, or options"),
        (["cancel", "run_x", "--function", "f"], "either the id of a run, or options"),
        (["resume", "--function", "f", "--from-step", "a"], "--from-step"),
    ],
)
def test_what_cannot_be_meant_is_refused(ironflow: Ironflow, arguments: list[str], text: str) -> None:
    refused = ironflow(*arguments)

    assert (refused.returncode, text in refused.stderr) == (2, True)
