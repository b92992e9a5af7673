"""`ironflow check`, `run export` and `run export-test`: against a server, from a file, for people and for CI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.support.puller import Puller, emit, step

Ironflow = Callable[..., subprocess.CompletedProcess[str]]

MODULE = """
from ironflow import function

@function("greet", triggers=["user.*"])
async def greet(ctx):
    name = await ctx.step.run("look up", print, ctx.event.data["email"])
    return await ctx.step.run("greet", print, name)
"""


@pytest.fixture
def check(ironflow: Ironflow, environment: str, tmp_path: Path) -> Ironflow:
    (tmp_path / "people.py").write_text(MODULE)
    return lambda *arguments: ironflow(*arguments, IRONFLOW_ENV=environment)


@pytest.fixture
def run_ids(http: httpx.Client) -> list[str]:
    """Two completed runs of the module's function, and one that failed."""
    worker = Puller(http)
    worker.register_function(retry={"maxAttempts": 1, "onExhausted": "fail"})
    worker.register()
    made = []
    for end in ("completed", "completed", "failed"):
        made.append(emit(http, {"email": "ada@lovelace.org"}))
        job = worker.job()
        steps = [step(job, "look up", "Ada"), step(job, "greet", "hello ada@lovelace.org")]
        told = {"output": "hello ada@lovelace.org"} if end == "completed" else {"error": {"message": "no luck"}}
        assert worker.report(job, end, steps=steps[: 2 if end == "completed" else 1], **told).status_code == 200
    return made


def test_runs_are_checked_against_the_code_of_now(check: Ironflow, run_ids: list[str], tmp_path: Path) -> None:
    unchanged = check("check", "people", "--runs", "status=completed")
    (tmp_path / "people.py").write_text(MODULE.replace('"look up"', '"find"'))
    changed = check("check", "people:greet", "--json", "--junit", "report.xml")
    shown = check("check", "people:greet", "--runs", run_ids[0])

    assert (unchanged.returncode, unchanged.stderr) == (0, "")
    assert unchanged.stdout.startswith("2 runs: 2 same")
    told = json.loads(changed.stdout)
    assert changed.returncode == 1
    assert told["counts"] == {"same": 0, "changed": 0, "diverged": 3, "error": 0}
    assert [one["id"] for one in told["items"]] == run_ids[::-1]
    assert told["items"][0]["requested"] == "step 'find' (invoke)"
    assert told["items"][0]["location"] == "people.py:6"
    suite = ET.parse(tmp_path / "report.xml").getroot()
    assert suite.attrib["failures"] == "3"
    assert [case.attrib["name"] for case in suite.iter("testcase")] == run_ids[::-1]
    assert "1 runs: 1 diverged" in shown.stdout
    assert "people.py:6" in shown.stdout


def test_a_failed_run_that_would_go_further_is_changed_and_no_failure(check: Ironflow, run_ids: list[str]) -> None:
    checked = check("check", "people", "--runs", "status=failed", "-o", "jsonl")

    assert checked.returncode == 0
    told = json.loads(checked.stdout)
    assert (told["outcome"], told["recorded"]) == ("changed", "the end: failed: no luck")
    assert told["requested"] == "step 'greet' (invoke)"


def test_a_bundle_is_checked_without_a_server(check: Ironflow, run_ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "runs.ndjson").write_text(check("run", "recordings", "status=completed", "--last", "1").stdout)

    checked = check("check", "people", "--file", "runs.ndjson", "--server", "http://127.0.0.1:9")
    (tmp_path / "runs.ndjson").write_text("{}\n")
    bad = check("check", "people", "--file", "runs.ndjson")

    assert checked.stdout.startswith("1 runs: 1 same")
    assert (bad.returncode, "line 1" in bad.stderr) == (2, True)


def test_nothing_to_check_is_no_success(check: Ironflow) -> None:
    assert check("check", "people", "--runs", "since=1s").returncode == 2
    assert "no filter" in check("check", "people", "--runs", "colour=red").stderr
    assert "cannot be imported" in check("check", "no_such_module").stderr


def test_a_run_is_exported_as_a_test_that_passes(check: Ironflow, run_ids: list[str], tmp_path: Path) -> None:
    exported = check("run", "export-test", run_ids[0], "people", "--file", "test_greet.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_greet.py"]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert exported.returncode == 0, exported.stderr
    assert "1 value redacted" in exported.stdout
    assert tested.returncode == 0, tested.stdout
    assert "ada@lovelace.org" not in (tmp_path / "test_greet.py").read_text()
    assert "has no function" not in exported.stderr
    (tmp_path / "people.py").write_text(MODULE.replace("greet", "wave"))
    assert "has no function 'greet', but 'wave'" in check("run", "export-test", run_ids[0], "people").stderr
