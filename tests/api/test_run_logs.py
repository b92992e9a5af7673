"""`/api/v1/runs/{id}/logs` and `ironflow run logs`, of what a polling worker told, on both stores."""

from __future__ import annotations

import json
from typing import Any

import httpx
from click.testing import CliRunner

from app.cli.main import ironflow
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess

AT_US = 1_764_000_000_000_000


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"at_us": AT_US, "level": "info", "message": message, **more}


def logged(http: httpx.Client, worker: Puller) -> str:
    """A run whose first attempt failed, with lines of a step, before it and at the end."""
    run_id = emit(http)
    job = worker.job()
    alone = worker.report(job, "progress", logs={"lines": [said("to nothing")]})
    assert (alone.status_code, alone.json()["field"]) == (400, "logs")
    first = step(
        job,
        "charge",
        1,
        logs={"lines": [said("slow", level="warning", fields={"ms": 900}, logger="shop", path="/shop.py", line=7)]},
        logs_before={"lines": [said("begun")]},
    )
    assert worker.report(job, "progress", steps=[first]).status_code == 200
    end = {"lines": [said("bell \x07 \x1b[31m", level="error")], "dropped": 4}
    error = {"message": "boom", "code": "E", "retryable": True}
    assert worker.report(job, "failed", step_offset=1, error=error, logs=end).status_code == 200
    job = worker.job()
    assert worker.report(job, "completed", output="done", step_offset=1).status_code == 200
    assert run(http, run_id, wait=10)["status"] == "completed"
    return run_id


def test_lines_are_read_with_when_where_and_how_grave(http: httpx.Client, worker: Puller) -> None:
    run_id = logged(http, worker)

    told = http.get(f"/api/v1/runs/{run_id}/logs").json()
    page = http.get(f"/api/v1/runs/{run_id}/logs", params={"limit": 2}).json()
    rest = http.get(f"/api/v1/runs/{run_id}/logs", params={"limit": 2, "after": page["after"]}).json()

    begun, slow, over = told["items"]
    assert "after" not in told
    assert begun == {
        "position": slow["position"] - 1,
        "index": 0,
        "time": "2025-11-24T16:00:00.000Z",
        "level": "info",
        "message": "begun",
        "fields": {},
        "attempt": 1,
        "execution": 1,
    }
    about = (slow["step"], slow["step_id"], slow["path"], slow["fields"], slow["logger"], slow["source"])
    shop = {"path": "/shop.py", "line": 7}
    assert about == ("charge", f"{run_id}:charge:0", "charge:0", {"ms": 900}, "shop", shop)
    assert (over["level"], over["dropped"]) == ("error", 4)
    assert (page["items"], rest["items"], "after" in rest) == ([begun, slow], [over], False)
    assert http.get(f"/api/v1/runs/{run_id}/logs", params={"step": "charge"}).json()["items"] == [slow]
    assert http.get(f"/api/v1/runs/{run_id}/logs", params={"at": slow["position"]}).json()["items"] == [begun, slow]
    refused = http.get(f"/api/v1/runs/{run_id}/logs", params={"after": "x"})
    assert (refused.status_code, refused.json()["field"]) == (400, "after")
    assert http.get("/api/v1/runs/run_none/logs").status_code == 404
    records = http.get(f"/api/v1/runs/{run_id}/timeline", params={"kind": "run.logged"}).json()["records"]
    assert [one["summary"] for one in records] == [
        *("the function logged 1 line", "charge logged 1 line"),
        "the function logged 1 line, 4 more were too many",
    ]


def test_lines_are_shown_on_a_terminal_without_driving_it(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    run_id = logged(http, worker)

    def shown(*options: str) -> str:
        where = ("--server", shared_server.url, "--env", environment)
        done = CliRunner().invoke(ironflow, ["run", "logs", run_id, *options, *where])
        assert done.exit_code == 0, done.output
        return done.output

    lines = shown().splitlines()
    assert [line.split()[1:] for line in lines[:2]] == [
        ["INFO", "-", "begun"],
        ["WARNING", "charge:0", "slow", "ms=900"],
    ]
    assert lines[2].endswith("bell \\x07 \\x1b[31m")
    assert lines[3].strip() == "4 further lines were too many"
    items = json.loads(shown("--json", "--level", "warning"))["items"]
    assert [(one["message"], one.get("source")) for one in items] == [
        ("slow", {"path": "/shop.py", "line": 7}),
        ("bell \x07 \x1b[31m", None),
    ]
    assert shown("--follow", "--step", "charge").splitlines() == lines[1:2]  # the run has ended
