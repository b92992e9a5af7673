"""How far runs are and how many there are of a kind, over REST and on the command line; on both stores."""

from __future__ import annotations

import json

import httpx
from click.testing import CliRunner

from app.cli.main import ironflow
from tests.support.puller import Puller, emit
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


def test_groups_by_something_unknown_are_refused_with_the_field(http: httpx.Client) -> None:
    refused = http.get(GROUPS, params={"by": "colour"})

    assert (refused.status_code, refused.json()["field"]) == (400, "by")
