"""Event schemas from outside, on both stores."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ironflow import Client, errors
from tests.support.server import ServerProcess

SCHEMAS = "/api/v1/events/schemas"
ENFORCEMENT = "/api/v1/schema-enforcement"
SERVICE = "/ironflow.v1.EventSchemaService"
ORDER = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 0}}}


def register(http: httpx.Client, schema: Any = ORDER, name: str = "order.placed", **options: Any) -> httpx.Response:
    return http.post(SCHEMAS, json={"event_name": name, "schema_json": json.dumps(schema), **options})


def emit(http: httpx.Client, data: Any, **options: Any) -> httpx.Response:
    return http.post("/api/v1/events", json={"name": "order.placed", "data": data, **options})


def enforce(http: httpx.Client, mode: str) -> None:
    assert http.put(ENFORCEMENT, json={"mode": mode}).status_code == 200


def test_a_schema_is_registered_read_and_deleted(http: httpx.Client) -> None:
    first, again = register(http), register(http)
    second = register(http, {"type": "object"}, version=2, description="anything")

    assert (first.status_code, first.json()["status"]) == (201, "created")
    assert (again.status_code, again.json()["status"]) == (200, "unchanged")
    assert http.get(f"{SCHEMAS}/order.placed/1").json()["schema"] == ORDER
    assert http.get(f"{SCHEMAS}/order.placed").json()["version"] == 2
    assert second.json()["problems"] == []
    assert [one["version"] for one in http.get(SCHEMAS).json()["schemas"]] == [1, 2]
    assert http.delete(f"{SCHEMAS}/order.placed/2", params={"reason": "r"}).status_code == 200
    assert http.get(f"{SCHEMAS}/order.placed").json()["version"] == 1
    assert http.get(f"{SCHEMAS}/order.placed/2").json()["code"] == "SCHEMA_NOT_FOUND"
    assert http.delete(f"{SCHEMAS}/order.placed").json()["versions"] == [1]
    assert http.get(SCHEMAS).json()["count"] == 0
    assert register(http).json()["status"] == "created"


def test_an_event_is_held_against_the_schema_of_its_version_and_the_newest(http: httpx.Client) -> None:
    plain = http.post("/api/v1/events", json={"name": "order.odd"}).json()["event_id"]
    register(http)
    register(http, {"type": "object", "required": ["total", "currency"]}, version=2)
    good = emit(http, {"total": 1}).json()["event_id"]
    bad = emit(http, {"total": -1, "currency": "EUR"}).json()["event_id"]

    def told(event_id: str) -> dict[str, Any]:
        return dict(http.get(f"/api/v1/events/{event_id}/schema").json())

    assert told(plain) == {"event_name": "order.odd", "version": 1, "mode": "off", "versions": [], "verdicts": []}
    assert (told(good)["versions"], told(good)["verdicts"][0]) == ([1, 2], {"version": 1, "fits": True})
    assert [one["fits"] for one in told(bad)["verdicts"]] == [False, True]
    missing = told(good)["verdicts"][1]
    assert (missing["fits"], missing["path"], "currency" in missing["problem"]) == (False, "$", True)
    dry = http.post("/api/v1/events/dry-run", json={"name": "order.placed", "data": {"total": -1}, "version": 1})
    assert dry.json()["schema"]["verdicts"][0]["path"] == "$.total"
    assert http.get("/api/v1/events/evt_nowhere/schema").status_code == 404


def test_violations_are_let_through_logged_or_refused(http: httpx.Client) -> None:
    register(http)

    assert emit(http, {"total": -1}).status_code == 201
    enforce(http, "warn")
    assert emit(http, {"total": -1}).status_code == 201
    enforce(http, "reject")
    refused = emit(http, {"total": -1})
    assert (refused.status_code, refused.json()["code"]) == (400, "SCHEMA_VIOLATION")
    assert refused.json()["field"] == "data.total"
    assert "order.placed version 1" in refused.json()["error"]
    assert emit(http, {"total": 1}).status_code == 201
    assert emit(http, {"total": -1}, version=2).status_code == 201
    assert len(http.get("/api/v1/events").json()["events"]) == 4


def test_appends_and_batches_meet_the_same_schemas(http: httpx.Client) -> None:
    register(http)
    enforce(http, "reject")
    body = {"entityType": "order", "name": "order.placed", "data": {}}

    batch = http.post("/api/v1/events", json=[{"name": "order.placed", "data": {"total": n}} for n in (1, -1)]).json()

    assert http.post("/api/v1/streams/1/events", json=body).json()["code"] == "SCHEMA_VIOLATION"
    assert http.get("/api/v1/streams/1").status_code == 404
    assert [one.get("code", "") for one in batch["results"]] == ["", "SCHEMA_VIOLATION"]


def test_environments_enforce_apart(http: httpx.Client) -> None:
    register(http)
    enforce(http, "reject")
    stranger = {"X-Ironflow-Environment-ID": "t-stranger"}

    assert http.post("/api/v1/events", json={"name": "order.placed"}, headers=stranger).status_code == 201
    assert http.get(ENFORCEMENT, headers=stranger).json()["mode"] == "off"


def test_a_version_may_accept_more_and_never_less(http: httpx.Client) -> None:
    register(http)
    wider = {"type": "object", "properties": {"total": {"type": "number"}}}
    narrower = {**ORDER, "required": ["total", "customer"]}

    refused = register(http, narrower)
    assert (refused.status_code, refused.json()["code"]) == (409, "SCHEMA_INCOMPATIBLE")
    assert "$.customer is required now" in refused.json()["error"]
    assert register(http, narrower, version=2).json()["problems"] == ["$.customer is required now"]
    assert register(http, wider).json()["status"] == "updated"


def test_the_report_counts_the_versions_that_were_seen(http: httpx.Client) -> None:
    register(http)
    register(http, {"description": "anything"}, version=2)
    for version in (1, 2, 2):
        emit(http, {"total": 1}, version=version)

    report = http.get(ENFORCEMENT).json()

    assert report["mode"] == "off"
    assert [(one["version"], one["asserts"]) for one in report["schemas"]] == [(1, True), (2, False)]
    assert report["schemas"][0]["traffic"] == [{"version": 1, "count": 1}, {"version": 2, "count": 2}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"event_name": "a", "schema_json": "{"}, "schema_json"),
        ({"event_name": "a", "schema_json": '{"type": "text"}'}, "schema_json"),
        ({"event_name": "a", "schema_json": '{"pattern": "("}'}, "schema_json"),
        ({"event_name": "a", "schema_json": '{"$ref": "https://example.com/x.json"}'}, "schema_json"),
        ({"event_name": "a", "schema_json": '{"$ref": "#/$defs/none"}'}, "schema_json"),
        ({"event_name": "a", "schema_json": '{"$ref": "#"}'}, "schema_json"),
        ({"event_name": "a", "schema_json": "[]"}, "schema_json"),
        ({"event_name": "a"}, "schema_json"),
        ({"event_name": "a", "schema_json": "{}", "schema": {}}, "schema_json"),
        ({"event_name": "a..b", "schema_json": "{}"}, "event_name"),
        ({"event_name": "a", "schema_json": "{}", "version": 0}, "version"),
        ({"event_name": "a", "schema_json": "{}", "description": "\0"}, "description"),
    ],
)
def test_what_is_no_schema_is_refused(http: httpx.Client, body: dict[str, Any], field: str) -> None:
    refused = http.post(SCHEMAS, json=body)

    assert (refused.status_code, refused.json()["field"]) == (400, field), refused.text
    assert http.get(SCHEMAS).json()["count"] == 0


def test_other_bad_requests_are_named(http: httpx.Client) -> None:
    assert http.put(ENFORCEMENT, json={"mode": "maybe"}).json()["field"] == "mode"
    assert http.get(ENFORCEMENT, params={"hours": 0}).json()["field"] == "hours"
    assert http.get(f"{SCHEMAS}/nope").status_code == 404
    assert http.delete(f"{SCHEMAS}/nope").status_code == 404
    assert http.delete(f"{SCHEMAS}/nope/1").status_code == 404
    assert http.get(f"{SCHEMAS}/nope/x").json()["field"] == "version"


def test_connect_answers_as_published(http: httpx.Client) -> None:
    def call(method: str, **body: Any) -> Any:
        return http.post(f"{SERVICE}/{method}", json=body)

    made = call("RegisterSchema", eventName="order.placed", version=1, schemaJson=json.dumps(ORDER)).json()
    emit(http, {"total": 1})
    check = call("CheckEnforcement").json()

    assert made["status"] == "created"
    assert json.loads(call("GetSchema", eventName="order.placed").json()["schemaJson"]) == ORDER
    assert call("ListSchemas").json()["totalCount"] == 1
    assert (check["mode"], check["schemas"][0]["traffic"][0]["count"]) == ("off", "1")
    assert call("RegisterSchema", eventName="a", schemaJson="{").json()["code"] == "invalid_argument"
    assert call("DeleteSchema", eventName="order.placed", version=1).json() == {}
    assert call("GetSchema", eventName="order.placed").json()["code"] == "not_found"


def test_every_change_of_a_schema_is_a_revision(http: httpx.Client) -> None:
    def call(method: str, **body: Any) -> Any:
        return http.post(f"{SERVICE}/{method}", json={"eventName": "order.placed", **body}).json()

    register(http, change_reason="first")
    register(http, {"type": "object"}, change_reason="anything will do")
    register(http, ORDER, version=2)
    http.delete(f"{SCHEMAS}/order.placed/1", params={"reason": "nobody sends it"})

    told = call("ListSchemaHistory")["entries"]
    page = call("ListSchemaHistory", limit=1)
    older = call("ListSchemaHistory", beforeRevision=page["nextBeforeRevision"])
    of_second = call("ListSchemaHistory", version=2)
    updated = call("GetSchemaRevision", version=1, revision=told[2]["revision"])["entry"]

    assert [one["changeType"] for one in told] == ["deleted", "created", "updated", "created"]
    assert [one.get("changeReason", "") for one in told] == ["nobody sends it", "", "anything will do", "first"]
    assert (page["hasMore"], page["entries"], older["entries"]) == (True, told[:1], told[1:])
    assert (of_second["hasMore"], of_second["entries"]) == (False, told[1:2])
    assert updated == told[2]
    assert json.loads(updated["previousDefinition"]["schemaJson"]) == ORDER
    assert "previousDefinition" not in told[3]
    assert call("GetSchemaRevision", version=2, revision=told[0]["revision"])["code"] == "not_found"
    assert call("ListSchemaHistory", eventName="nope")["code"] == "not_found"


def test_data_fit_a_later_version_or_take_an_upcaster(http: httpx.Client) -> None:
    register(http)
    register(http, {**ORDER, "required": ["total", "currency"]}, version=2)

    def upcast(data: Any, **versions: int) -> httpx.Response:
        return http.post("/api/v1/events/upcast", json={"eventName": "order.placed", "data": data, **versions})

    fits = upcast({"total": 1, "currency": "EUR"}, fromVersion=1, toVersion=2)
    lacks = upcast({"total": 1})
    data = {"total": 1, "currency": "EUR"}
    published = http.post(f"{SERVICE}/TestUpcast", json={"eventName": "order.placed", "fromVersion": 1, "data": data})

    assert fits.json() == {"data": {"total": 1, "currency": "EUR"}, "stepsApplied": []}
    assert (lacks.status_code, lacks.json()["field"]) == (412, "data")
    assert "'currency' is a required property" in lacks.json()["error"]
    assert "ironflow schema test-upcast" in lacks.json()["hint"]
    assert published.json() == {"data": data, "stepsApplied": []}
    assert upcast({"total": -1}).json()["code"] == "SCHEMA_VIOLATION"
    assert upcast({}, fromVersion=3).json()["field"] == "from_version"
    assert upcast({}, toVersion=3).status_code == 404


def test_schemas_outlive_the_server(shared_server: ServerProcess, http: httpx.Client) -> None:
    register(http)
    enforce(http, "reject")

    shared_server.kill9()
    shared_server.restart()

    assert emit(http, {}).json()["code"] == "SCHEMA_VIOLATION"


def test_the_sdk_registers_and_enforces(shared_server: ServerProcess, environment: str) -> None:
    with Client(shared_server.url, environment=environment) as client:
        client.schemas.register("order.placed", ORDER)
        client.schemas.enforce("reject")
        with pytest.raises(errors.InvalidArgument) as refused:
            client.emit("order.placed", {"total": "x"})
        check = client.schemas.check()

    assert refused.value.code == "SCHEMA_VIOLATION"
    assert check["mode"] == "reject"
