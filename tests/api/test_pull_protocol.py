"""The published REST pull protocol, driven by a client that knows the wire facts alone."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import httpx
import pytest

from tests.support.puller import RPC, Puller, emit, run, step

STEP = {"id": "RUN:a:0", "name": "a", "status": "completed"}


def test_a_job_is_polled_acknowledged_reported_and_completed(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http, {"name": "Ada"})

    job = worker.job()
    assert job["run_id"] == run_id
    assert job["attempt"] == 1
    assert job["completed_steps"] == []
    assert job["event"]["data"] == {"name": "Ada"}
    assert job["max_attempts"] == 3
    assert job["on_exhausted"] == "fail"
    assert None not in job.values()
    assert None not in job["event"].values()
    assert worker.ack(job).status_code == 200
    progress = [step(job, "a", {"x": 1})]
    assert worker.report(job, "progress", steps=progress).status_code == 200
    assert worker.report(job, "progress", steps=progress).status_code == 200
    assert worker.report(job, "completed", steps=[step(job, "b", [2])], step_offset=1, output="hi").status_code == 200

    ended = run(http, run_id, wait=10)
    assert (ended["status"], ended["output"]) == ("completed", "hi")
    steps = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert [(one["name"], one["status"], one["output"]) for one in steps] == [
        ("a", "completed", {"x": 1}),
        ("b", "completed", [2]),
    ]
    assert worker.report(job, "completed", output=1).json()["code"] == "STALE_EXECUTION"


def test_what_a_step_writes_is_recorded_with_it_and_a_refusal_is_told(http: httpx.Client, worker: Puller) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "stock"})
    run_id = emit(http)
    job = worker.job()
    writes = [
        {"operation": "put", "bucket": "stock", "key": "a", "value": {"n": 5}, "revision": 0},
        {"operation": "incr", "bucket": "stock", "key": "n", "by": 2},
    ]

    assert worker.report(job, "progress", steps=[step(job, "a", writes=writes)]).json() == {"status": "ok"}
    told = worker.report(job, "progress", steps=[step(job, "b", writes=writes), step(job, "c")]).json()

    [refused] = told["refused"]
    assert (refused["id"], refused["code"], refused["retryable"]) == (f"{run_id}:b:0", "REVISION_CONFLICT", True)
    assert http.get("/api/v1/kv/buckets/stock/keys/a", params={"raw": "true"}).json() == {"n": 5}
    assert http.get("/api/v1/kv/buckets/stock/keys/n", params={"raw": "true"}).json() == 2
    found = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert {one["name"]: one["status"] for one in found} == {"a": "completed", "b": "failed", "c": "completed"}


def test_an_end_whose_steps_could_not_write_fails_the_attempt(http: httpx.Client, worker: Puller) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "stock"})
    run_id = emit(http)
    write = {"operation": "put", "bucket": "stock", "key": "a", "base64": "/w==", "revision": 3}

    job = worker.job()
    told = worker.report(job, "completed", steps=[step(job, "a", writes=[write])], output=1).json()
    again = worker.job()
    last = worker.report(again, "completed", steps=[step(again, "a", writes=[{**write, "revision": 0}])], output=2)

    assert [one["code"] for one in told["refused"]] == ["REVISION_CONFLICT"]
    assert (again["run_id"], again["attempt"]) == (run_id, 2)
    assert last.json() == {"status": "ok"}
    assert run(http, run_id, wait=10)["output"] == 2
    assert http.get("/api/v1/kv/buckets/stock/keys/a", params={"raw": "true"}).content == b"\xff"


@pytest.mark.parametrize(
    ("write", "field"),
    [
        ({"operation": "steal"}, "steps[0].writes[0].operation"),
        ({"base64": "?"}, "steps[0].writes[0].base64"),
        ({"revision": -1}, "steps[0].writes[0].revision"),
        ({"ttl_ms": -1}, "steps[0].writes[0].ttl_ms"),
        ({"key": "a*"}, "key"),
        ({"operation": "incr", "by": 2**63}, "steps[0].writes[0].by"),
    ],
)
def test_a_write_that_makes_no_sense_is_refused_with_its_report(
    http: httpx.Client, worker: Puller, write: dict[str, Any], field: str
) -> None:
    emit(http)
    job = worker.job()
    whole = {"operation": "put", "bucket": "stock", "key": "a", **write}

    told = worker.report(job, "progress", steps=[step(job, "a", writes=[whole])])

    assert (told.status_code, told.json()["code"]) == (400, "INVALID_ARGUMENT")
    assert told.json()["field"] == field


def test_a_sleep_comes_back_as_a_completed_step(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    wanted = {"type": "sleep", "step_id": f"{run_id}:nap:0", "until": "2026-01-01T00:00:00.000Z"}
    assert worker.report(job, "yielded", steps=[step(job, "a", 1)], **{"yield": wanted}).status_code == 200

    again = worker.job()

    assert again["execution_seq"] == job["execution_seq"] + 1
    assert again["lease_token"] != job["lease_token"]
    assert again["attempt"] == 1
    assert again["step_sequence_base"] == 3
    assert [(one["name"], one["output"]) for one in again["completed_steps"]] == [("a", 1), ("nap", None)]


def test_a_sleep_in_a_branch_is_named_as_the_user_named_it(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    wanted = {"type": "sleep", "step_id": f"{run_id}:both:1:a\\:nap:0", "until": "2026-01-01T00:00:00.000Z"}
    worker.report(worker.job(), "yielded", **{"yield": wanted})

    assert [one["name"] for one in worker.job()["completed_steps"]] == ["a:nap"]


def test_branches_of_a_map_publish_once_and_come_back_under_their_ids(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    published = []
    for branch in range(2):
        step_id = f"{run_id}:each:{branch}:publish:news:0"
        key = f"step-{hashlib.sha256(step_id.encode()).hexdigest()}"
        body = {"topic": "news", "data": {"branch": branch}, "idempotencyKey": key}
        for is_again in (False, True):
            sent = http.post(
                "/ironflow.v1.PubSubService/Publish", json=body, headers={"X-Ironflow-Run-ID": run_id}
            ).json()
            assert sent["duplicate"] is is_again
        output = {"eventId": sent["eventId"], "sequence": int(sent["sequence"])}
        published.append(step(job, "publish:news", output, id=step_id))
    assert worker.report(job, "progress", steps=published).status_code == 200
    nap = {"type": "sleep", "step_id": f"{run_id}:each:1:nap:0", "until": "2026-01-01T00:00:00.000Z"}
    worker.report(job, "yielded", step_offset=2, **{"yield": nap})

    told = [(one["step_id"], one["output"]) for one in worker.job()["completed_steps"]]
    assert told == [*((one["id"], one["output"]) for one in published), (nap["step_id"], None)]


def test_a_failure_is_retried_until_the_attempts_are_used_up(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    for attempt in (1, 2, 3):
        job = worker.job()
        assert job["attempt"] == attempt
        assert (
            worker.report(job, "failed", error={"message": "boom", "code": "E", "retryable": True}).status_code == 200
        )

    ended = run(http, run_id, wait=10)
    assert ended["status"] == "failed"
    assert ended["error"]["message"] == "boom"


def test_a_failure_that_is_not_retryable_ends_the_run_and_keeps_its_compensations(
    http: httpx.Client, worker: Puller
) -> None:
    run_id = emit(http)
    job = worker.job()
    undo = step(job, "compensate:charge", type="compensate", compensation_for="charge")
    worker.report(job, "failed", steps=[undo], error={"message": "no", "code": "E", "retryable": False})

    assert run(http, run_id, wait=10)["status"] == "failed"
    [kept] = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert (kept["type"], kept["compensation_for"]) == ("compensate", "charge")


def test_a_worker_that_registers_again_has_lost_its_jobs(http: httpx.Client, worker: Puller) -> None:
    emit(http)
    job = worker.job()
    worker.register()

    late = worker.report(job, "completed", output=1)
    assert late.status_code == 409
    assert late.json()["code"] == "STALE_EXECUTION"
    assert worker.job()["run_id"] == job["run_id"]


@pytest.mark.parametrize("wrong", [{"execution_seq": 99}, {"lease_token": "guess"}, {"lease_token": ""}])
def test_a_wrong_fence_is_refused_without_harm(http: httpx.Client, worker: Puller, wrong: dict[str, Any]) -> None:
    run_id = emit(http)
    job = worker.job()

    assert worker.ack(job, **wrong).status_code == 409
    assert worker.report(job, "completed", output=1, **wrong).status_code == 409
    assert worker.report(job, "completed", output=1).status_code == 200
    assert run(http, run_id, wait=10)["status"] == "completed"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"status": "exploded"},
        {"status": "yielded"},
        {"status": "completed", "steps": [{"id": "x"}]},
        {"status": "completed", "steps": "x"},
        {"status": "progress", "steps": [{"id": "other-run:a:0", "name": "a", "status": "completed"}]},
        {"status": "yielded", "yield": {"type": "sleep", "step_id": "other:a:0", "until": "2026-01-01T00:00:00Z"}},
        {"status": "yielded", "yield": {"type": "dance", "step_id": "x"}},
        {"status": "completed", "step_offset": -1},
        {"status": "completed", "steps": [STEP | {"type": "dance"}]},
        {"status": "completed", "steps": [STEP | {"status": "dancing"}]},
        {"status": "completed", "steps": [STEP | {"name": "\0"}]},
        {"status": "completed", "steps": [STEP | {"started_at": "yesterday"}]},
        {"status": "progress", "steps": [STEP | {"output": "\0"}]},
        {"status": "progress", "steps": [STEP] * 501},
    ],
)
def test_a_nonsense_report_is_refused_and_the_job_goes_on(
    http: httpx.Client, worker: Puller, nonsense: dict[str, Any]
) -> None:
    run_id = emit(http)
    job = worker.job()
    steps = [{**one, "id": str(one["id"]).replace("RUN", run_id)} for one in nonsense.get("steps", ()) if one != "x"]

    assert worker.report(job, **(nonsense | ({"steps": steps} if steps else {}))).status_code == 400
    assert worker.report(job, "completed", output=1).status_code == 200
    assert run(http, run_id, wait=10)["status"] == "completed"


def yielding(worker: Puller, job: dict[str, Any], kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Report the yield; the next job of the run."""
    wanted = {"type": kind, "step_id": f"{job['run_id']}:{name}:0", **more}
    assert worker.report(job, "yielded", **{"yield": wanted}).status_code == 200
    return wanted


