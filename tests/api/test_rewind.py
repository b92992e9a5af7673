"""Patching, injecting, forking and replaying over REST and Connect, with a worker of the published pull protocol."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.support.puller import RPC, Puller, emit, run, step

WHY = "the gateway lied"


def failed(http: httpx.Client, worker: Puller) -> str:
    """a completed, then b failed, and with it the run."""
    run_id = emit(http, {"n": 1})
    job = worker.job()
    error = {"message": "no", "code": "E", "retryable": False}
    steps = [step(job, "a", {"currency": "USD"}), step(job, "b", None, status="failed", error=error)]
    worker.report(job, "failed", steps=steps, error=error)
    assert run(http, run_id, wait=10)["status"] == "failed"
    return run_id


def given(job: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["output"] for one in job["completed_steps"]}


def test_a_patch_is_planned_made_resumed_and_shown(http: httpx.Client, worker: Puller) -> None:
    run_id = failed(http, worker)
    url = f"/api/v1/runs/{run_id}"

    answer = http.post(f"{url}/plan", json={"action": "patch", "step": "b", "output": {"id": 9007199254740993}})
    plan = answer.json()
    assert (plan["kept"], plan["reruns"], plan["may_repeat"]) == (["a", "b"], [], [])
    assert answer.headers["ETag"] == f'"{plan["version"]}"'
    patched = http.post(
        f"{url}/steps/b/patch",
        content=b'{"output":{"id":9007199254740993},"reason":"%s"}' % WHY.encode(),
        headers={"If-Match": answer.headers["ETag"], "Idempotency-Key": "k1"},
    ).json()
    assert (patched["step"]["status"], patched["step"]["patched"], patched["step"]["patch_reason"]) == (
        "completed",
        True,
        WHY,
    )
    assert patched["step"]["original_error"]["code"] == "E"
    stale = http.post(f"{url}/resume", json={"reason": "go"}, headers={"If-Match": answer.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "RUN_CHANGED")
    assert "step.patched (b)" in stale.json()["hint"]
    version = patched["run"]["version"]
    resumed = http.post(f"{url}/resume", json={"reason": "go", "expected_version": version}).json()
    assert resumed["status"] in ("waiting_for_capacity", "running")

    job = worker.job()
    assert given(job) == {"a": {"currency": "USD"}, "b": {"id": 9007199254740993}}
    worker.report(job, "completed", output="done")
    assert run(http, run_id, wait=10)["status"] == "completed"


def test_a_patch_is_undone_and_a_run_resumed_from_a_patched_step(http: httpx.Client, worker: Puller) -> None:
    run_id = failed(http, worker)
    url = f"/api/v1/runs/{run_id}/steps/a"

    patched = http.post(f"{url}/patch", json={"output": {"currency": "EUR"}, "reason": WHY}).json()
    assert patched["previous_output"] == {"currency": "USD"}
    assert patched["step"]["original_output"] == {"currency": "USD"}
    undone = http.post(f"{url}/undo", json={"reason": "no"}).json()
    assert undone["step"]["output"] == {"currency": "USD"}
    assert "patched" not in undone["step"]
    body = {"output": {"currency": "CHF"}, "reason": WHY, "from_step": "a"}
    plan = http.post(
        f"/api/v1/runs/{run_id}/plan", json={"action": "patch", "step": "a", "output": 1, "from_step": "a"}
    ).json()
    assert (plan["kept"], plan["reruns"], plan["may_repeat"]) == (["a"], ["b"], ["b"])
    http.post(f"{url}/patch", json=body)

    assert given(worker.job()) == {"a": {"currency": "CHF"}}


def test_published_clients_patch_and_inject(http: httpx.Client, worker: Puller) -> None:
    run_id = failed(http, worker)
    step_id = f"{run_id}:b:0"

    told = http.post(f"{RPC}/PatchStep", json={"stepId": step_id, "outputValue": 5, "reason": WHY}).json()
    assert (told["stepId"], told["outputValue"], told["status"]) == (step_id, 5, "STEP_STATUS_COMPLETED")
    rest = http.post("/api/v1/steps/patch", json={"step_id": step_id, "output": {"x": 1}, "reason": WHY})
    assert rest.status_code == 200
    [_, shown] = http.post(f"{RPC}/GetRunSteps", json={"runId": run_id}).json()["steps"]
    assert (shown["output"], "patchedAt" in shown) == ({"x": 1}, True)
    http.post(f"{RPC}/ResumeRun", json={"runId": run_id, "fromStep": "b"})
    job = worker.job()
    assert given(job)["b"] == {"x": 1}

    refused = http.post(
        f"{RPC}/InjectStepOutput", json={"runId": run_id, "stepId": "a", "newOutput": "", "reason": WHY}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "failed_precondition")
    assert http.post(f"{RPC}/PauseRun", json={"runId": run_id}).json() == {"status": "pause_requested"}
    worker.report(job, "progress", steps=[step(job, "c", {"z": 1})])
    assert run(http, run_id, wait=10)["pause_reason"] == "injection"
    assert http.post(f"{RPC}/PauseRun", json={"runId": run_id}).json() == {"status": "paused"}
    for sent, meant in (
        (base64.b64encode(b'{"y":1}').decode(), {"y": 1}),  # as protobuf's JSON has bytes
        ('{"y":2}', {"y": 2}),  # as some published clients send them
    ):
        body = {"run_id": run_id, "step_id": f"{run_id}:c:0", "new_output": sent, "reason": WHY}
        injected = http.post(f"{RPC}/InjectStepOutput", json=body).json()
        state = http.post(f"{RPC}/GetPausedState", json={"runId": run_id}).json()
        [found] = [one for one in state["steps"] if one["name"] == "c"]
        assert (json.loads(base64.b64decode(found["output"])), found["injected"]) == (meant, True)
    assert json.loads(base64.b64decode(injected["previousOutput"])) == {"y": 1}
    none = http.post(f"{RPC}/PatchStep", json={"stepId": "run_none:a:0", "outputValue": 5, "reason": WHY})
    assert (none.status_code, none.json()["code"]) == (404, "not_found")


def test_a_paused_run_says_what_comes_next_and_is_given_it(http: httpx.Client, worker: Puller) -> None:
    emit(http)
    job = worker.job()
    worker.report(job, "completed", steps=[step(job, "a", 1), step(job, "ship", 2)], output=None)
    run_id = emit(http)
    job = worker.job()
    url = f"/api/v1/runs/{run_id}"
    assert http.get(f"{url}/paused-state").status_code == 412
    http.post(f"{url}/pause", json={"reason": "look"})
    worker.report(job, "progress", steps=[step(job, "a", 1)])

    state = http.get(f"{url}/paused-state").json()
    told = http.post(f"{url}/steps/ship/inject", json={"output": 7, "reason": WHY, "resume": True}).json()

    assert (state["pause_reason"], state["next_step_hint"], len(state["steps"])) == ("look", "ship", 1)
    assert (told["step"]["step_id"], told["step"]["injected"]) == (f"{run_id}:ship:0", True)
    assert given(worker.job()) == {"a": 1, "ship": 7}


def test_forks_and_replays_are_made_listed_and_drawn(http: httpx.Client, worker: Puller) -> None:
    run_id = failed(http, worker)
    url = f"/api/v1/runs/{run_id}"
    body = {"from_step": "b", "patches": {"a": {"currency": "EUR"}}, "input": {"n": 2}, "reason": WHY}

    answer = http.post(f"{url}/fork", json=body)
    fork = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1/runs/{fork['id']}")
    assert (fork["forked_from"]["run_id"], fork["input"], fork["fork_reason"]) == (run_id, {"n": 2}, WHY)
    job = worker.job()
    assert (job["event"]["data"], given(job)) == ({"n": 2}, {"a": {"currency": "EUR"}})
    replay = http.post(f"{url}/replay", json={"reason": WHY}).json()
    assert given(worker.job()) == {}

    look = http.post("/api/v1/runs/bulk/replay", json={"status": "failed", "dry_run": True}).json()
    assert (look["matched"], look["made"]) == (1, [])
    assert http.post("/api/v1/runs/bulk/replay", json={"status": "failed"}).json()["field"] == "reason"
    body = {"status": "failed", "reason": WHY}
    [made] = http.post("/api/v1/runs/bulk/replay", json=body, headers={"Idempotency-Key": "b1"}).json()["made"]
    [again] = http.post("/api/v1/runs/bulk/replay", json=body, headers={"Idempotency-Key": "b1"}).json()["made"]
    assert made == again
    tree = http.get(f"/api/v1/runs/{made['run_id']}/lineage").json()["tree"]
    assert tree["run"]["id"] == made["replays"] == run_id
    assert [(one["run"]["id"], one["relation"]) for one in tree["forks"]] == [
        (fork["id"], "fork"),
        (replay["id"], "replay"),
        (made["run_id"], "replay"),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("steps/a/patch", {"output": 1}, 400, "reason"),
        ("steps/a/patch", {"reason": "r"}, 400, "output"),
        ("steps/a/patch", {"output": 1, "reason": " "}, 400, "reason"),
        ("steps/a/patch", {"output": 1, "reason": "r", "resum": True}, 400, "resum"),
        ("steps/z/patch", {"output": 1, "reason": "r"}, 404, "step"),
        ("steps/z/undo", {"reason": "r"}, 404, "step"),
        ("plan", {"action": "explode"}, 400, "action"),
        ("plan", {"action": "resume", "from_step": "z"}, 400, "from_step"),
        ("fork", {"reason": "r", "from_step": "z"}, 404, "from_step"),
        ("fork", {"reason": "r", "position": 0}, 400, "position"),
        ("replay", {}, 400, "reason"),
    ],
)
def test_what_cannot_be_changed_is_refused_by_name(
    http: httpx.Client, worker: Puller, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    run_id = failed(http, worker)
    before = http.get(f"/api/v1/runs/{run_id}").json()

    refused = http.post(f"/api/v1/runs/{run_id}/{path}", json=body)

    assert (refused.status_code, refused.json().get("field")) == (status, field)
    assert http.get(f"/api/v1/runs/{run_id}").json() == before


def test_a_breakpoint_holds_a_run_of_any_worker_until_it_is_deleted(http: httpx.Client, worker: Puller) -> None:
    body = {"function_id": "greet", "step": "a*", "condition": "step.output.n > 1", "owner": "ann", "ttl_s": 30}
    made = http.post("/api/v1/breakpoints", json=body).json()
    run_id = emit(http)
    job = worker.job()

    worker.report(job, "progress", steps=[step(job, "a1", {"n": 1}), step(job, "a2", {"n": 2}), step(job, "b")])

    held = run(http, run_id, wait=10)
    assert (held["status"], held["pause_reason"]) == ("paused", "breakpoint")
    assert held["held"] == {"breakpoint_id": made["id"], "step_id": f"{run_id}:a2:0", "place": "after"}
    assert len(http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]) == 3
    renewed = http.put(f"/api/v1/breakpoints/{made['id']}", json={"ttl_s": 60}).json()
    assert renewed["expires_at"] > made["expires_at"]
    assert http.get("/api/v1/breakpoints").json() == {"breakpoints": [renewed]}
    assert http.delete(f"/api/v1/breakpoints/{made['id']}").status_code == 204
    assert sorted(given(worker.job())) == ["a1", "a2", "b"]
    gone = http.delete(f"/api/v1/breakpoints/{made['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "BREAKPOINT_NOT_FOUND")
    unknown = http.post("/api/v1/breakpoints", json={"run_id": "run_none"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "RUN_NOT_FOUND")


def test_recorded_events_are_given_to_a_function(http: httpx.Client, worker: Puller) -> None:
    first = http.post("/api/v1/events", json={"name": "order.placed", "data": {"n": 1}}).json()
    http.post("/api/v1/events", json={"name": "order.paid"})
    body = {"function_id": "greet", "after": 0, "events": "order.placed"}

    look = http.post("/api/v1/events/replay", json={**body, "dry_run": True}).json()
    refused = http.post("/api/v1/events/replay", json=body)
    told = http.post("/api/v1/events/replay", json={**body, "reason": WHY}).json()

    assert (look["matched"], look["runs"]) == (1, [])
    assert (refused.status_code, refused.json()["field"]) == (400, "reason")
    [made] = told["runs"]
    job = worker.job()
    assert (job["run_id"], made["event_id"], job["event"]["data"]) == (made["run_id"], first["event_id"], {"n": 1})
