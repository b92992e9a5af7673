"""Connect from outside: JSON as every published client writes it, protobuf beside it, and refusals in its own shape."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from google.protobuf.message import Message

from ironflow.v1 import ironflow_pb2, types_pb2
from tests.support.history import recorded, until_there_are

SERVICE = "/ironflow.v1.IronflowService"
JSON = {"Content-Type": "application/json"}
PROTO = {"Content-Type": "application/proto", "Connect-Protocol-Version": "1"}
RUN = "run_0123456789abcdefghjkmnpqrs"


def post(http: httpx.Client, method: str, body: Any = None, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return http.post(f"{SERVICE}/{method}", content=content, headers=JSON | headers)


def told(http: httpx.Client, method: str, body: Any = None) -> Any:
    answer = post(http, method, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sent(http: httpx.Client, method: str, request: Message) -> httpx.Response:
    return http.post(f"{SERVICE}/{method}", content=request.SerializeToString(), headers=PROTO)


@pytest.fixture
def function(http: httpx.Client) -> str:
    """A function for `order.*` that no worker serves: its runs stay where they are."""
    body = {"id": "ship", "triggers": [{"event": "order.*"}], "preferredMode": "pull", "unknown": 1}
    assert told(http, "RegisterFunction", body)["created"] is True
    return "ship"


def event(http: httpx.Client, event_id: str) -> httpx.Response:
    return http.get(f"/api/v1/events/{event_id}")


# --- payloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["data", "dataValue", "data_value"])
@pytest.mark.parametrize(
    "payload", [b'{"b" : 1, "a":1.50}', b"12345678901234567890", b"[1,  2]", b'"text"', b"0", b"false", b"null"]
)
def test_data_are_recorded_as_they_came_in_any_published_field(http: httpx.Client, name: str, payload: bytes) -> None:
    emitted = told(http, "Emit", b'{"event": "a.b", "%s": %s}' % (name.encode(), payload))

    assert b'"data":%s,' % payload in event(http, emitted["eventId"]).content


def test_a_value_is_preferred_to_an_object(http: httpx.Client) -> None:
    emitted = told(http, "Emit", {"event": "a.b", "data": {"x": 1}, "dataValue": 2})

    assert event(http, emitted["eventId"]).json()["data"] == 2


@pytest.mark.parametrize("payload", [b'{"n": 12345678901234567890}', b"[1.50]"])
def test_a_run_shows_its_input_as_it_came(http: httpx.Client, function: str, payload: bytes) -> None:
    [run_id] = told(http, "Emit", b'{"event":"order.placed","data":%s}' % payload)["runIds"]

    name = b"input" if payload[:1] == b"{" else b"inputValue"
    for method, body in (("GetRun", {"id": run_id}), ("CancelRun", {"id": run_id})):
        assert b'"%s":%s' % (name, payload) in post(http, method, body).content


def test_null_means_not_set_and_numbers_may_be_text(http: httpx.Client) -> None:
    body = {"event": "a.b", "metadata": None, "idempotencyKey": None, "version": "3", "timeoutMs": None}

    read = event(http, told(http, "Emit", body)["eventId"]).json()

    assert (read["metadata"], read["version"], read["source"]) == ({}, 3, "sdk")
    assert event(http, told(http, "Emit", {"event": "a.b", "version": 4.0})["eventId"]).json()["version"] == 4


def test_a_key_in_either_spelling_is_one_key(http: httpx.Client) -> None:
    first = told(http, "Trigger", {"event": "a.b", "idempotency_key": "k"})

    assert told(http, "Trigger", {"event": "a.b", "idempotencyKey": "k"}) == first
    answer = http.post("/ironflow.v1.PubSubService/Emit", json={"event": "a.b", "idempotency_key": "k"})
    assert answer.json() == first


def test_a_payload_deeper_than_protobuf_reads_is_given_as_json_only(http: httpx.Client, function: str) -> None:
    deep = b'{"x":' * 90 + b"1" + b"}" * 90
    [run_id] = told(http, "Emit", b'{"event":"order.placed","data":%s}' % deep)["runIds"]

    refused = sent(http, "GetRun", ironflow_pb2.GetRunRequest(id=run_id))

    assert (refused.status_code, refused.json()["code"]) == (400, "failed_precondition")
    assert deep in post(http, "GetRun", {"id": run_id}).content


# --- emitting and invoking --------------------------------------------------------------------------------------------


def test_each_event_of_a_batch_has_its_own_answer_in_both_codecs(http: httpx.Client, function: str) -> None:
    items: list[Any] = [{"event": "order.placed"}, {"event": 1}, {"event": "a..b"}, 7, {"event": "c.d"}]
    request = ironflow_pb2.TriggerBatchRequest(events=[{"event": "order.placed"}, {"event": "a..b"}])

    results = told(http, "TriggerBatch", {"events": items})["results"]
    binary = ironflow_pb2.TriggerBatchResponse.FromString(sent(http, "TriggerBatch", request).content).results

    assert ["eventId" in one for one in results] == [True, False, False, False, True]
    assert [len(one.get("runIds", ())) for one in results] == [1, 0, 0, 0, 0]
    assert {one["error"]["code"] for one in results if "error" in one} == {"INVALID_ARGUMENT"}
    assert [one.error.code for one in binary] == ["", "INVALID_ARGUMENT"]
    assert told(http, "TriggerBatch") == {"results": []}
    too_many = post(http, "TriggerBatch", {"events": [{"event": "a"}] * 1_001})
    assert (too_many.status_code, too_many.json()["code"]) == (400, "invalid_argument")


def test_a_wait_that_is_over_says_how_far_the_run_came(http: httpx.Client, function: str) -> None:
    for body in ({"timeoutMs": 1}, {"timeout_ms": "1"}, {"timeoutMs": 1, "idempotencyKey": "k"}):
        for _ in range(2):
            [result] = told(http, "TriggerSync", {"event": "order.placed", **body})["results"]
            assert (result["status"], result["waitTimedOut"]) == ("waiting_for_capacity", True)
    assert told(http, "TriggerSync", {"event": "nobody.cares"})["results"] == []


def test_a_wait_ends_with_the_run(http: httpx.Client, function: str) -> None:
    answers: list[Any] = []
    body = {"functionId": function, "idempotencyKey": "k", "timeoutMs": 20_000}
    waiting = threading.Thread(target=lambda: answers.append(told(http, "InvokeFunctionSync", body)))
    waiting.start()
    run_id = told(http, "InvokeFunction", {"functionId": function, "idempotencyKey": "k"})["runId"]
    told(http, "CancelRun", {"id": run_id})
    waiting.join(20)

    result = answers[0]["result"]
    assert (result["runId"], result["functionId"], result["status"]) == (run_id, function, "cancelled")
    assert "waitTimedOut" not in result


def test_a_run_whose_caller_hangs_up_is_cancelled_unless_it_was_there_before(http: httpx.Client, function: str) -> None:
    headers = {**JSON, "X-Ironflow-Environment-ID": http.headers["X-Ironflow-Environment-ID"]}
    earlier = told(http, "InvokeFunction", {"functionId": function, "idempotencyKey": "k"})["runId"]

    with ExitStack() as callers:
        for key in ("k", "mine"):
            caller = callers.enter_context(closing(HTTPConnection(http.base_url.netloc.decode(), timeout=30)))
            body = {"functionId": function, "timeoutMs": 60_000, "idempotencyKey": key}
            caller.request("POST", f"{SERVICE}/InvokeFunctionSync", json.dumps(body), headers)
        until_there_are(http, 2)

    mine = told(http, "InvokeFunction", {"functionId": function, "idempotencyKey": "mine"})["runId"]
    ended = http.get(f"/api/v1/runs/{mine}", params={"wait": "10"}).json()
    assert (ended["status"], ended["cancellation_cause"]) == ("cancelled", "request")
    assert http.get(f"/api/v1/runs/{earlier}").json()["status"] == "waiting_for_capacity"


def test_an_invoked_function_answers_with_its_own_run(http: httpx.Client, function: str) -> None:
    told(http, "RegisterFunction", {"id": "audit", "triggers": [{"event": ">"}]})
    body = {"function_id": function, "idempotency_key": "k"}

    first, again = told(http, "InvokeFunction", body), told(http, "InvokeFunction", body)

    assert first == again
    assert told(http, "GetRun", {"id": first["runId"]})["functionId"] == function
    told(http, "RegisterFunction", {"id": "late"})
    told(http, "Emit", {"event": "later", "idempotencyKey": "l"})
    told(http, "RegisterFunction", {"id": "later"})
    conflict = post(http, "InvokeFunction", {"functionId": "later", "idempotencyKey": "l"})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "already_exists")


# --- runs and functions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["failed", "FAILED", "RUN_STATUS_FAILED", 5])
def test_a_status_may_be_spelled_in_every_published_way(http: httpx.Client, function: str, status: Any) -> None:
    told(http, "Emit", {"event": "order.placed"})

    assert told(http, "ListRuns", {"status": status})["totalCount"] == 0
    assert told(http, "ListRuns", {"statuses": [status, "waiting_for_capacity"]})["totalCount"] == 1


def test_steps_and_capabilities_are_told(http: httpx.Client, function: str) -> None:
    [run_id] = told(http, "Emit", {"event": "order.placed"})["runIds"]

    assert told(http, "GetRunSteps", {"runId": run_id}) == told(http, "GetRunSteps", {"run_id": run_id})
    assert told(http, "GetRunSteps", {"runId": run_id}) == {"steps": []}
    assert "connectrpc" in told(http, "GetCapabilities")["transports"]
    assert told(http, "Health")["status"] == "healthy"
    assert told(http, "Info")["functionCount"] == 1
    assert told(http, "ListFunctions")["functions"][0]["id"] == function


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("Emit", b"{", "body"),
        ("Emit", b"[]", ""),
        ("Emit", {"event": 1}, "event"),
        ("Emit", {"event": "a..b"}, "name"),
        ("Emit", {"event": "a", "version": "x"}, "version"),
        ("Emit", {"event": "a", "version": 1.5}, "version"),
        ("Emit", {"event": "a", "version": True}, "version"),
        ("Emit", {"event": "a", "metadata": [1]}, "metadata"),
        ("Emit", b'{"event":"a","data":NaN}', "body"),
        ("Emit", b'{"event":"a","dataValue":"\\u0000"}', "data"),
        ("Emit", {"event": "a", "idempotencyKey": "a b"}, "idempotency_key"),
        ("TriggerSync", {"event": "a", "timeoutMs": 3_600_001}, "timeout_ms"),
        ("TriggerSync", {"event": "a", "timeoutMs": -1}, "timeout_ms"),
        ("ListRuns", {"status": "exploded"}, "status"),
        ("ListRuns", {"status": 99}, "status"),
        ("ListRuns", {"statuses": ["exploded"]}, "statuses"),
        ("ListRuns", {"since": "yesterday"}, "body"),
        ("ListRuns", {"limit": "x"}, "body"),
        ("ListRuns", {"search": "\0"}, "search"),
        ("ListRuns", {"cursor": "\0"}, "cursor"),
        ("CancelRun", {"id": RUN, "reason": "\0"}, "reason"),
        ("RegisterFunction", {"id": "a b"}, "id"),
        ("RegisterFunction", {"id": "a", "name": "\0"}, "name"),
        ("RegisterFunction", {"id": "a", "triggers": [{"event": "b..c"}]}, "triggers[0].event"),
        ("RegisterFunction", {"id": "a", "preferredMode": "sideways"}, "preferredMode"),
    ],
)
def test_bad_input_is_refused_in_connects_shape(http: httpx.Client, method: str, body: Any, field: str) -> None:
    before = recorded(http)

    answer = post(http, method, body)

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_argument"
    assert answer.json()["ironflowCode"] == "INVALID_ARGUMENT"
    assert field in answer.json()["message"]
    assert answer.json()["details"] == []
    assert recorded(http) == before


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("GetRun", {"id": "run_\0"}),
        ("GetRun", {"id": "nope"}),
        ("GetRun", {}),
        ("GetRunSteps", {"runId": "\0"}),
        ("CancelRun", {"id": "\0"}),
        ("ResumeRun", {"runId": "\0"}),
        ("GetFunction", {"id": "\0"}),
        ("InvokeFunction", {"functionId": "\0"}),
    ],
)
def test_an_id_that_nothing_has_is_not_found_on_either_store(http: httpx.Client, method: str, body: Any) -> None:
    answer = post(http, method, body)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_id_with_a_nul_is_not_found_in_protobuf_either(http: httpx.Client) -> None:
    answer = sent(http, "GetRun", ironflow_pb2.GetRunRequest(id="\0"))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_forged_run_is_refused(http: httpx.Client) -> None:
    answer = post(http, "Emit", {"event": "a.b"}, **{"X-Ironflow-Run-ID": "../x"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert answer.json()["hint"] == "leave it out when outside a run"
    emitted = post(http, "Emit", {"event": "a.b"}, **{"X-Ironflow-Run-ID": RUN}).json()
    assert event(http, emitted["eventId"]).json()["run_id"] == RUN


def test_what_is_not_there_is_unimplemented(http: httpx.Client) -> None:
    for path in (f"{SERVICE}/DeleteRun", f"{SERVICE}/Nonsense", "/ironflow.v1.NoService/Trigger"):
        answer = http.post(path, json={})
        assert (answer.status_code, answer.json()["code"]) == (501, "unimplemented")
    assert http.get(f"{SERVICE}/Trigger").status_code == 405


def test_garbage_in_protobuf_is_refused(http: httpx.Client) -> None:
    for method in ("Emit", "GetRun", "RegisterFunction", "TriggerBatch"):
        answer = http.post(f"{SERVICE}/{method}", content=b"\xff\xff\xff", headers=PROTO)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_a_run_is_the_same_in_both_codecs(http: httpx.Client, function: str) -> None:
    [run_id] = told(http, "Emit", {"event": "order.placed", "data": {"n": 1}})["runIds"]

    binary = types_pb2.Run.FromString(sent(http, "GetRun", ironflow_pb2.GetRunRequest(id=run_id)).content)
    shown = told(http, "GetRun", {"id": run_id})

    assert (binary.id, binary.function_id, dict(binary.input)) == (run_id, function, shown["input"])
    assert types_pb2.RunStatus.Name(binary.status) == shown["status"]