def test_a_wait_comes_back_with_the_event(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http, {"orderId": 7})
    job = worker.job()
    event = {"event": "payment.*", "timeout": "7d", "match": "data.orderId", "payload": {"ask": "who?"}}
    yielding(worker, job, "wait_for_event", "paid", event_filter=event)
    [step] = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert (step["status"], step["type"], step["wait_event_name"]) == ("waiting", "wait_for_event", "payment.*")
    assert step["input"] == {"ask": "who?"}

    for order_id in (8, 7):
        http.post("/api/v1/events", json={"name": "payment.received", "data": {"orderId": order_id}})

    [given] = worker.job()["completed_steps"]
    assert (given["step_id"], given["status"]) == (f"{run_id}:paid:0", "completed")
    assert given["output"]["name"] == "payment.received"
    assert given["output"]["data"] == {"orderId": 7}
    assert given["output"]["timestamp"].endswith("Z")


def test_a_wait_that_times_out_fails_the_run_without_a_retry(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    yielding(worker, worker.job(), "wait_for_event", "paid", event_filter={"event": "x.y", "timeout": "1ms"})

    ended = run(http, run_id, wait=10)
    assert (ended["status"], ended["attempt"], ended["error"]["code"]) == ("failed", 1, "WAIT_TIMEOUT")


def test_an_invoked_function_gives_its_output_or_its_failure(http: httpx.Client, worker: Puller) -> None:
    child = Puller(http, name="w2", functions=("child",))
    child.register_function(id="child", name="child", triggers=[], retry={"maxAttempts": 1, "onExhausted": "fail"})
    child.register()
    run_id = emit(http)
    job = worker.job()
    ask = {"function_id": "child", "input": {"n": 1}, "invoke_timeout_ms": 60_000, "tags": ["vip", "eu", "vip"]}
    yielding(worker, job, "invoke_function", "child", **ask)
    work = child.job()
    assert run(http, work["run_id"])["tags"] == ["vip", "eu"]
    assert (work["event"]["name"], work["event"]["data"]) == ("child", {"n": 1})
    child.report(work, "completed", output=[1])

    job = worker.job()
    [given] = job["completed_steps"]
    assert (given["output"], given["status"]) == ([1], "completed")
    yielding(worker, job, "invoke_function", "child2", function_id="child", input=None, invoke_timeout_ms=60_000)
    work = child.job()
    child.report(work, "failed", error={"message": "no", "code": "E", "retryable": False})

    job = worker.job()
    given = job["completed_steps"][1]
    assert (given["output"], given["status"]) == (None, "failed")
    assert (given["error"]["function_id"], given["error"]["child_run_id"]) == ("child", work["run_id"])
    assert given["error"]["cause"] == "E: no"
    yielding(worker, job, "invoke_function", "nobody", function_id="nobody", input=None, invoke_timeout_ms=0)

    job = worker.job()
    assert job["completed_steps"][2]["error"]["function_id"] == "nobody"
    yielding(worker, job, "invoke_function_async", "later", function_id="child", input=2)

    job = worker.job()
    later = child.job()
    assert job["completed_steps"][3]["output"] == {"run_id": later["run_id"]}
    worker.report(job, "completed", output="done")
    assert run(http, run_id, wait=10)["status"] == "completed"
    child.report(later, "completed", output=None)
    ended = run(http, later["run_id"], wait=10)
    assert (ended["status"], ended["parent_run_id"]) == ("completed", run_id)


def test_a_wait_that_can_never_end_fails_the_run_rather_than_come_again(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http, {})
    filter_ = {"event": "x.y", "timeout": "1h", "match": "data.missing"}
    yielding(worker, worker.job(), "wait_for_event", "paid", event_filter=filter_)

    assert run(http, run_id, wait=10)["error"]["code"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("outcome", "value"),
    [
        ('"completed"', '"output": "\\u0000"'),
        ('"completed"', '"output": NaN'),
        ('"completed"', '"output": -Infinity'),
        ('"completed"', '"output": "\\ud800"'),
        ('"completed"', '"output": ' + "[" * 101 + "]" * 101),
        ('"completed"', '"steps": [{"id": "RUN:a:0", "name": "a", "status": "completed", "output": "\\u0000"}]'),
        ('"completed"', '"steps": [{"id": "RUN:a:0", "name": "a", "status": "completed", "output": NaN}]'),
        ('"failed"', '"steps": [{"id": "RUN:a:0", "name": "a", "status": "completed", "output": NaN}]'),
    ],
)
def test_a_last_report_that_cannot_be_recorded_fails_the_run_rather_than_hang_it(
    http: httpx.Client, worker: Puller, outcome: str, value: str
) -> None:
    run_id = emit(http)
    job = worker.job()
    told = f'"execution_seq": {job["execution_seq"]}, "lease_token": "{job["lease_token"]}"'
    body = f'{{"status": {outcome}, {value.replace("RUN", run_id)}, {told}}}'

    answer = http.put(f"{worker.base}/jobs/{job['job_id']}", content=body.encode())

    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
    ended = run(http, run_id, wait=10)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "INVALID_ARGUMENT")


