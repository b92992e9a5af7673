"""`ironflow failures`, `run similar` and `search`, as people and programs see them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import httpx
import pytest

from tests.api.test_failures import complete, fail
from tests.support.puller import Puller
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


def test_a_failure_is_found_explained_and_mended_as_before(
    ironflow: Ironflow, server: ServerProcess, shell_environment: str
) -> None:
    http = httpx.Client(base_url=server.url, headers={"X-Ironflow-Environment-ID": shell_environment}, timeout=30)
    worker = Puller(http)
    worker.register_function(retry={"maxAttempts": 1, "onExhausted": "fail"})
    worker.register()
    for number in range(3):
        complete(http, worker, {"currency": "EUR", "n": number})
    mended, *runs = [fail(http, worker, f"Declined: card {n}", {"currency": "JPY"}) for n in range(4)]
    assert ironflow("run", "resume", mended, "--reason", "the bank has mended it").returncode == 0
    worker.report(worker.job(), "completed", output=1)

    similar = ironflow("run", "similar", runs[-1])
    listed = ironflow("failures", "list", "--json")
    [group] = json.loads(listed.stdout)["items"]
    shown = ironflow("failures", "get", group["id"])

    assert similar.returncode == 0, similar.stderr
    assert "Declined: card <number>" in similar.stdout
    assert mended in similar.stdout.partition("PAST REPAIRS")[2]
    assert (group["failures"], group["runs"], group["completed"], group["open"]) == (4, 4, 1, 3)
    assert "data.currency" in shown.stdout.partition("WHAT DIFFERS")[2]
    assert "resumed  1 run" in shown.stdout
    assert "Declined: card <number>" in ironflow("failures", "list").stdout
    planned = ironflow("failures", "apply", group["id"], "--from", mended, "--dry-run")
    assert planned.returncode != 0
    assert "no step of" in planned.stderr
    body = {"output": {"id": "ch_1"}, "reason": "the bank has it", "resume": True}
    assert http.post(f"/api/v1/runs/{runs[0]}/steps/charge/patch", json=body).is_success
    worker.report(worker.job(), "completed", output=1)
    http.get(f"/api/v1/runs/{runs[0]}", params={"wait": 10})
    planned = ironflow("failures", "apply", group["id"], "--from", runs[0], "--dry-run")
    assert f"2 of 2 runs would get the output of charge in {runs[0]}" in planned.stderr
    assert runs[1] in planned.stdout
    assert "is looked after by ada" in ironflow("failures", "assign", group["id"], "--to", "ada").stderr
    assert group["id"] in ironflow("failures", "list", "--assignee", "ada").stdout
    resolved = ironflow("failures", "resolve", group["id"], "--reason", "the bank has mended it")
    assert "is resolved unless a version newer than 1 fails so" in resolved.stderr
    assert json.loads(ironflow("failures", "list", "--json").stdout)["items"] == []
    assert group["id"] in ironflow("failures", "list", "--status", "all").stdout
    second = fail(http, worker, "Timeout: gateway")
    other = json.loads(ironflow("run", "similar", second, "--json").stdout)["group"]["fingerprint"]
    assert "has 5 failures" in ironflow("failures", "merge", other, "--into", group["id"], "--reason", "one").stderr
    assert other in ironflow("failures", "get", group["id"]).stdout.partition("MERGED INTO IT")[2]
    assert "has 4 failures" in ironflow("failures", "split", group["id"], other, "--reason", "two").stderr
    unknown = "0123456789abcdef"
    several = ("failures", "merge", unknown, other, "--into", group["id"], "--reason", "one")
    some, again = ironflow(*several), ironflow(*several, "--json")
    assert (some.returncode, again.returncode) == (1, 1)
    for told in (f"{other} is merged into {group['id']}", f"{unknown}: ", "has 5 failures"):
        assert told in some.stderr
    told = json.loads(again.stdout)
    assert (told["failures"], told["merged"]) == (5, [other])
    assert [one["fingerprint"] for one in told["refused"]] == [unknown]
    assert ironflow("failures", "merge", unknown, "--into", group["id"], "--reason", "one").returncode == 3
    assert "has 4 failures" in ironflow("failures", "split", group["id"], other, "--reason", "two").stderr
    assert ironflow("search", runs[0], "-o", "id").stdout.split() == [runs[0]]
    assert runs[0] in ironflow(runs[0]).stdout
    assert "failures get" in ironflow(group["id"]).stderr
    assert ironflow("search", "no such thing anywhere").returncode == 3
    assert ironflow("failures", "get", "0123456789abcdef").returncode == 3


@pytest.mark.parametrize("given", ["runn", "run_", "nonsense"])
def test_what_is_no_id_is_no_command(ironflow: Ironflow, given: str) -> None:
    assert ironflow(given).returncode == 2
