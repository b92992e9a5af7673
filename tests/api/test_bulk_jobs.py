"""Bulk jobs over REST: begun with one call, followed and listed; who may."""

from __future__ import annotations

import httpx
import pytest

from tests.support.puller import Puller, emit, run

WHY = {"function_id": "greet", "reason": "the gateway was down"}


def test_a_job_is_begun_with_one_call_and_told_of_run_by_run(http: httpx.Client, worker: Puller) -> None:
    runs = [emit(http) for _ in range(3)]
    key = {"Idempotency-Key": "k"}

    begun = http.post("/api/v1/bulk", json={"verb": "cancel", **WHY}, headers=key)
    again = http.post("/api/v1/bulk", json={"verb": "cancel", **WHY}, headers=key)

    assert (begun.status_code, again.json()["id"]) == (202, begun.json()["id"])
    path = f"/api/v1/bulk/{begun.json()['id']}"
    job = http.get(path, params={"wait": 30}).json()
    assert (job["status"], job["total"], job["changed"], job["refused"]) == ("completed", 3, 3, 0)
    assert job["filter"]["function_id"] == "greet"
    first = http.get(f"{path}/results", params={"limit": 2}).json()
    rest = http.get(f"{path}/results", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["run_id"] for one in (*first["results"], *rest["results"])] == runs[::-1]
    assert run(http, runs[0])["status"] == "cancelled"
    [listed] = http.get("/api/v1/bulk", params={"status": "completed", "limit": 1}).json()["jobs"]
    assert listed == job
    assert http.get("/api/v1/bulk", params={"status": "running"}).json()["jobs"] == []
    assert http.post(f"{path}/stop", json={}).status_code == 412
    page = http.get("/api/v1/history", params={"stream": f"bulk/{job['id']}"}).json()
    assert [one["kind"] for one in page["entries"]] == ["bulk.started", "bulk.advanced", "bulk.completed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verb": "melt", **WHY}, "verb"),
        ({"verb": "cancel", "reason": "all"}, "filter"),
        ({"verb": "cancel", "function_id": "greet"}, "reason"),
        ({"verb": "cancel", **WHY, "run_ids": ["run_x"]}, "run_ids"),
        ({"verb": "cancel", **WHY, "per_second": 1_001}, "per_second"),
        ({"verb": "tag", **WHY}, "add"),
        ({"verb": "cancel", **WHY, "since": "soon"}, "since"),
    ],
)
def test_a_job_that_is_not_wanted_right_is_refused(http: httpx.Client, body: dict[str, object], field: str) -> None:
    refused = http.post("/api/v1/bulk", json=body)

    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert http.get("/api/v1/bulk").json()["jobs"] == []


def test_a_job_that_is_not_there(http: httpx.Client) -> None:
    for method, path in (("GET", ""), ("POST", "/stop"), ("GET", "/results")):
        assert http.request(method, f"/api/v1/bulk/bulk_x{path}").json()["code"] == "BULK_JOB_NOT_FOUND"