def test_a_report_that_is_no_json_at_all_ends_nothing(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    job = worker.job()
    stale = b'{"status": "completed", "output": NaN, "execution_seq": 9, "lease_token": "x"}'
    progress = b'{"status": "progress", "output": NaN, "execution_seq": 1, "lease_token": "%s"}'

    for body, status in (
        (b"{", 400),
        (b"[NaN]", 400),
        (b'{"output": NaN}', 400),
        (stale, 409),
        (progress % job["lease_token"].encode(), 400),
    ):
        assert http.put(f"{worker.base}/jobs/{job['job_id']}", content=body).status_code == status

    assert worker.report(job, "completed", output=1).status_code == 200
    assert run(http, run_id, wait=10)["status"] == "completed"


def test_errors_are_recorded_within_bounds(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http)
    error = {"message": "a\0" * 4_000, "code": "E" * 300, "retryable": False, "retry_after_ms": -5}
    failed = step(worker_job := worker.job(), "a", status="failed", error={"message": ""}, duration_ms=1.6)

    assert worker.report(worker_job, "failed", steps=[failed], error=error).status_code == 200

    ended = run(http, run_id, wait=10)
    assert (len(ended["error"]["message"]), ended["error"]["code"]) == (4_000, "E" * 200)
    [kept] = http.get(f"/api/v1/runs/{run_id}/steps").json()["steps"]
    assert (kept["error"]["message"], kept["duration_ms"]) == ("the worker gave no message", 2)


def test_a_poll_is_held_until_a_job_comes(http: httpx.Client, worker: Puller) -> None:
    answers: list[httpx.Response] = []
    polling = threading.Thread(target=lambda: answers.append(worker.poll(wait=20)))
    polling.start()
    run_id = emit(http)
    polling.join(20)

    assert answers[0].json()["jobs"][0]["run_id"] == run_id


def test_an_empty_poll_says_how_long_it_was_held(http: httpx.Client, worker: Puller) -> None:
    held = worker.poll(wait=1)
    at_once = worker.poll(wait=0)

    assert (held.status_code, held.headers["Ironflow-Poll-Wait"]) == (204, "1")
    assert at_once.status_code == 204
    assert "Ironflow-Poll-Wait" not in at_once.headers


def test_an_unknown_worker_is_told_to_register_again(http: httpx.Client) -> None:
    stranger = Puller(http, name="stranger")

    assert stranger.poll().status_code == 404
    assert http.post(f"{stranger.base}/heartbeat", json={"jobs": []}).status_code == 404


def test_heartbeats_and_the_list_of_workers(http: httpx.Client, worker: Puller) -> None:
    emit(http)
    job = worker.job()
    beat = {
        "worker_id": "w1",
        "active_jobs": 1,
        "jobs": [{"job_id": job["job_id"], "started_at": "2026-01-01T00:00:00Z"}],
    }

    assert http.post(f"{worker.base}/heartbeat", json=beat).json() == {"status": "ok"}
    [shown] = http.get("/api/v1/workers").json()["workers"]
    assert (shown["id"], shown["transport"], shown["active_jobs"]) == ("w1", "rest", 1)


def test_registration_refuses_what_it_cannot_do(http: httpx.Client) -> None:
    worker = Puller(http)

    assert worker.register_function(throttle={"limit": 0, "periodMs": 1000}).status_code == 400
    assert worker.register_function(triggers=[{"event": "a..b"}]).status_code == 400
    assert worker.register_function(name="a\0b").status_code == 400
    forged = http.post(f"{RPC}/Emit", json={"event": "a.b"}, headers={"X-Ironflow-Run-ID": "../x"})
    assert forged.status_code == 400
    assert worker.register_function(triggers=[{"event": "a", "expression": "1 +"}]).status_code == 400
    assert Puller(http, functions=()).register().status_code == 400
    again = worker.register_function()
    assert again.json()["created"] is True
    assert worker.register_function().json()["created"] is False
    assert worker.register_function(timeoutMs=5).json()["function"]["version"] == 2


def test_connect_reads_and_cancels_runs(http: httpx.Client, worker: Puller) -> None:
    run_id = emit(http, {"a": 1})

    got = http.post(f"{RPC}/GetRun", json={"id": run_id}).json()
    assert (got["id"], got["status"], got["attempt"], got["maxAttempts"]) == (
        run_id,
        "RUN_STATUS_WAITING_FOR_CAPACITY",
        1,
        3,
    )
    assert got["input"] == {"a": 1}
    assert http.post(f"{RPC}/ListRuns", json={"functionId": "greet"}).json()["totalCount"] == 1
    assert http.post(f"{RPC}/CancelRun", json={"id": run_id, "reason": "x"}).json()["status"] == "RUN_STATUS_CANCELLED"
    missing = http.post(f"{RPC}/GetRun", json={"id": "run_nope"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    unknown = http.post(f"{RPC}/DeleteRun", json={"id": run_id})
    assert (unknown.status_code, unknown.json()["code"]) == (501, "unimplemented")


def test_connect_speaks_binary_protobuf(http: httpx.Client, worker: Puller) -> None:
    from ironflow.v1 import ironflow_pb2, types_pb2

    headers = {"Content-Type": "application/proto", "Connect-Protocol-Version": "1"}
    request = ironflow_pb2.TriggerRequest(event="user.signed_up")
    request.data.update({"n": 1, "f": 1.5, "t": ["x", None, True]})
    answer = http.post(f"{RPC}/Emit", content=request.SerializeToString(), headers=headers)
    emitted = ironflow_pb2.TriggerResponse.FromString(answer.content)

    job = worker.job()

    assert [job["run_id"]] == list(emitted.run_ids)
    assert job["event"]["data"] == {"n": 1, "f": 1.5, "t": ["x", None, True]}
    worker.report(job, "completed", output={"ok": True})
    run(http, job["run_id"], wait=10)
    got = ironflow_pb2.GetRunRequest(id=job["run_id"]).SerializeToString()
    read = types_pb2.Run.FromString(http.post(f"{RPC}/GetRun", content=got, headers=headers).content)
    assert read.status == types_pb2.RUN_STATUS_COMPLETED
    assert dict(read.output) == {"ok": True}


def test_a_synchronous_trigger_waits_for_the_result(http: httpx.Client, worker: Puller) -> None:
    answers: list[httpx.Response] = []
    body = {"event": "user.signed_up", "data": 1, "timeout_ms": 20_000}
    asking = threading.Thread(target=lambda: answers.append(http.post(f"{RPC}/TriggerSync", json=body)))
    asking.start()
    worker.report(worker.job(), "completed", output={"greeting": "hi"})
    asking.join(20)

    [result] = answers[0].json()["results"]
    assert (result["status"], result["output"], result["functionId"]) == ("completed", {"greeting": "hi"}, "greet")
    late = http.post(f"{RPC}/TriggerSync", json={**body, "timeout_ms": 10}).json()["results"][0]
    assert late["waitTimedOut"] is True
    assert http.post(f"{RPC}/InvokeFunction", json={"functionId": "nobody"}).status_code == 404
