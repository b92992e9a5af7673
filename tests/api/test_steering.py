"""Pausing, resuming and cancelling over REST and Connect, one run and many; publishing to topics."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from app.api.bulk import BulkRequest
from app.api.shapes.runs import ListRunsQuery
from tests.support.puller import RPC, Puller, emit, run, step

PUBSUB = "/ironflow.v1.PubSubService"


def steps_of(http: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    return found


def test_a_running_run_is_paused_at_its_next_step_and_resumed_from_one(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    worker.report(job, "progress", steps=[step(job, "a", 1)])

    assert http.post(f"{RPC}/PauseRun", json={"runId": run_id}).json() == {"status": "pause_requested"}
    assert run(http, run_id)["pause_requested"] is True
    worker.report(job, "progress", steps=[step(job, "b", 2)], step_offset=1)
    paused = run(http, run_id, wait=10)
    assert (paused["status"], paused["pause_reason"]) == ("paused", "injection")
    assert worker.report(job, "completed", output=1).status_code == 409
    state = http.post(f"{RPC}/GetPausedState", json={"runId": run_id}).json()
    assert [one["name"] for one in state["steps"]] == ["a", "b"]
    unknown = http.post("/api/v1/runs/resume", json={"run_id": run_id, "from_step": "c"})
    assert (unknown.status_code, unknown.json()["field"]) == (400, "from_step")

    resumed = http.post(f"{RPC}/ResumeRun", json={"runId": run_id, "fromStep": "b"}).json()

    assert resumed["status"] == "RUN_STATUS_WAITING_FOR_CAPACITY"
    again = worker.job()
    assert [one["name"] for one in again["completed_steps"]] == ["a"]
    worker.report(again, "completed", output=None)
    ended = http.post(f"/api/v1/runs/{run_id}/pause")
    assert (ended.status_code, ended.json()["code"]) == (409, "RUN_NOT_RUNNING")


def test_a_pause_is_taken_back_and_explained_later(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    path = f"/api/v1/runs/{run_id}"
    worker.report(job, "progress", steps=[step(job, "a", 1)])

    http.post(f"{path}/pause").raise_for_status()
    http.post(f"{path}/resume").raise_for_status()
    assert "pause_requested" not in run(http, run_id)
    worker.report(job, "progress", steps=[step(job, "b", 2)], step_offset=1)
    assert run(http, run_id)["status"] == "running", "it is not held after all"

    http.post(f"{path}/pause").raise_for_status()
    http.post(f"{path}/pause", json={"reason": "wrong currency"}).raise_for_status()
    worker.report(job, "progress", steps=[step(job, "c", 3)], step_offset=2)
    paused = run(http, run_id, wait=10)
    assert (paused["status"], paused["pause_reason"]) == ("paused", "wrong currency")
    http.post(f"{path}/pause", json={"reason": "another"}).raise_for_status()
    assert run(http, run_id)["pause_reason"] == "wrong currency", "who asked first said why"

    later = emit(http)
    for reason in ("", "looked into", "looked into"):
        http.post(f"/api/v1/runs/{later}/pause", json={"reason": reason}).raise_for_status()
    assert run(http, later)["pause_reason"] == "looked into"
    records = http.get(f"/api/v1/runs/{later}/timeline").json()["records"]
    assert [one["kind"] for one in records] == ["run.created", "run.paused", "run.pause_explained"]
    assert records[-1]["summary"] == "pause explained: looked into"


def test_many_runs_are_cancelled_and_resumed_after_a_look_at_them(http: httpx.Client, worker: Puller) -> None:
    runs = [emit(http)]
    worker.report(worker.job(), "failed", error={"message": "no", "code": "E", "retryable": False})
    runs += [emit(http) for _ in range(2)]
    body = {"function_id": "greet", "dry_run": True}

    look = http.post("/api/v1/runs/bulk/cancel", json=body).json()
    assert (look["matched"], look["changed"], look["dry_run"]) == (2, 0, True)
    assert {one["id"] for one in look["runs"]} == set(runs[1:])
    assert run(http, runs[1])["status"] != "cancelled"
    done = http.post("/api/v1/runs/bulk/cancel", json={**body, "dry_run": False, "reason": "all"}).json()
    assert (done["matched"], done["changed"], done["refused"], done["more"]) == (2, 2, [], False)
    assert [run(http, one)["status"] for one in runs] == ["failed", "cancelled", "cancelled"]
    assert http.post("/api/v1/runs/bulk/cancel", json=body).json()["matched"] == 0

    resumed = http.post("/api/v1/runs/bulk/resume", json={"status": "failed,paused"}).json()
    assert [one["id"] for one in resumed["runs"]] == runs[:1]
    assert worker.job()["run_id"] == runs[0]


def test_named_runs_are_cancelled_and_the_others_say_why_not(http: httpx.Client, worker: Puller) -> None:
    done, waiting, left = emit(http), emit(http), emit(http)
    assert http.post(f"/api/v1/runs/{done}/cancel").status_code == 200
    body = {"run_ids": [done, waiting, "run_00000000000000000000000000"], "dry_run": True}

    look = http.post("/api/v1/runs/bulk/cancel", json=body).json()
    told = http.post("/api/v1/runs/bulk/cancel", json={**body, "dry_run": False}).json()

    assert (look["matched"], [one["id"] for one in look["runs"]], told["changed"]) == (1, [waiting], 1)
    refused = {one["run_id"]: one["code"] for one in look["refused"]}
    assert refused == {done: "FAILED_PRECONDITION", "run_00000000000000000000000000": "RUN_NOT_FOUND"}
    assert [run(http, one)["status"] == "cancelled" for one in (waiting, left)] == [True, False]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "filter"),
        ({"dry_run": True}, "filter"),
        ({"run_ids": ["run_1"], "function_id": "greet"}, "run_ids"),
        ({"run_ids": [f"run_{number}" for number in range(1_001)]}, "run_ids"),
        ({"status": "exploded"}, "status"),
        ({"status": "completed"}, "status"),
        ({"functon_id": "x"}, "functon_id"),
        ({"since": "yesterday"}, "since"),
    ],
)
def test_a_filter_that_chooses_everything_or_nothing_is_refused(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    for verb in ("cancel", "pause", "resume"):
        refused = http.post(f"/api/v1/runs/bulk/{verb}", json=body)
        assert (refused.status_code, refused.json()["field"]) == (400, field)


def test_who_gives_no_filter_is_told_all_that_it_may_have(http: httpx.Client) -> None:
    hint = http.post("/api/v1/runs/bulk/cancel", json={}).json()["hint"]

    chosen_by = {name for name in ListRunsQuery.__struct_fields__ if name in BulkRequest.__struct_fields__}
    assert set(re.findall(r"\w+", hint)) - {"or"} == chosen_by


def test_a_run_that_waits_for_its_next_attempt_makes_it_now(http: httpx.Client, worker: Puller) -> None:
    worker.register_function(retry={"maxAttempts": 3, "initialDelayMs": 3_600_000, "onExhausted": "fail"})
    run_id = emit(http)
    assert http.post(f"/api/v1/runs/{run_id}/retry").status_code == 412
    worker.report(worker.job(), "failed", error={"message": "the gateway is away", "code": "GONE", "retryable": True})
    seen = run(http, run_id)
    stale = http.post(f"/api/v1/runs/{run_id}/retry", json={"expected_version": seen["version"] - 1})

    retried = http.post(
        f"/api/v1/runs/{run_id}/retry", json={"reason": "it is back", "expected_version": seen["version"]}
    )

    assert (seen["status"], seen["attempt"]) == ("waiting", 2)
    assert (stale.status_code, stale.json()["code"]) == (412, "RUN_CHANGED")
    assert retried.status_code == 200, retried.text
    again = worker.job()
    assert (again["run_id"], again["attempt"]) == (run_id, 1)
    entries = http.get("/api/v1/history", params={"stream": f"run/{run_id}"}).json()["entries"]
    told = [(one["kind"], one["data"].get("reason")) for one in entries if one["kind"] in ("run.paused", "run.resumed")]
    assert told == [("run.paused", "it is back"), ("run.resumed", "it is back")]
    assert "pause_reason" not in run(http, run_id)


def test_many_runs_are_paused(http: httpx.Client, worker: Puller) -> None:
    running, queued = emit(http), emit(http)
    [job] = worker.poll(available=1).json()["jobs"]
    assert job["run_id"] == running

    told = http.post("/api/v1/runs/bulk/pause", json={"function_id": "greet", "reason": "look"}).json()

    assert told["changed"] == 2
    assert run(http, queued)["pause_reason"] == "look"
    assert run(http, running)["pause_requested"] is True


def test_a_message_is_published_to_a_topic_and_starts_nothing(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    body = {"topic": "user.news", "data": {"n": 1}, "idempotencyKey": "step-1"}

    first = http.post(f"{PUBSUB}/Publish", json=body, headers={"X-Ironflow-Run-ID": run_id}).json()
    again = http.post(f"{PUBSUB}/Publish", json=body).json()

    assert first["eventId"]
    assert int(first["sequence"]) > 0
    assert (again["eventId"], again["sequence"], again["duplicate"]) == (first["eventId"], first["sequence"], True)
    plain = http.post(f"{PUBSUB}/Publish", json={"topic": "user.news", "dataValue": 7}).json()
    assert plain["duplicate"] is False
    [topic] = http.post(f"{PUBSUB}/ListTopics", json={}).json()["topics"]
    assert (topic["name"], topic["messageCount"]) == ("user.news", "2")
    assert http.get("/api/v1/runs").json()["total"] == 1
    for bad in ({"topic": "system.x"}, {"topic": ""}, {"topic": "a b"}, {"topic": "a", "idempotencyKey": "a b"}):
        assert http.post(f"{PUBSUB}/Publish", json=bad).status_code == 400


def test_a_message_is_published_in_binary_too(http: httpx.Client) -> None:
    from ironflow.v1 import pubsub_pb2

    request = pubsub_pb2.PublishRequest(topic="a.b")
    request.data.update({"n": 1})
    headers = {"Content-Type": "application/proto"}
    answer = http.post(f"{PUBSUB}/Publish", content=request.SerializeToString(), headers=headers)

    assert pubsub_pb2.PublishResponse.FromString(answer.content).sequence > 0


def test_what_was_done_before_the_pause_was_known_counts(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    http.post(f"/api/v1/runs/{run_id}/pause")

    together = [step(job, "a", 1), step(job, "b", 2), step(job, "c", 3)]
    assert worker.report(job, "progress", steps=together).status_code == 200

    paused = run(http, run_id, wait=10)
    assert (paused["status"], [one["name"] for one in steps_of(http, run_id)]) == ("paused", ["a", "b", "c"])
    assert worker.report(job, "completed", output=1).status_code == 409
    http.post(f"/api/v1/runs/{run_id}/resume")
    assert [one["output"] for one in worker.job()["completed_steps"]] == [1, 2, 3]


def test_what_is_paused_already_takes_a_reason_that_is_told_later(http: httpx.Client, worker: Puller) -> None:
    """Pausing asks for none beforehand: it is taken back with one call, and explained with another."""
    http.post("/api/v1/groups", json={"name": "billing", "pattern": "order.*"}).raise_for_status()
    http.post("/api/v1/webhook-sources", json={"name": "stripe"}).raise_for_status()
    paths = ("/api/v1/groups/billing/pause", "/api/v1/webhook-sources/stripe/pause", "/api/v1/functions/greet/pause")

    for path in (*paths, "/api/v1/functions/greet/pin"):
        for reason in ("", "", "looked into"):
            http.post(path, json={"reason": reason}).raise_for_status()

    kinds = "group.paused,webhook.paused,function.status_changed,function.pinned"
    entries = http.get("/api/v1/history", params={"kind": kinds}).json()["entries"]
    told = sorted((one["kind"], one["data"].get("reason", "")) for one in entries)
    assert told == [(kind, reason) for kind in sorted(kinds.split(",")) for reason in ("", "looked into")]
