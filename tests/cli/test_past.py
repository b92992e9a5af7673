"""`ironflow run timeline, state, diff, compare, export, import`: what people and programs see of the past."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.debugger.gantt import bars, offset
from ironflow.bundle import Bundle
from ironflow.past import Record
from tests.support import forked
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ironflow(server: ServerProcess, tmp_path: Path, environment: str) -> Ironflow:
    def call(*arguments: str, url: str = server.url) -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "IRONFLOW_SERVER_URL": url, "IRONFLOW_ENV": environment}
        return forked.run(arguments, env=told, cwd=tmp_path)

    return call


@pytest.fixture
def runs(http: httpx.Client) -> tuple[str, str]:
    """A run that completed, and one that failed later."""
    worker = Puller(http)
    worker.register_function()
    worker.register()
    made = []
    for status in ("completed", "failed"):
        made.append(emit(http, {"id": 1}))
        job = worker.job()
        amount = {"amount": 50 if status == "completed" else 99, "token": "s3cr3t"}
        worker.report(job, "progress", steps=[step(job, "fetch", 1), step(job, "charge", amount)])
        end = {"output": "ok"} if status == "completed" else {"error": {"message": "boom", "retryable": False}}
        worker.report(job, status, step_offset=2, **end)
        run(http, made[-1], wait=10)
    return made[0], made[1]


def positions(ironflow: Ironflow, run_id: str, *options: str) -> list[str]:
    return ironflow("run", "timeline", run_id, "-o", "id", *options).stdout.split()


def test_a_timeline_for_people_and_for_programs(ironflow: Ironflow, runs: tuple[str, str]) -> None:
    good, _ = runs

    shown = ironflow("run", "timeline", good)
    told = json.loads(ironflow("run", "timeline", good, "--json").stdout)
    part = ironflow("run", "timeline", good, "--limit", "2")
    last = ironflow("run", "timeline", good, "--last", "--limit", "1")

    heading, *lines = shown.stdout.splitlines()
    assert heading.split() == ["POSITION", "AFTER", "WHEN", "STATUS", "WHAT"]
    assert len(lines) == 5
    assert "✓ completed" in lines[2]
    assert "fetch completed after 5ms" in lines[2]
    assert told["schema"] == "ironflow.timeline/v1"
    assert [one["kind"] for one in told["items"]][1:3] == ["run.started", "step.completed"]
    assert told["items"][2]["at"].endswith("Z")
    ids = positions(ironflow, good)
    assert f"more: --after {ids[1]}" in part.stderr
    assert "run completed" in last.stdout
    assert f"more: --before {ids[-1]}" in last.stderr
    assert positions(ironflow, good, "--kind", "step.*") == positions(ironflow, good, "--after", ids[1])[:-1]


def test_a_state_as_of_a_position(ironflow: Ironflow, runs: tuple[str, str]) -> None:
    good, _ = runs
    at = positions(ironflow, good, "--step", "fetch")[0]

    shown = ironflow("run", "state", good, "--at", at)
    told = json.loads(ironflow("run", "state", good, "--at", at, "--json").stdout)
    output = ironflow("run", "state", good, "--step", "charge")
    missing = ironflow("run", "state", good, "--step", "charge", "--at", at)

    assert f"position {at}, entry 3 of 5, 2 later" in shown.stdout
    assert "fetch:0" in shown.stdout
    assert "charge:0 " not in shown.stdout
    assert "charge completed after 5ms" in shown.stdout  # what is next
    assert (told["schema"], told["status"], len(told["steps"])) == ("ironflow.state/v1", "running", 1)
    assert json.loads(output.stdout) == {"amount": 50, "token": "s3cr3t"}
    assert (missing.returncode, "no step 'charge' by then" in missing.stderr) == (3, True)


def test_what_changed_and_how_a_run_differs_from_the_last_good_one(ironflow: Ironflow, runs: tuple[str, str]) -> None:
    good, bad = runs
    at = positions(ironflow, bad, "--step", "fetch")[0]

    changed = ironflow("run", "diff", bad, at)
    compared = ironflow("run", "compare", bad)
    told = json.loads(ironflow("run", "compare", bad, good, "--all", "--json").stdout)
    same = ironflow("run", "compare", good, good)
    alone = ironflow("run", "compare", good)

    assert '~ /status  "running" → "failed"' in changed.stdout
    assert "charge:0  added" in changed.stdout
    assert f"Other     {good}" in compared.stdout
    assert "Diverges  charge:0" in compared.stdout
    assert "~ /output/amount  50 → 99" in compared.stdout
    assert [one["change"] for one in told["steps"]] == ["same", "changed"]
    assert told["first_divergence"] == "charge:0"
    assert "nothing differs" in same.stderr
    assert (alone.returncode, "give the OTHER" in alone.stderr) == (2, True)


def test_a_bundle_is_read_without_a_server(ironflow: Ironflow, runs: tuple[str, str], tmp_path: Path) -> None:
    good, _ = runs
    nowhere = "http://127.0.0.1:9"

    exported = ironflow("run", "export", good, "--file", "run.zip", "--scrub", "amount")
    imported = ironflow("run", "import", "run.zip", url=nowhere)
    kept = f".ironflow/bundles/{good}.zip"
    shown = ironflow("run", "timeline", "--from-file", kept, "--kind", "step.*", url=nowhere)
    state = ironflow("run", "state", "--from-file", kept, "--step", "charge", url=nowhere)

    assert f"Exported {good} to run.zip" in exported.stdout
    assert "5 of 6 entries give their digest; 1 scrubbed, 0 redacted" in exported.stderr
    assert f"Imported {good}" in imported.stdout
    assert (tmp_path / kept).stat().st_mode & 0o777 == 0o444
    assert Bundle.open(tmp_path / kept).run_id == good
    assert len(shown.stdout.splitlines()) == 3
    assert json.loads(state.stdout) == {"amount": "[scrubbed]", "token": "[scrubbed]"}
    again = ironflow("run", "import", "run.zip", "--json", url=nowhere)
    assert json.loads(again.stdout)["verified"]["hold"] == 5


def test_what_is_no_bundle_is_not_imported(ironflow: Ironflow, runs: tuple[str, str], tmp_path: Path) -> None:
    good, _ = runs
    ironflow("run", "export", good, "--file", "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as forged:
        for name, content in members.items():
            forged.writestr(name, content.replace(b"charge", b"chargf") if name == "entries.jsonl" else content)

    refused = ironflow("run", "import", "run.zip")

    assert (refused.returncode, refused.stderr[:1]) == (10, "✕")
    assert not (tmp_path / ".ironflow" / "bundles").exists()
    for arguments in (("state",), ("state", good, "--from-file", "run.zip"), ("timeline", "--from-file", "none.zip")):
        assert ironflow("run", *arguments).returncode == 2


def test_why_a_step_is_what_it_is(ironflow: Ironflow, runs: tuple[str, str]) -> None:
    good, _ = runs
    position = positions(ironflow, good, "--step", "charge")[0]

    shown = ironflow("why", good, "--step", "charge")

    first, *causes = shown.stdout.splitlines()
    assert first.startswith(f"{position}  step.completed  charge")
    assert "run.created" in causes[0]
    assert "run.failed" in ironflow("why", "@last-failed").stdout
    told = ironflow("why", good, "--step", "charge", "--json").stdout  # which has instants, and not how long ago
    assert json.loads(told)["entry"]["position"] == int(position)
    assert ironflow("run", "why", good, "--step", "charge", "--json").stdout == told, "as a verb of runs"


def record(at_s: float, **more: Any) -> Record:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    if "from_s" in more:
        more["started_at"] = begin + timedelta(seconds=more.pop("from_s"))
    return Record(1, 1, "step.completed", begin + timedelta(seconds=at_s), **more)


def test_bars_are_on_one_scale() -> None:
    records = [record(0), record(5, from_s=0), record(10, from_s=5, type="sleep"), record(10)]

    assert bars(records, width=10, unicode=False) == ["|         ", "######    ", "     -----", "         |"]
    assert bars([record(3)], width=4, unicode=True) == ["▏   "]
    assert bars([], width=4, unicode=True) == []
    assert [offset(one, records[0].at) for one in (*records[:2], record(75), record(400), record(9_000))] == [
        *("+0.000s", "+5.000s", "+75.0s", "+6.7m", "+2.5h")
    ]
