"""`ironflow run`: what people see of waits and children, and how they pause, resume and cancel runs, one or many."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import forked
from tests.support.puller import Puller, emit, step
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ironflow(server: ServerProcess, tmp_path: Path, environment: str) -> Ironflow:
    def run(*arguments: str, group: str = "run") -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": environment}
        return forked.run([group, *arguments], env=told, cwd=tmp_path)

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
    assert "Resumed" in ironflow("resume", run_id, "--from-step", "a", "--reason", "again").stdout
    assert worker.job()["completed_steps"] == []
    assert "Pausing after its step" in ironflow("pause", run_id, "--reason", "look").stdout
    assert "Cancelled" in ironflow("cancel", run_id, "--reason", "enough").stdout
    again = ironflow("pause", run_id, "--reason", "look")
    assert (again.returncode, "cannot be paused" in again.stderr) == (5, True)


def test_many_runs_are_changed_after_a_look(http: httpx.Client, worker: Puller, ironflow: Ironflow) -> None:
    runs = [emit(http) for _ in range(2)]

    look = ironflow("cancel", "--function", "greet", "--dry-run")
    assert all(run_id in look.stdout for run_id in runs)
    assert "Would cancel 2" in look.stderr
    assert json.loads(ironflow("pause", "--function", "greet", "--reason", "look", "--json").stdout)["changed"] == 2
    assert "Asked 2 of 2 to resume" in ironflow("resume", "--status", "paused", "--reason", "seen").stderr
    assert "Asked 2 of 2 to cancel" in ironflow("cancel", "--status", "waiting_for_capacity").stderr
    assert "no run matches" in ironflow("cancel", "--function", "greet").stderr


def test_runs_that_are_refused_among_many_are_told_by_the_exit_code(
    http: httpx.Client, worker: Puller, ironflow: Ironflow
) -> None:
    first = emit(http)
    assert ironflow("fork", first, "--key", "once", "--reason", "look").returncode == 0
    replay = ("replay", "--status", "waiting_for_capacity", "--key", "once", "--reason", "look")

    some = ironflow(*replay)

    assert (some.returncode, "Asked 1 of 2 to replay" in some.stderr, f"{first}: " in some.stderr) == (1, True, True)
    programs = ironflow(*replay, "--json")
    told = json.loads(programs.stdout)
    assert (programs.returncode, [one["run_id"] for one in told["refused"]]) == (1, [first])


def test_a_job_over_many_runs_is_waited_for_and_says_what_it_could_not_do(
    http: httpx.Client, worker: Puller, ironflow: Ironflow
) -> None:
    runs = [emit(http) for _ in range(2)]

    paused = ironflow("start", "pause", "--function", "greet", "--reason", "look", "--wait", group="bulk")
    assert (paused.returncode, "completed" in paused.stdout) == (0, True)
    named = ["--run", runs[0], "--run", "run_x", "--reason", "seen"]
    begun = json.loads(ironflow("start", "resume", *named, "--json", group="bulk").stdout)
    ended = ironflow("get", begun["id"], "--wait", group="bulk")
    assert (ended.returncode, "--refused" in ended.stderr) == (1, True)
    assert "no run 'run_x'" in ironflow("results", begun["id"], "--refused", group="bulk").stdout
    assert begun["id"] in ironflow("list", "--status", "completed", group="bulk").stdout
    assert ironflow("stop", begun["id"], group="bulk").returncode == 5
    assert ironflow("get", "bulk_x", group="bulk").returncode == 3


def test_how_the_steps_of_a_function_went(http: httpx.Client, worker: Puller, ironflow: Ironflow) -> None:
    emit(http)
    job = worker.job()
    worker.report(job, "completed", steps=[step(job, "a", 1), step(job, "b", 2)], output=1)
    assert http.get(f"/api/v1/runs/{job['run_id']}", params={"wait": 10}).json()["status"] == "completed"

    shown = ironflow("profile", "greet", group="function")

    rows = [line.split() for line in shown.stdout.splitlines()]
    assert [row[:4] for row in rows] == [
        ["STEP", "TYPE", "RUNS", "TIMES"],
        ["a", "invoke", "1", "1"],
        ["b", "invoke", "1", "1"],
    ]
    assert "newest 1 runs" in shown.stderr
    told = json.loads(ironflow("profile", "greet", "--since", "1h", "--json", group="function").stdout)
    assert (told["schema"], told["sampled"], len(told["steps"])) == ("ironflow.function-profile/v1", 1, 2)
    assert ironflow("profile", "greet", "--since", "soon", group="function").returncode == 10


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["cancel"], "give the id of a run"),
        (["pause", "--dry-run"], "give the id of a run"),
        (["cancel", "run_x", "--function", "f", "--dry-run"], "either the id of a run, or options"),
        (["cancel", "run_x", "--function", "f"], "either the id of a run, or options"),
        (["resume", "--function", "f", "--from-step", "a"], "--from-step"),
        (["pause", "run_x"], "--reason"),
        (["resume", "run_x"], "--reason"),
        (["replay", "--function", "f"], "--reason"),
        (["patch", "run_x", "a", "-d", "1"], "--reason"),
        (["fork", "run_x", "--patch", "a", "--reason", "r"], "STEP=JSON"),
    ],
)
def test_what_cannot_be_meant_is_refused(ironflow: Ironflow, arguments: list[str], text: str) -> None:
    refused = ironflow(*arguments)

    assert (refused.returncode, text in refused.stderr) == (2, True)


def test_a_step_is_patched_as_planned_undone_and_tried_on_a_fork(
    http: httpx.Client, worker: Puller, ironflow: Ironflow
) -> None:
    run_id = emit(http)
    job = worker.job()
    error = {"message": "no", "code": "E", "retryable": False}
    worker.report(job, "failed", steps=[step(job, "a", 1), step(job, "b", 2)], error=error)
    assert http.get(f"/api/v1/runs/{run_id}", params={"wait": 10}).json()["status"] == "failed"

    planned = ironflow("patch", run_id, "a", "-d", "5", "--from-step", "a", "--plan")
    assert ("may repeat its effects" in planned.stdout, "Nothing was changed" in planned.stderr) == (True, True)
    version = json.loads(ironflow("patch", run_id, "a", "-d", "5", "--plan", "--json").stdout)["version"]
    patched = ironflow("patch", run_id, "a", "-d", "5", "--reason", "wrong", "--version", str(version))
    assert f"Patched a of {run_id}" in patched.stdout
    assert "patched: wrong" in ironflow("get", run_id).stdout
    stale = ironflow("undo", run_id, "a", "--reason", "no", "--version", str(version))
    assert (stale.returncode, "step.patched (a)" in stale.stderr) == (5, True)
    undone = json.loads(ironflow("undo", run_id, "a", "--reason", "no", "--json").stdout)
    assert undone["step"]["output"] == 1
    forked = json.loads(ironflow("fork", run_id, "--patch", "a=7", "--reason", "try", "--json").stdout)
    assert forked["forked_from"]["run_id"] == run_id
    assert worker.job()["completed_steps"][0]["output"] == 7
    replayed = json.loads(ironflow("replay", "--status", "failed", "--reason", "all", "--json").stdout)
    assert [one["replays"] for one in replayed["made"]] == [run_id]
    tree = ironflow("lineage", forked["id"]).stdout
    assert [line.split()[0] for line in tree.splitlines()] == [run_id, forked["id"], replayed["made"][0]["run_id"]]
    assert "fork at" in tree


def test_a_paused_run_is_given_what_comes_next(http: httpx.Client, worker: Puller, ironflow: Ironflow) -> None:
    run_id = emit(http)
    wait(worker, worker.job())
    ironflow("pause", run_id, "--reason", "look")

    state = ironflow("paused-state", run_id)
    assert ("look" in state.stdout, "paid" in state.stdout) == (True, True)
    told = ironflow("inject", run_id, "paid", "-d", '{"n": 1}', "--reason", "by hand", "--resume")

    assert "Injected paid" in told.stdout
    assert [one["output"] for one in worker.job()["completed_steps"]] == [1, {"n": 1}]


def test_a_breakpoint_is_made_listed_renewed_and_deleted(
    http: httpx.Client, worker: Puller, ironflow: Ironflow
) -> None:
    def breakpoint(*arguments: str) -> subprocess.CompletedProcess[str]:
        return ironflow(*arguments, group="breakpoint")

    made = json.loads(breakpoint("create", "--function", "greet", "--step", "a", "--before", "--json").stdout)
    assert (made["place"], made["step"]) == ("before", "a")
    assert "holds on" in breakpoint("renew", made["id"], "--ttl", "2m").stdout
    assert made["id"] in breakpoint("list").stdout
    assert "Deleted" in breakpoint("delete", made["id"]).stdout
    assert breakpoint("renew", made["id"]).returncode == 3
