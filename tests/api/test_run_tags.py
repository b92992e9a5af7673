"""Tags of runs over REST, the published calls and the command line, of a polling worker's runs; on both stores."""

from __future__ import annotations

import json

import httpx
from click.testing import CliRunner

from app.cli.main import ironflow
from ironflow import Client
from tests.support.puller import RPC, Puller, emit, run, step
from tests.support.server import ServerProcess


def tagged(http: httpx.Client, tag: str) -> list[str]:
    return [one["id"] for one in http.get("/api/v1/runs", params={"tag": tag}).json()["runs"]]


def test_runs_are_tagged_from_outside_and_found_by_it(http: httpx.Client, worker: Puller) -> None:
    body = {"name": "user.signed_up", "data": {"id": 7}, "tags": ["vip", "eu"]}
    [first] = http.post("/api/v1/events", json=body).json()["run_ids"]
    called = http.post(f"{RPC}/InvokeFunction", json={"functionId": "greet", "tags": ["called"]}).json()["runId"]
    emit(http)

    answer = http.post(f"/api/v1/runs/{first}/tags", json={"add": ["late"], "remove": ["eu"], "reason": "moved"})

    assert (answer.status_code, answer.json()["tags"]) == (200, ["vip", "late"])
    assert (tagged(http, "vip,late"), tagged(http, "eu"), tagged(http, "called")) == ([first], [], [called])
    assert http.post(f"{RPC}/ListRuns", json={"tags": ["vip"]}).json()["runs"][0]["tags"] == ["vip", "late"]
    stats = http.get("/api/v1/stats/runs", params={"tag": "vip", "since": "1h"}).json()
    assert sum(stats["totals"].values()) == 1
    bulk = http.post("/api/v1/runs/bulk/cancel", json={"tag": "called", "dry_run": True}).json()
    assert [one["id"] for one in bulk["runs"]] == [called]
    bulk = http.post("/api/v1/runs/bulk/tag", json={"tag": "vip", "add": ["seen"], "remove": ["late"]}).json()
    assert (bulk["changed"], tagged(http, "seen"), tagged(http, "late")) == (1, [first], [])
    assert http.post("/api/v1/runs/bulk/tag", json={"tag": "vip"}).json()["field"] == "add"
    rows = http.post("/api/v1/sql", json={"query": "select tag from run_tags order by tag"}).json()["rows"]
    assert rows == [["called"], ["seen"], ["vip"]]
    timeline = http.get(f"/api/v1/runs/{first}/timeline", params={"kind": "run.tagged"}).json()["records"]
    assert [(one["summary"], one.get("reason", "")) for one in timeline] == [
        ("tagged late; tags removed: eu", "moved"),
        ("tagged seen; tags removed: late", ""),
    ]


def test_what_is_no_tag_is_refused_with_its_field(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)

    refused = http.post(f"/api/v1/runs/{run_id}/tags", json={"add": ["a,b"]})
    assert (refused.status_code, refused.json()["field"]) == (400, "add[0]")
    assert http.post(f"/api/v1/runs/{run_id}/tags", json={}).json()["field"] == "add"
    refused = http.post("/api/v1/events", json={"name": "user.signed_up", "tags": ["x" * 65]})
    assert (refused.status_code, refused.json()["field"]) == (400, "tags[0]")
    refused = worker.register_function(tags=["{customer"])
    assert (refused.status_code, "tags[0]" in refused.text) == (400, True)
    assert http.post("/api/v1/runs/run_none/tags", json={"add": ["a"]}).status_code == 404
    assert run(http, run_id)["tags"] == []


def test_a_polling_worker_tags_its_run(http: httpx.Client, worker: Puller) -> None:
    worker.register_function(tags=["user:{id}"])
    run_id = emit(http, {"id": 7})
    job = worker.job()

    done = step(job, "charge", 1, logs={"tags": ["large", "no\ntag"]})
    assert worker.report(job, "completed", output=1, steps=[done], logs={"tags": ["over"]}).status_code == 200

    assert run(http, run_id, wait=10)["tags"] == ["user:7", "large", "over"]


def test_runs_are_tagged_and_listed_on_the_command_line(
    http: httpx.Client, worker: Puller, shared_server: ServerProcess, environment: str
) -> None:
    def told(*arguments: str) -> str:
        done = CliRunner().invoke(ironflow, [*arguments, "--server", shared_server.url, "--env", environment])
        assert done.exit_code == 0, done.output
        return done.output

    told("emit", "user.signed_up", "--tag", "vip", "--tag", "eu")
    [run_id] = tagged(http, "vip")

    assert "Tagged" in told("run", "tag", run_id, "large one", "--remove", "eu")

    assert json.loads(told("run", "list", "--tag", "large one", "--json"))["items"][0]["tags"] == ["vip", "large one"]
    assert "vip, large one" in told("run", "list", "--tag", "vip,large one")
    assert "vip, large one" in told("run", "get", run_id)
    with Client(shared_server.url, environment=environment) as client:
        assert client.runs.tag(run_id, "x", remove=["vip"])["tags"] == ["large one", "x"]
        called = client.functions.invoke("greet", tags=["called"])["run_id"]
        assert [one["id"] for one in client.runs.list(tag="called").items] == [called]
