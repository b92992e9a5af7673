"""Functions over HTTP, on both stores: their options, versions and status, and events that wait at their gates."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest

RPC = "/ironflow.v1.IronflowService"
FUNCTIONS = "/api/v1/functions"


def register(http: httpx.Client, function_id: str = "f", **options: Any) -> httpx.Response:
    options.setdefault("triggers", [{"event": "e"}])
    return http.post(f"{RPC}/RegisterFunction", json={"id": function_id, **options})


def call(http: httpx.Client, method: str, body: Any) -> Any:
    answer = http.post(f"{RPC}/{method}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def emit(http: httpx.Client, data: Any = None, **more: Any) -> Any:
    answer = http.post("/api/v1/events", json={"name": "e", "data": data, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_every_published_option_is_taken_and_shown(http: httpx.Client) -> None:
    options = {
        "triggers": [{"event": "order.*", "expression": "event.data.total > 1"}, {"cron": "*/30 * * * * *"}],
        "concurrency": {"limit": 10, "key": "customer.id"},
        "throttle": {"limit": 5, "periodMs": 60_000, "key": "region"},
        "cancelOn": [{"event": "order.cancelled", "match": "data.orderId"}],
        "actorKey": "user.id",
        "secrets": ["STRIPE_KEY"],
        "recording": True,
        "priority": "event.data.vip ? 60 : 0",
    }
    answer = register(http, **options)
    assert answer.status_code == 200, answer.text

    told = answer.json()["function"]
    assert told["concurrency"] == options["concurrency"]
    assert told["throttle"] == options["throttle"]
    assert (told["cancelOn"][0]["match"], told["actorKey"]) == ("data.orderId", "user.id")
    assert told["nextRun"].endswith(("00Z", "30Z"))
    shown = http.get(f"{FUNCTIONS}/f").json()
    assert shown["throttle"] == {"limit": 5, "period_ms": 60_000, "key": "region"}
    assert shown["triggers"][1] == {"cron": "*/30 * * * * *", "timezone": "UTC", "missed": "skip"}
    assert (shown["secrets"], shown["priority"]) == (["STRIPE_KEY"], "event.data.vip ? 60 : 0")
    assert "next_run" in shown
    assert "debounce" not in shown


def test_both_spellings_of_a_debounce_are_read(http: httpx.Client) -> None:
    for spelled in ({"periodMs": 1_000, "maxWaitMs": 5_000}, {"period_ms": 1_000, "max_wait_ms": 5_000}):
        assert register(http, debounce={**spelled, "key": "k"}).status_code == 200

    shown = http.get(f"{FUNCTIONS}/f").json()
    assert shown["debounce"] == {"period_ms": 1_000, "key": "k", "max_wait_ms": 5_000}
    assert shown["version"] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"triggers": [{"cron": "61 * * * *"}]},
        {"triggers": [{"cron": "0 9 * * *", "timezone": "Mars/Olympus"}]},
        {"concurrency": {"limit": 0}},
        {"throttle": {"limit": 1}},
        {"priority": "1 +"},
        {"cancelOn": [{"event": "a"}]},
    ],
)
def test_a_bad_option_is_refused_and_nothing_recorded(http: httpx.Client, options: Any) -> None:
    answer = register(http, **options)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert answer.json()["hint"]
    assert http.get(f"{FUNCTIONS}/f").status_code == 404


def test_versions_are_listed_compared_and_rolled_back(http: httpx.Client) -> None:
    register(http, concurrency={"limit": 1}, changeReason="first")
    register(http, concurrency={"limit": 1}, changeReason="the same again")
    register(http, concurrency={"limit": 5, "key": "k"}, timeoutMs=1_000)

    listed = http.get(f"{FUNCTIONS}/f/versions").json()["versions"]
    assert [(one["version"], one["change"], one.get("reason")) for one in listed] == [
        (2, "update", None),
        (1, "create", "first"),
    ]
    changes = http.get(f"{FUNCTIONS}/f/diff", params={"from": 1, "to": 2}).json()["changes"]
    assert {change["path"]: (change["before"], change["after"]) for change in changes} == {
        "concurrency.limit": (1, 5),
        "concurrency.key": (None, "k"),
        "timeout_ms": (600_000, 1_000),
    }

    back = http.post(f"{FUNCTIONS}/f/rollback", json={"version": 1, "reason": "too many"})
    assert (back.status_code, back.json()["version"]) == (200, 3)
    assert back.json()["concurrency"] == {"limit": 1}
    again = http.post(f"{FUNCTIONS}/f/rollback", json={"version": 1})
    assert (again.status_code, again.json()["code"]) == (412, "FAILED_PRECONDITION")
    newest = http.get(f"{FUNCTIONS}/f/versions", params={"limit": 1}).json()
    assert (newest["versions"][0]["change"], newest["versions"][0]["reason"]) == ("rollback", "too many")
    assert (newest["has_more"], newest["next_before"]) == (True, 3)
    assert http.get(f"{FUNCTIONS}/f/versions/2").json()["function"]["timeout_ms"] == 1_000
    assert http.get(f"{FUNCTIONS}/f/versions/9").status_code == 404
    assert http.get(f"{FUNCTIONS}/f/diff", params={"from": 1}).json()["field"] == "to"


def test_a_pinned_function_stays_as_it_is_whatever_is_registered(http: httpx.Client) -> None:
    register(http)
    register(http, timeoutMs=1_000)

    pinned = http.post(f"{FUNCTIONS}/f/pin", json={"version": 1, "reason": "too fast"}).json()
    assert (pinned["pinned"], pinned["timeout_ms"], pinned["version"]) == (True, 600_000, 3)
    assert http.post(f"{FUNCTIONS}/f/pin", json={}).json() == pinned, "it is pinned to that"
    assert register(http, timeoutMs=2_000).status_code == 200
    assert http.get(f"{FUNCTIONS}/f").json() == pinned
    assert http.post(f"{FUNCTIONS}/f/pin", json={"version": 99}).status_code == 404
    run_id = emit(http)["run_ids"][0]
    assert http.get(f"/api/v1/runs/{run_id}").json()["function_version"] == 3

    assert http.post(f"{FUNCTIONS}/f/unpin", json={"reason": "mended"}).json()["pinned"] is False
    register(http, timeoutMs=2_000)
    assert http.get(f"{FUNCTIONS}/f").json()["timeout_ms"] == 2_000
    changes = [(one["change"], one.get("reason")) for one in http.get(f"{FUNCTIONS}/f/versions").json()["versions"]]
    assert changes[::-1] == [
        ("create", None),
        ("update", None),
        ("rollback", "too fast"),
        ("pin", "too fast"),
        ("unpin", "mended"),
        ("update", None),
    ]


def test_a_run_knows_the_version_it_was_created_under(http: httpx.Client) -> None:
    register(http)
    first = emit(http)["run_ids"][0]
    register(http, timeoutMs=7)
    second = emit(http)["run_ids"][0]

    versions = [http.get(f"/api/v1/runs/{run_id}").json()["function_version"] for run_id in (first, second)]
    assert versions == [1, 2]


def test_the_published_history_calls(http: httpx.Client) -> None:
    register(http)
    register(http, timeoutMs=5)
    call(http, "UpdateFunctionStatus", {"id": "f", "status": "FUNCTION_STATUS_PAUSED", "reason": "incident"})

    history = call(http, "ListFunctionHistory", {"functionId": "f", "limit": 2})
    assert [(entry["entityVersion"], entry["changeType"]) for entry in history["entries"]] == [
        ("3", "status_change"),
        ("2", "update"),
    ]
    assert history["hasMore"] is True
    assert history["entries"][0]["changeReason"] == "incident"
    rest = call(http, "ListFunctionHistory", {"functionId": "f", "fromVersion": "2"})
    assert [entry["entityVersion"] for entry in rest["entries"]] == ["1"]
    at = call(http, "GetFunctionAtVersion", {"functionId": "f", "version": 1})
    assert at["entry"]["functionSnapshot"]["timeoutMs"] == 600_000
    assert call(http, "GetFunction", {"id": "f"})["status"] == "FUNCTION_STATUS_PAUSED"
    back = call(http, "RollbackFunction", {"functionId": "f", "version": 1, "changeReason": "no"})
    assert (back["function"]["timeoutMs"], back["function"]["version"]) == (600_000, 4)
    assert call(http, "ListFunctions", {"status": "FUNCTION_STATUS_ACTIVE"})["functions"] == []
    assert call(http, "DeleteFunction", {"id": "f"}) == {}
    assert http.post(f"{RPC}/GetFunction", json={"id": "f"}).status_code == 404


def test_a_function_is_paused_resumed_archived_and_deleted(http: httpx.Client) -> None:
    register(http)
    paused = http.post(f"{FUNCTIONS}/f/pause", json={"reason": "incident"}).json()
    assert (paused["status"], paused["version"]) == ("paused", 1)
    assert emit(http)["run_ids"]
    assert register(http).json()["function"]["status"] == "FUNCTION_STATUS_PAUSED"
    assert http.post(f"{FUNCTIONS}/f/resume").json()["status"] == "active"
    assert http.post(f"{FUNCTIONS}/f/archive").json()["status"] == "archived"
    assert emit(http)["run_ids"] == []
    assert http.get(FUNCTIONS, params={"status": "active"}).json()["count"] == 0
    assert http.get(FUNCTIONS, params={"status": "nope"}).json()["field"] == "status"
    assert http.delete(f"{FUNCTIONS}/f").status_code == 200
    assert http.get(f"{FUNCTIONS}/f").status_code == 404
    assert http.post(f"{FUNCTIONS}/f/pause").status_code == 404
    assert register(http).json()["created"] is True
    reasons = [one.get("reason") for one in http.get(f"{FUNCTIONS}/f/versions").json()["versions"]]
    assert "incident" in reasons


def test_debounced_events_are_listed_and_dropped(http: httpx.Client, environment: str) -> None:
    register(http, debounce={"periodMs": 600_000, "key": "k"})
    told = emit(http, {"k": "a/b"})
    assert told["run_ids"] == []
    assert told["outcomes"][0]["outcome"] == "debounced"
    assert http.get(f"/api/v1/events/{told['event_id']}").json()["outcomes"] == told["outcomes"]

    [entry] = http.get("/api/v1/debounce/entries").json()
    assert (entry["debounce_key"], entry["event_id"], entry["period_ms"]) == ("a/b", told["event_id"], 600_000)
    assert entry["fires_at"] == told["outcomes"][0]["due_at"]

    key = urlsafe_b64encode(b"a/b").decode().rstrip("=")
    path = f"/api/v1/debounce/entries/{environment}/f/{key}"
    assert http.delete(path, params={"reason": "no"}).json() == {"cancelled": 1}
    assert http.delete(path).status_code == 404
    assert http.get("/api/v1/debounce/entries").json() == []


def test_runs_start_later_if_the_event_says_so(http: httpx.Client) -> None:
    register(http)
    [run_id] = emit(http, delay="10m")["run_ids"]

    assert http.get(f"/api/v1/runs/{run_id}").json()["status"] == "waiting"
    [at] = emit(http, at="2026-01-01T00:00:00Z")["run_ids"]
    assert http.get(f"/api/v1/runs/{at}").json()["status"] == "waiting_for_capacity"
    for bad, field in (
        ({"at": "soon"}, "at"),
        ({"delay": "400d"}, "delay"),
        ({"at": "2026-01-01T00:00:00Z", "delay": 1}, "delay"),
    ):
        answer = http.post("/api/v1/events", json={"name": "e", **bad})
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_capacity_is_told(http: httpx.Client) -> None:
    register(http, concurrency={"limit": 1, "key": "k"})
    run_ids = [emit(http, {"k": "a"})["run_ids"][0] for _ in range(2)]
    http.post("/api/v1/workers/w/register", json={"function_ids": ["f"], "max_concurrent_jobs": 5})
    jobs = http.get("/api/v1/workers/w/jobs", params={"available": 5, "wait": 5}).json()["jobs"]
    assert [job["run_id"] for job in jobs] == run_ids[:1]

    [waiting] = http.get("/api/v1/capacity/queue").json()
    assert (waiting["run_id"], waiting["blocking_reason"]) == (run_ids[1], "concurrency")
    [lane] = http.get("/api/v1/capacity/lanes").json()
    assert (lane["lane_id"], lane["active_reserved"], lane["limit"]) == ("a", 1, 1)
    [stat] = http.get("/api/v1/capacity/stats", params={"function": "f"}).json()
    assert (stat["queued"], stat["active_leases"]) == (1, 1)
    assert http.get("/api/v1/capacity/leases").json()[0]["run_id"] == run_ids[0]
    assert http.get("/api/v1/capacity/sessions").json()[0]["worker_id"] == "w"


def test_a_function_is_read_as_it_was(http: httpx.Client) -> None:
    register(http, triggers=[{"event": "before"}])
    then = http.get("/api/v1/history/head").json()["position"]
    register(http, triggers=[{"event": "after"}])
    http.delete(f"{FUNCTIONS}/f")

    was = http.get(f"{FUNCTIONS}/f", params={"at": then})
    before = http.get(f"{FUNCTIONS}/f", params={"at": then - 1})
    wrong = http.get(f"{FUNCTIONS}/f", params={"at": then + 1_000_000})

    assert (was.json()["triggers"][0]["event"], was.json()["status"]) == ("before", "active")
    assert (before.status_code, before.json()["code"]) == (404, "FUNCTION_NOT_FOUND")
    assert (http.get(f"{FUNCTIONS}/f", params={"at": "0s"}).status_code) == 404
    assert (wrong.status_code, wrong.json()["field"]) == (400, "at")


def test_functions_are_listed_page_by_page(http: httpx.Client) -> None:
    for id in ("a", "b", "c"):
        registered = http.post(
            "/ironflow.v1.IronflowService/RegisterFunction", json={"id": id, "triggers": [{"event": "x"}]}
        )
        assert registered.is_success
    http.post(f"{FUNCTIONS}/b/pause")

    first = http.get(FUNCTIONS, params={"limit": 2}).json()
    rest = http.get(FUNCTIONS, params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["functions"] + rest["functions"]] == ["a", "b", "c"]
    assert (first["count"], rest["count"], "next_cursor" in rest) == (2, 1, False)
    active = http.get(FUNCTIONS, params={"limit": 1, "status": "active", "cursor": "a"}).json()
    assert [one["id"] for one in active["functions"]] == ["c"]
    assert http.get(FUNCTIONS, params={"limit": 0}).json()["field"] == "limit"
