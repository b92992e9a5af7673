"""Nonsense is refused with a stable code and a hint, and nothing of it is recorded."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import httpx
import pytest

from tests.support.history import recorded

EVENTS = "/api/v1/events"
TRIGGER = "/ironflow.v1.IronflowService/Trigger"
DEEP = b"[" * 101 + b"]" * 101


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "INVALID_ARGUMENT"),
        (b"{", 400, "INVALID_ARGUMENT"),
        (b"nonsense", 400, "INVALID_ARGUMENT"),
        (b'{"name":"a"} x', 400, "INVALID_ARGUMENT"),
        (b'{"data":1}', 400, "INVALID_ARGUMENT"),
        (b'{"name":1,"data":1}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":1,"dta":2}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a..b"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a.*"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a b"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"%s"}' % (b"x" * 256), 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":"\\u0000"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":{"\\u0000":1}}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":"\\ud800"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":"\xff"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":NaN}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":Infinity}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":1e400}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":%s}' % DEEP, 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":%s}' % (b"[" * 100_000), 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","metadata":[1]}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","version":0}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","version":"1"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","idempotencyKey":"with space"}', 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","idempotencyKey":"%s"}' % (b"k" * 256), 400, "INVALID_ARGUMENT"),
        (b'{"name":"a","data":"%s"}' % (b"x" * (10 * 2**20)), 413, "PAYLOAD_TOO_LARGE"),
        (b"[%s]" % b",".join([b'{"name":"a"}'] * 1001), 400, "INVALID_ARGUMENT"),
    ],
)
def test_a_bad_event_is_refused_and_nothing_recorded(http: httpx.Client, body: bytes, status: int, code: str) -> None:
    before = recorded(http)

    answer = http.post(EVENTS, content=body)

    assert answer.status_code == status, answer.text[:300]
    told = answer.json()
    assert told["code"] == code
    assert told["error"]
    assert "Traceback" not in answer.text
    assert recorded(http) == before


@pytest.mark.parametrize(
    "data",
    [
        *(b"null", b"1.5", b'"\\ud83d\\ude00"', b"12345678901234567890123", b"[" * 100 + b"]" * 100),
        *(b'{"__proto__":{"a":1},"constructor":{"prototype":1}}', b'"<img src=x onerror=alert(1)>"'),
    ],
)
def test_any_other_json_is_taken_and_read_back_as_it_came(http: httpx.Client, data: bytes) -> None:
    emitted = http.post(EVENTS, content=b'{"name":"a.b","data": %s }' % data).json()

    read = http.get(f"{EVENTS}/{emitted['event_id']}")

    assert data in read.content


def test_a_bad_event_in_a_batch_does_not_stop_the_others(http: httpx.Client) -> None:
    answer = http.post(EVENTS, json=[{"name": "a.b"}, {"name": "a..b"}, {"nme": 1}, {"name": "c.d", "data": {"x": 1}}])

    results = answer.json()["results"]
    assert [("event_id" in result) for result in results] == [True, False, False, True]
    assert {result["code"] for result in results if "code" in result} == {"INVALID_ARGUMENT"}


def test_a_key_used_again_with_other_data_is_refused(http: httpx.Client) -> None:
    event = {"name": "a.b", "data": {"x": 1}, "idempotencyKey": "k"}
    first = http.post(EVENTS, json=event).json()

    assert http.post(EVENTS, json=event).json() == {**first, "duplicate": True}
    refused = http.post(EVENTS, json={**event, "data": {"x": 2}})
    assert refused.status_code == 409
    assert refused.json()["code"] == "IDEMPOTENCY_CONFLICT"
    assert refused.json()["hint"]


def test_gzip_is_read_and_a_bomb_is_not(http: httpx.Client) -> None:
    headers = {"Content-Encoding": "gzip"}
    body = json.dumps({"name": "a.b", "data": {"x": 1}}).encode()

    assert http.post(EVENTS, content=gzip.compress(body), headers=headers).status_code == 201
    assert http.post(EVENTS, content=gzip.compress(bytes(50 * 2**20)), headers=headers).status_code == 413
    assert http.post(EVENTS, content=b"no gzip", headers=headers).status_code == 400
    assert http.post(EVENTS, content=gzip.compress(body)[:-9], headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nope", 404, "NOT_FOUND"),
        ("DELETE", EVENTS, 405, "METHOD_NOT_ALLOWED"),
        ("GET", f"{EVENTS}/evt_nope", 404, "EVENT_NOT_FOUND"),
        ("GET", f"{EVENTS}?limit=0", 400, "INVALID_ARGUMENT"),
        ("GET", f"{EVENTS}?limit=x", 400, "INVALID_ARGUMENT"),
        ("GET", f"{EVENTS}?cursor=x", 400, "INVALID_ARGUMENT"),
        ("GET", f"{EVENTS}?cursor=1&before=1", 400, "INVALID_ARGUMENT"),
        ("GET", f"{EVENTS}?since=yesterday", 400, "INVALID_ARGUMENT"),
        ("GET", "/api/v1/runs/run_nope", 404, "RUN_NOT_FOUND"),
        ("GET", "/api/v1/runs?status=exploded", 400, "INVALID_ARGUMENT"),
        ("POST", "/api/v1/runs/run_nope/cancel", 404, "RUN_NOT_FOUND"),
        ("POST", "/api/v1/runs/resume", 400, "INVALID_ARGUMENT"),
        ("GET", "/api/v1/functions/nope", 404, "FUNCTION_NOT_FOUND"),
        ("GET", "/api/v1/workers/nope/jobs", 404, "WORKER_NOT_FOUND"),
        ("GET", TRIGGER, 405, None),
    ],
)
def test_unknown_things_and_bad_parameters_are_named(
    http: httpx.Client, method: str, path: str, status: int, code: str | None
) -> None:
    answer = http.request(method, path)

    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code


@pytest.mark.parametrize("name", ["a b", "a/b", "a.b", "*", "x" * 300])
def test_a_bad_environment_is_refused(http: httpx.Client, name: str) -> None:
    answer = http.post(EVENTS, json={"name": "a"}, headers={"X-Ironflow-Environment-ID": name})

    assert answer.status_code == 400
    assert answer.json()["field"] == "environment"


def test_environments_do_not_see_each_other(http: httpx.Client) -> None:
    event_id = http.post(EVENTS, json={"name": "a.b"}).json()["event_id"]

    assert http.get(f"{EVENTS}/{event_id}").status_code == 200
    assert http.get(f"{EVENTS}/{event_id}", headers={"X-Ironflow-Environment-ID": "other"}).status_code == 404


def test_every_route_is_in_the_openapi_document_and_answers(http: httpx.Client, environment: str) -> None:
    live = {"X-Ironflow-Environment-ID": f"{environment}-production"}  # where no demo begins to work
    paths = http.get("/api/v1/openapi.json").json()["paths"]

    assert "/api/v1/events" in paths
    for path, operations in paths.items():
        for method in operations:
            with http.stream(method.upper(), path.replace("{", "").replace("}", ""), headers=live) as answer:
                pass  # some answers go on for ever
            assert answer.status_code < 500, (method, path)
            assert answer.status_code != 405, (method, path)


def test_events_are_paged_both_ways(http: httpx.Client) -> None:
    for number in range(5):
        http.post(EVENTS, json={"name": f"n.{number % 2}", "data": number})

    first = http.get(EVENTS, params={"limit": 2}).json()
    second = http.get(EVENTS, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    back = http.get(EVENTS, params={"limit": 2, "before": second["prev_cursor"]}).json()
    named = http.get(EVENTS, params={"name": "n.1"}).json()

    assert [event["data"] for event in first["events"]] == [4, 3]
    assert [event["data"] for event in second["events"]] == [2, 1]
    assert [event["data"] for event in back["events"]] == [4, 3]
    assert [event["data"] for event in named["events"]] == [3, 1]
    assert http.get(f"{EVENTS}/names").json()["names"] == [{"name": "n.0", "count": 3}, {"name": "n.1", "count": 2}]


LONG = {"reason": "x" * 1_001}


def test_a_reason_that_is_too_long_is_refused_everywhere_and_never_cut(http: httpx.Client) -> None:
    """Half of a reason may say the opposite."""
    http.post("/api/v1/groups", json={"name": "billing", "pattern": "order.*"}).raise_for_status()
    http.post("/api/v1/webhook-sources", json={"name": "stripe"}).raise_for_status()
    entity = {"entityType": "order", "name": "order.placed", "data": {}}
    http.post("/api/v1/streams/42/events", json=entity).raise_for_status()
    run = "run_" + "0" * 26
    before = recorded(http)

    answers = [
        http.post("/api/v1/groups/billing/pause", json=LONG),
        http.post("/api/v1/groups/billing/reset", json={**LONG, "after": 0}),
        http.post("/api/v1/groups/billing/dead-letters/requeue", json={**LONG, "all": True}),
        http.post("/api/v1/groups/billing/dead-letters/discard", json={**LONG, "all": True}),
        http.post("/api/v1/groups/billing/dead-letters/1/requeue", json=LONG),
        http.delete("/api/v1/groups/billing/dead-letters/1", params=LONG),
        http.post("/api/v1/webhook-sources/stripe/pause", json=LONG),
        http.post(f"/api/v1/runs/{run}/pause", json=LONG),
        http.post(f"/api/v1/runs/{run}/cancel", json=LONG),
        http.delete("/api/v1/streams/42", params={**LONG, "type": "order"}),
        http.post("/api/v1/runs/bulk/cancel", json={**LONG, "run_ids": [run]}),
    ]

    assert [(one.status_code, one.json().get("field")) for one in answers] == [(400, "reason")] * len(answers), [
        one.text for one in answers
    ]
    assert {one.json()["hint"] for one in answers} == {"at most 1000"}
    assert recorded(http) == before


@pytest.mark.parametrize("name", [".", "..", "a/b"])
def test_what_cannot_stand_in_a_path_is_not_registered(http: httpx.Client, name: str) -> None:
    """Every client takes these for steps to another path, however they are written: nobody could ask for it again."""
    before = recorded(http)

    answers = {
        "id": http.post("/ironflow.v1.IronflowService/RegisterFunction", json={"id": name, "name": name}),
        "name": http.post("/api/v1/webhook-sources", json={"name": name}),
        "entity_id": http.post(
            "/ironflow.v1.EntityStreamService/AppendEvent",
            json={"entityId": name, "entityType": "order", "eventName": "order.placed"},
        ),
    }

    for field, answer in answers.items():
        told = answer.json()
        assert answer.status_code == 400, answer.text
        assert told.get("error", told.get("message")) == f"{field} {name!r} cannot stand in the path of a URL"
    assert recorded(http) == before


def test_a_key_leads_to_no_other_key(http: httpx.Client) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"}).raise_for_status()

    for key in ("a%2F..%2Fb", "%2E%2E%2Fb", "a%2F."):
        refused = http.put(f"/api/v1/kv/buckets/carts/keys/{key}", content=b"1")
        assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_ARGUMENT"), refused.text
    odd = "a?#%&+ ü/..b/c.."
    http.put(f"/api/v1/kv/buckets/carts/keys/{quote(odd, safe='')}", content=b"1").raise_for_status()

    assert http.get("/api/v1/kv/buckets/carts/keys").json()["keys"] == [odd]
