"""The main job: a file of events, a worker of the SDK, kills of both processes at random instants; nothing is lost.

The ledger that the steps write is the oracle: a step whose result was acknowledged never ran again. What may run
again is a step that a kill interrupted between its effect and its acknowledgement, at most one for each run in flight
and kill; history tells which results were recorded when.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ironflow import Client
from tests.support import forked, reaper
from tests.support.server import ServerProcess

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "examples" / "github_triage" / "worker.py"
KILLS = 6
PAUSE_S = (0.05, 0.6)
STEPS_OF = {
    "triage-issue": ["classify", "assign", "notify"],
    "review-pull-request": ["classify", "check style", "assign", "notify"],
}


class Triage:
    """The example's worker and the command line, against one server."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self.server = server
        self.ledger = folder / "ledger.ndjson"
        self._environment = {
            **os.environ,
            "IRONFLOW_SERVER_URL": server.url,
            "IRONFLOW_GRPC_ADDRESS": server.grpc_address,
            "TRIAGE_LEDGER": str(self.ledger),
        }
        self._log = folder / "worker.log"
        self.client = Client(server.url)
        self._worker: subprocess.Popen[bytes] | None = None

    def start_worker(self) -> None:
        with self._log.open("ab") as log:
            self._worker = subprocess.Popen([sys.executable, WORKER], env=self._environment, stdout=log, stderr=log)
        reaper.adopt(self._worker.pid)

    def kill_worker(self) -> None:
        assert self._worker is not None
        self._worker.kill()
        self._worker.wait()
        reaper.release(self._worker.pid)

    def ironflow(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = forked.run(arguments, env=self._environment, cwd=self.ledger.parent, timeout_s=120)
        if check:
            done.check_returncode()
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ironflow(*arguments, "--json").stdout)

    def runs(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("run", "list", "--limit", "1000", *arguments)["items"]
        return found

    def wait_for_runs(self) -> list[dict[str, Any]]:
        """Every run, once each has ended."""
        for run in self.runs():
            self.client.runs.wait(run["id"], timeout_s=60)
        return self.runs()

    def executions(self) -> Counter[tuple[str, str, int]]:
        """How often each step of each run was executed, by attempt."""
        lines = [json.loads(line) for line in self.ledger.read_text().splitlines()]
        return Counter((line["run"], line["step"], line["attempt"]) for line in lines)


@contextmanager
def stopped_at_the_end(triage: Triage) -> Iterator[Triage]:
    try:
        yield triage
    finally:
        triage.kill_worker()


def test_every_run_completes_and_is_shown(
    start_server: Callable[..., ServerProcess], database_url: str | None, events_file: Path, tmp_path: Path
) -> None:
    server = start_server(database_url=database_url)
    expected = expected_runs(events_file)
    triage = Triage(server, tmp_path)
    triage.start_worker()
    with stopped_at_the_end(triage):
        wait_until_registered(triage)
        sent = triage.json("emit", "--file", str(events_file))
        runs = triage.wait_for_runs()

    assert sent["runs"] == len(runs) == sum(expected.values())
    assert {run["status"] for run in runs} == {"completed"}
    assert Counter(run["function_id"] for run in runs) == expected
    assert set(triage.executions().values()) == {1}
    shown = triage.ironflow("run", "get", runs[0]["id"]).stdout
    assert "notify" in shown
    assert runs[0]["id"] in triage.ironflow("run", "list").stdout
    server.check_history()


def test_kills_at_random_instants_lose_nothing(
    start_server: Callable[..., ServerProcess], database_url: str | None, events_file: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    server = start_server(database_url=database_url)
    triage = Triage(server, tmp_path)
    triage.start_worker()
    with stopped_at_the_end(triage):
        wait_until_registered(triage)
        sent = triage.json("emit", "--file", str(events_file))
        for _ in range(KILLS):
            threading.Event().wait(chance.uniform(*PAUSE_S))  # the instant of the kill is what is random here
            if chance.random() < 0.5:
                triage.kill_worker()
                triage.start_worker()
            else:
                server.kill9()
                server.restart()
        runs = triage.wait_for_runs()

        assert sent["runs"] == len(runs) == sum(expected_runs(events_file).values())
        assert {run["status"] for run in runs} == {"completed"}
        executions = triage.executions()
        for run in runs:
            check_run(triage, run, executions)
    server.check_history()


def check_run(triage: Triage, run: dict[str, Any], executions: Counter[tuple[str, str, int]]) -> None:
    """Each step succeeded once on record; it ran at least once, and more often only if an execution was cut short."""
    recorded = [step for step in triage.client.runs.steps(run["id"]) if step["type"] == "invoke"]
    assert [step["name"] for step in recorded] == STEPS_OF[run["function_id"]]
    assert {step["status"] for step in recorded} == {"completed"}
    for step in recorded:
        times = sum(executions[run["id"], step["name"], attempt] for attempt in range(1, run["attempt"] + 1))
        failures = 1 if step["name"] == "check style" else 0
        assert 1 <= times - failures <= 1 + KILLS, (run["id"], step["name"], times)


def wait_until_registered(triage: Triage) -> None:
    """The worker has registered its functions: `function list` waits for nothing, so ask until both are there."""
    for _ in range(200):
        known = triage.json("function", "list")["items"]
        if {"triage-issue", "review-pull-request"} <= {function["id"] for function in known}:
            return
        threading.Event().wait(0.1)
    pytest.fail("the worker never registered")


def expected_runs(events_file: Path) -> Counter[str]:
    """How many runs of each function the file should start."""
    names = [json.loads(line)["name"] for line in events_file.read_text().splitlines()]
    return Counter(
        {
            "triage-issue": names.count("github.issues.opened"),
            "review-pull-request": sum(
                name.startswith("github.pull_request.") and name.count(".") == 2 for name in names
            ),
        }
    )
