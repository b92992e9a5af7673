"""How far runs are, how many there are of a kind, how they and their steps went: over REST, on both stores."""

from __future__ import annotations

import json

import httpx
from click.testing import CliRunner

from app.cli.main import ironflow
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess

GROUPS = "/api/v1/stats/runs/groups"


def test_rows_and_groups_are_the_same_to_every_face(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    run_id = emit(http)
    emit(http)

    [row] = http.get("/api/v1/runs", params={"search": run_id}).json()["runs"]
    told = http.get(GROUPS, params={"by": "function"}).json()
    by_day = http.get(GROUPS, params={"by": "day", "since": "1h", "search": run_id}).json()

    assert (row["progress"], "patched" in row, "compensating" in row) == ({"completed": 0}, False, False)
    assert (told["counted"], told["exact"], told["groups_total"]) == (2, True, 1)
    assert (told["groups"][0]["key"], told["groups"][0]["runs"]) == ("greet", 2)
    assert [(one["key"], one["runs"]) for one in by_day["groups"]] == [(row["created_at"][:10], 1)]

    def command(*words: str) -> str:
        done = CliRunner().invoke(
            ironflow, ["run", "list", *words, "--server", shared_server.url, "--env", environment]
        )
        assert done.exit_code == 0, done.output
        return done.stdout

    listed = json.loads(command("--json"))
    assert listed["items"] == http.get("/api/v1/runs").json()["runs"]
    grouped = json.loads(command("--group-by", "function", "--json"))
    assert {name: grouped[name] for name in told} == told
    assert "greet" in command("--group-by", "function", "-o", "table")
    assert json.loads(command("--sort", "oldest", "--json"))["items"] == listed["items"][::-1]
    refused = http.get("/api/v1/runs", params={"order": "longest"})
    unknown = http.get("/api/v1/runs", params={"order": "sideways"}).json()
    assert (unknown["field"], unknown["hint"]) == ("order", "longest or newest or oldest or shortest or status")
    assert (refused.status_code, refused.json()["field"]) == (400, "order")


def test_groups_by_something_unknown_are_refused_with_the_field(http: httpx.Client) -> None:
    refused = http.get(GROUPS, params={"by": "colour"})

    assert (refused.status_code, refused.json()["field"]) == (400, "by")


def test_the_runs_of_events_are_counted_by_status(http: httpx.Client, worker: Puller) -> None:
    def emitted(name: str) -> str:
        return str(http.post("/api/v1/events", json={"name": name}).json()["event_id"])

    done = emitted("user.a")
    assert worker.report(worker.job(), "completed", output=1).status_code == 200
    ids = [emitted("other"), done, emitted("user.b")]

    told = http.get("/api/v1/stats/runs/events", params={"event_id": ",".join([*ids, "evt_nowhere"])}).json()
    none = http.get("/api/v1/stats/runs/events")
    many = http.get("/api/v1/stats/runs/events", params={"event_id": ",".join(["evt_x"] * 101)})

    assert told["exact"] is True
    assert [one["event_id"] for one in told["events"]] == [*ids, "evt_nowhere"]
    assert [one["counts"] for one in told["events"]] == [{}, {"completed": 1}, {"waiting_for_capacity": 1}, {}]
    assert [one["runs"] for one in told["events"]] == [0, 1, 1, 0]
    assert [(one.status_code, one.json()["field"]) for one in (none, many)] == [(400, "event_id")] * 2


def test_functions_and_steps_say_how_they_went(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    assert worker.report(job, "completed", output=1, steps=[step(job, "charge", 1)]).status_code == 200
    run(http, run_id, wait=10)

    every = http.get("/api/v1/stats/functions", params={"since": "1h"}).json()
    named = http.get("/api/v1/stats/functions", params={"function_id": "nowhere, greet"}).json()
    steps = http.get("/api/v1/stats/functions/greet/steps", params={"since": "1h"}).json()

    [greet] = every["functions"]
    assert (greet["function_id"], greet["begun"], greet["sampled"], greet["counts"]) == (
        "greet",
        1,
        1,
        {"completed": 1},
    )
    assert (every["functions_total"], greet["took"]["count"]) == (1, 1)
    assert [(one["function_id"], one["begun"]) for one in named["functions"]] == [("nowhere", 0), ("greet", 1)]
    assert [(one["name"], one["completed"], one["failed"]) for one in steps["steps"]] == [("charge", 1, 0)]
    assert (steps["sampled"], steps["whole"]) == (1, True)


def test_figures_that_cannot_be_told_are_refused_with_the_field(http: httpx.Client) -> None:
    many = ",".join(f"f{number}" for number in range(201))
    for query, field in (({"since": "soon"}, "since"), ({"function_id": many}, "function_id")):
        refused = http.get("/api/v1/stats/functions", params=query)

        assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert http.get("/api/v1/stats/functions/nowhere/steps").status_code == 404
