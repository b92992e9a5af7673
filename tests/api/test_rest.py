"""REST from outside, on both stores: shapes, filters, ids, methods and headers as clients rely on them."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from app.cli.main import ironflow
from tests.support.history import head, recorded
from tests.support.server import ServerProcess

EVENTS = "/api/v1/events"
RUNS = "/api/v1/runs"
GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
def function(http: httpx.Client) -> str:
    """A function for `order.*` that no worker serves: its runs stay where they are."""
    body = {"id": "ship", "name": "Ship", "triggers": [{"event": "order.*"}], "retry": {"maxAttempts": 2}}
    assert http.post("/ironflow.v1.IronflowService/RegisterFunction", json=body).status_code == 200
    return "ship"


def emit(http: httpx.Client, name: str = "order.placed", data: Any = None) -> dict[str, Any]:
    answer = http.post(EVENTS, json={"name": name, "data": data})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name":"a","source":"\\u0000"}', "source"),
        (b'{"name":"a","source":"%s"}' % (b"x" * 256), "source"),
        (b'{"name":"a","source":1}', "source"),
        (b'{"name":"a","metadata":{"x":"\\u0000"}}', "metadata"),
        (b'{"name":"a","metadata":%s}' % (b'{"x":' * 101 + b"1" + b"}" * 101), "metadata"),
        (b'{"name":"a","idempotency_key":"\\u0000"}', "idempotency_key"),
        (b'{"name":"a","version":2147483648}', "version"),
        (b'{"name":"lost","events":[]}', "events"),
        (b'{"events":5}', "events"),
        (b'"a"', ""),
    ],
)
def test_a_bad_event_is_refused_by_field_and_nothing_recorded(http: httpx.Client, body: bytes, field: str) -> None:
    before = recorded(http)

    answer = http.post(EVENTS, content=body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "INVALID_ARGUMENT"
    assert answer.json().get("field", "") == field
    assert recorded(http) == before


def test_an_unknown_field_is_named_with_those_that_are_known(http: httpx.Client) -> None:
    told = http.post(EVENTS, json={"name": "a", "dta": 1}).json()

    assert told["field"] == "dta"
    assert "data" in told["hint"]
    assert "idempotencyKey" in told["hint"]


def test_a_list_within_a_list_is_refused(http: httpx.Client) -> None:
    [result] = http.post(EVENTS, json=[{"name": "a", "events": [{"name": "b"}]}]).json()["results"]

    assert (result["code"], result["field"]) == ("INVALID_ARGUMENT", "events")


def test_malformed_json_is_refused_with_the_place(http: httpx.Client) -> None:
    told = http.post(EVENTS, content=b'{"name":"a",}').json()

    assert told["code"] == "INVALID_ARGUMENT"
    assert "byte 12" in told["error"]


@pytest.mark.parametrize(
    "run_id", ["../x", "run_", "run_UPPERCASE0000000000000000000", "evt_0123456789abcdefghjkmnpqrs"]
)
def test_a_run_header_that_is_no_run_id_is_refused(http: httpx.Client, run_id: str) -> None:
    before = recorded(http)

    for body in ({"name": "a"}, [{"name": "a"}]):
        answer = http.post(EVENTS, json=body, headers={"X-Ironflow-Run-ID": run_id})
        assert (answer.status_code, answer.json()["field"]) == (400, "X-Ironflow-Run-ID")

    assert recorded(http) == before


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{EVENTS}?limit=--1", "limit"),
        (f"{EVENTS}?limit={'9' * 5000}", "limit"),
        (f"{EVENTS}?limit=%D9%A1", "limit"),
        (f"{EVENTS}?since=99999999999999d", "since"),
        (f"{EVENTS}?until={'9' * 400}d", "until"),
        (f"{EVENTS}?search=%00", "search"),
        (f"{EVENTS}?name=%00", "name"),
        (f"{EVENTS}?source=a%00b", "source"),
        (f"{EVENTS}/%00", "path"),
        (f"{RUNS}?limit=--1", "limit"),
        (f"{RUNS}?limit=1001", "limit"),
        (f"{RUNS}?cursor=%00", "cursor"),
        (f"{RUNS}?cursor=zzz", "cursor"),
        (f"{RUNS}?function_id=%00", "function_id"),
        (f"{RUNS}?since=99999999999999d", "since"),
        (f"{RUNS}/%00%00%00%00%00%00%00%00", "path"),
        ("/api/v1/history?after=--1", "after"),
        ("/api/v1/history?after=-1", "after"),
        ("/api/v1/history?limit=1001", "limit"),
    ],
)
def test_a_bad_parameter_is_named_on_either_store(http: httpx.Client, path: str, field: str) -> None:
    answer = http.get(path)

    assert answer.status_code == 400, answer.text
    assert (answer.json()["code"], answer.json()["field"]) == ("INVALID_ARGUMENT", field)


def test_a_run_id_with_a_nul_is_not_found(http: httpx.Client) -> None:
    answer = http.post(f"{RUNS}/resume", json={"run_id": "\0" * 9})

    assert (answer.status_code, answer.json()["code"]) == (404, "RUN_NOT_FOUND")


def test_gzip_in_any_case_is_read_and_what_follows_it_is_refused(http: httpx.Client) -> None:
    packed = gzip.compress(b'{"name":"a"}')

    assert http.post(EVENTS, content=packed, headers={"Content-Encoding": "GZIP"}).status_code == 201
    assert http.post(EVENTS, content=packed + b"junk", headers=GZIP).status_code == 400
    assert http.post(EVENTS, content=packed + packed, headers=GZIP).status_code == 400
    other = http.post(EVENTS, content=packed, headers={"Content-Encoding": "br"})
    assert (other.status_code, other.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


# --- methods and headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/health", "/ready", EVENTS, RUNS])
def test_head_answers_as_get_without_the_body(http: httpx.Client, path: str) -> None:
    asked, got = http.head(path), http.get(path)

    assert asked.status_code == got.status_code == 200
    assert asked.content == b""
    assert asked.headers["Content-Type"] == got.headers["Content-Type"]


def test_a_method_that_is_not_known_is_told_the_known_ones(http: httpx.Client) -> None:
    answer = http.delete(EVENTS)

    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}
    assert "POST" in http.options(EVENTS).headers["Allow"]
    assert http.head(f"{RUNS}/resume").status_code == 405


def test_every_answer_has_a_request_id_of_its_own(http: httpx.Client) -> None:
    answers = [http.get("/health"), http.get("/nowhere"), http.get(f"{EVENTS}?limit=x"), http.post(EVENTS)]

    assert len({answer.headers["X-Request-ID"] for answer in answers}) == len(answers)


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_emitted_within_a_run_says_so(http: httpx.Client) -> None:
    run_id = "run_0123456789abcdefghjkmnpqrs"
    sent = {
        "name": "a.b",
        "data": {"x": 1},
        "metadata": {"t": "m"},
        "version": 3,
        "source": "cron",
        "idempotency_key": "k",
    }
    emitted = http.post(EVENTS, json=sent, headers={"X-Ironflow-Run-ID": run_id})

    read = http.get(f"{EVENTS}/{emitted.json()['event_id']}").json()

    assert emitted.status_code == 201
    assert read.items() >= {**sent, "run_id": run_id, "processed": True, "run_ids": []}.items()
    assert read["timestamp"] == read["created_at"]
    assert read["timestamp"].endswith("Z")


def test_batches_are_answered_alike_as_list_and_as_object(http: httpx.Client) -> None:
    listed = http.post(EVENTS, json=[{"name": "a"}])
    wrapped = http.post(EVENTS, json={"events": [{"name": "a"}]})
    empty = http.post(EVENTS, json={"events": []})

    assert [answer.status_code for answer in (listed, wrapped, empty)] == [200, 200, 200]
    assert [set(result) for answer in (listed, wrapped) for result in answer.json()["results"]] == [
        {"event_id", "run_ids"},
        {"event_id", "run_ids"},
    ]
    assert empty.json() == {"results": []}


def test_events_are_filtered(http: httpx.Client) -> None:
    for number, (name, source) in enumerate([("a.b", "x"), ("a.c", "y"), ("d", "x")]):
        http.post(EVENTS, json={"name": name, "source": source, "data": number})

    def found(**chosen: str) -> list[int]:
        return [event["data"] for event in http.get(EVENTS, params=chosen).json()["events"]]

    assert found(name="a.b") == [0]
    assert found(names="d,a.b") == [2, 0]
    assert found(name="d", names="d") == [2]
    assert found(source="x") == [2, 0]
    assert found(search="a.") == [1, 0]
    assert found(search="%") == []
    assert found(since="1h") == [2, 1, 0]
    assert found(until="1h") == []
    assert found(pattern="a.>") == [1, 0]
    assert found(pattern="*.b", filter="event.source == 'x' && data < 1") == [0]
    for field, text in (("pattern", "a.>.b"), ("filter", "data <")):
        refused = http.get(EVENTS, params={field: text})
        assert (refused.status_code, refused.json()["field"]) == (400, field)


def test_an_event_that_is_emitted_anew_and_the_one_it_was_lead_to_each_other(
    http: httpx.Client, shared_server: ServerProcess, environment: str
) -> None:
    first = http.post(EVENTS, json={"name": "a", "data": 1}).json()["event_id"]
    of_entity = http.post("/api/v1/streams/o-1/events", json={"entityType": "order", "name": "b"}).json()["eventId"]
    anew = {"name": "a", "data": 2, "reemitted_from": first}
    second = http.post(EVENTS, json=anew).json()["event_id"]
    told = http.post(
        EVENTS, json=[anew, {"name": "a", "reemitted_from": of_entity}, {"name": "a", "reemitted_from": "x"}]
    )
    refused = http.post(EVENTS, json={"name": "a", "reemitted_from": "evt_nowhere"})
    emitted = CliRunner().invoke(
        ironflow, ["emit", "a", "--reemitted-from", second, "--server", shared_server.url, "--env", environment]
    )
    third, fourth, wrong = told.json()["results"]

    def get(event_id: str) -> dict[str, Any]:
        return dict(http.get(f"{EVENTS}/{event_id}").json())

    assert get(first)["reemitted_as"] == [second, third["event_id"]]
    assert "reemitted_from" not in get(first)
    assert get(second)["reemitted_from"] == first
    assert (emitted.exit_code, len(get(second)["reemitted_as"])) == (0, 1)
    assert get(of_entity)["reemitted_as"] == [fourth["event_id"]]
    assert (wrong["code"], wrong["field"]) == ("INVALID_ARGUMENT", "reemitted_from")
    assert (refused.status_code, refused.json()["field"]) == (400, "reemitted_from")
    assert http.post(f"{EVENTS}/dry-run", json={"name": "a", "reemitted_from": "evt_nowhere"}).status_code == 400
    lineage = http.get(f"/api/v1/history/{get(fourth['event_id'])['position']}/lineage").json()
    assert [one["data"]["id"] for one in lineage["causes"]] == [of_entity]
    effects = http.get(f"/api/v1/history/{get(first)['position']}/lineage").json()["effects"]
    assert [one["entry"]["data"]["id"] for one in effects] == [second, third["event_id"]]


def test_names_come_with_how_much_was_looked_at(http: httpx.Client) -> None:
    for name in ("a", "b", "a"):
        emit(http, name)

    assert http.get(f"{EVENTS}/names").json() == {
        "names": [{"name": "a", "count": 2}, {"name": "b", "count": 1}],
        "scan_cap": 10_000,
        "scanned": 3,
        "truncated": False,
    }
    none = {"names": [], "scan_cap": 10_000, "scanned": 3, "truncated": False}
    assert http.get(f"{EVENTS}/names", params={"source": "webhook"}).json() == none
    assert http.get(f"{EVENTS}/names", params={"until": "1h"}).json() == none
    assert http.get(f"{EVENTS}/names", params={"since": "soon"}).json()["field"] == "since"


# --- runs and functions -----------------------------------------------------------------------------------------------


def test_a_run_is_shown_whole_and_listed_without_payloads(http: httpx.Client, function: str) -> None:
    emitted = emit(http, data={"n": 1})
    [run_id] = emitted["run_ids"]

    run = http.get(f"{RUNS}/{run_id}").json()
    [row] = http.get(RUNS).json()["runs"]

    common = {
        "id": run_id,
        "function_id": function,
        "function_version": 1,
        "event_id": emitted["event_id"],
        "event_name": "order.placed",
        "status": "waiting_for_capacity",
        "attempt": 1,
        "max_attempts": 2,
        "started_at": None,
        "ended_at": None,
        "error": None,
    }
    assert run.items() >= {**common, "input": {"n": 1}, "output": None}.items()
    assert row.items() >= common.items()
    assert not {"input", "output"} & set(row)
    assert http.get(f"{RUNS}/{run_id}/steps").json() == {"steps": []}


@pytest.mark.parametrize(
    ("status", "count"),
    [
        ("cancelled", 1),
        ("CANCELLED", 1),
        ("RUN_STATUS_CANCELLED", 1),
        ("failed,RUN_STATUS_CANCELLED", 1),
        ("cancelled,waiting_for_capacity", 2),
        ("failed", 0),
    ],
)
def test_a_status_may_be_spelled_in_every_published_way(
    http: httpx.Client, function: str, status: str, count: int
) -> None:
    emit(http)
    [run_id] = emit(http)["run_ids"]
    http.post(f"{RUNS}/{run_id}/cancel")

    assert http.get(RUNS, params={"status": status}).json()["total"] == count


def test_runs_are_filtered_and_paged(http: httpx.Client, function: str) -> None:
    emitted = [emit(http) for _ in range(5)]
    newest_first = [one["run_ids"][0] for one in reversed(emitted)]

    first = http.get(RUNS, params={"limit": 3}).json()
    second = http.get(RUNS, params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [row["id"] for row in first["runs"] + second["runs"]] == newest_first
    assert "next_cursor" not in second
    assert (first["total"], first["total_exact"]) == (5, True)
    assert http.get(RUNS, params={"event_id": emitted[1]["event_id"]}).json()["total"] == 1
    assert http.get(RUNS, params={"function_id": "other"}).json()["runs"] == []
    assert http.get(RUNS, params={"search": emitted[0]["run_ids"][0]}).json()["total"] == 1


def test_a_unique_beginning_of_an_id_is_enough(http: httpx.Client, function: str) -> None:
    first, second = emit(http)["run_ids"][0], emit(http)["run_ids"][0]
    same = next(n for n in range(len(first)) if first[n] != second[n])

    assert http.get(f"{RUNS}/{first[: same + 1]}").json()["id"] == first
    ambiguous = http.get(f"{RUNS}/{first[:8]}")
    assert (ambiguous.status_code, ambiguous.json()["code"]) == (409, "AMBIGUOUS_ID")
    assert first in ambiguous.json()["hint"]
    assert second in ambiguous.json()["hint"]
    assert http.get(f"{RUNS}/run_").status_code == 404
    assert http.get(f"{RUNS}/run_%25%25%25%25%25").status_code == 404


def test_a_run_is_cancelled_once_and_not_resumed(http: httpx.Client, function: str) -> None:
    [run_id] = emit(http)["run_ids"]

    cancelled = http.post(f"{RUNS}/{run_id}/cancel", json={"reason": "a reason"})

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["ended_at"]
    before = recorded(http)
    assert http.post(f"{RUNS}/{run_id}/cancel").json()["status"] == "cancelled"
    resumed = http.post(f"{RUNS}/resume", json={"run_id": run_id})
    assert (resumed.status_code, resumed.json()["code"]) == (412, "FAILED_PRECONDITION")
    assert http.get(f"{RUNS}/{run_id}?wait=60").json()["status"] == "cancelled"
    for wait in ("nan", "99"):
        assert http.get(f"{RUNS}/{run_id}?wait={wait}").json()["field"] == "wait"
    assert http.post(f"{RUNS}/{run_id}/cancel", json={"raeson": "x"}).json()["field"] == "raeson"
    assert http.post(f"{RUNS}/{run_id}/cancel", json={"reason": "a \0"}).json()["field"] == "reason"
    assert recorded(http) == before


def test_functions_are_listed_and_read(http: httpx.Client, function: str) -> None:
    [listed] = http.get("/api/v1/functions").json()["functions"]

    assert listed == http.get(f"/api/v1/functions/{function}").json()
    assert listed["triggers"] == [{"event": "order.*"}]
    assert listed["retry"]["max_attempts"] == 2


# --- the server -------------------------------------------------------------------------------------------------------


def test_history_is_read_in_pages_of_one_environment(http: httpx.Client) -> None:
    start = head(http)
    first, second = emit(http, "a"), emit(http, "b")
    stranger = {"X-Ironflow-Environment-ID": "t-stranger"}

    page = http.get("/api/v1/history", params={"after": start, "limit": 1}).json()
    rest = http.get("/api/v1/history", params={"after": page["next_after"]}).json()

    assert [entry["stream"] for entry in page["entries"]] == [f"event/{first['event_id']}"]
    assert [entry["stream"] for entry in rest["entries"]] == [f"event/{second['event_id']}"]
    assert rest["next_after"] == rest["head"] == head(http)
    assert http.get("/api/v1/history", params={"after": start}, headers=stranger).json()["entries"] == []


def test_default_has_two_names(http: httpx.Client) -> None:
    by_id = {"X-Ironflow-Environment-ID": "env_default"}
    event_id = http.post(EVENTS, json={"name": "a"}, headers=by_id).json()["event_id"]

    by_name = {"X-Ironflow-Environment-ID": "", "X-Ironflow-Environment": "default"}
    assert http.get(f"{EVENTS}/{event_id}", headers=by_name).status_code == 200


def test_the_server_tells_what_it_is(http: httpx.Client) -> None:
    health, ready = http.get("/health").json(), http.get("/ready")
    capabilities = http.get("/api/v1/capabilities").json()

    assert health["status"] == "healthy"
    assert ready.json() == {"status": "ready", "issues": {}}
    assert {"transports", "features", "version", "auth_required", "grpc_address"} <= set(capabilities)
    assert capabilities["auth_required"] is False
    assert "ironflow_http_requests_total" in http.get("/metrics").text
