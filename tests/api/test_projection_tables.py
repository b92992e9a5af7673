"""SQL projections from outside, on both stores: registered, filled by events, asked, and kept to their table."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.test_projections import PATH, call, emit, wait
from tests.support.server import ServerProcess

TABLE = (
    "create table proj_totals (customer text primary key, orders integer not null, total integer check (total < 100))"
)
PLACED = (
    "insert into proj_totals (customer, orders, total) values (:data.customer, 1, :data.n)"
    " on conflict (customer) do update set orders = proj_totals.orders + 1, total = proj_totals.total + excluded.total"
)
HANDLERS = {"order.placed": PLACED, "order.*": "delete from proj_totals where customer = :data.customer"}
BODY = {"table_sql": TABLE, "event_handlers": HANDLERS}


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """Projections that are left go on being folded: no other file's tests are to wait for them."""
    return own_server


def register(http: httpx.Client, **changes: Any) -> httpx.Response:
    return http.put(f"{PATH}/orders", json={**BODY, **changes})


def rows(http: httpx.Client, **params: Any) -> list[Any]:
    answer = http.get(f"{PATH}/orders/rows", params={"order_by": "customer", **params})
    assert answer.is_success, answer.text
    found: list[Any] = answer.json()["rows"]
    return found


def test_events_write_a_table_that_is_asked_with_sql(http: httpx.Client) -> None:
    emit(http, 1, customer="ann")
    registered = register(http)
    assert (registered.status_code, registered.json()["mode"]) == (201, "sql")
    for n, customer in ((2, "ann"), (7, "bob"), (1, "eve")):
        emit(http, n, customer=customer)
    last, _ = emit(http, 0, "order.cancelled", customer="eve")

    assert wait(http, last).json()["caughtUp"]

    found = http.get(f"{PATH}/orders/rows", params={"where": "total > 1", "order_by": "total desc", "limit": 1}).json()
    assert found == {"columns": ["customer", "orders", "total"], "rows": [["bob", 1, 7]], "total_count": 2}
    assert rows(http) == [["ann", 2, 3], ["bob", 1, 7]]
    assert rows(http, offset=1) == [["bob", 1, 7]]
    shown = http.get(f"{PATH}/orders").json()
    assert (shown["state"], shown["table_sql"], shown["event_handlers"]) == (None, TABLE, HANDLERS)


def test_a_table_is_told_as_of_a_position(http: httpx.Client) -> None:
    register(http)
    emit(http, 1, customer="ann")
    then = http.get("/api/v1/history/head").json()["position"]
    emit(http, 100, customer="bob")  # stops it
    emit(http, 1, customer="ann")

    past = call(http, "QuerySQLProjection", name="orders", at=str(then))
    inside = http.get(f"{PATH}/orders/rows", params={"at": str(then), "where": "exists (select 1 from history)"})
    after = http.get(f"{PATH}/orders/rows", params={"at": str(then + 10_000)})
    state = http.get(f"{PATH}/orders", params={"at": str(then)})

    assert rows(http, at=str(then)) == [["ann", 1, 1]]
    assert rows(http, at="1") == []
    assert rows(http, at=str(http.get("/api/v1/history/head").json()["position"])) == [["ann", 1, 1]]
    assert past["totalCount"] == 1
    assert (inside.status_code, inside.json()["code"]) == (400, "SQL_REFUSED")
    assert (after.status_code, after.json()["field"]) == (400, "at")
    assert (state.status_code, state.json()["field"]) == (412, "at")
    assert "projection rows orders --at" in state.json()["hint"]


def test_another_statement_is_built_beside_the_one_that_serves(http: httpx.Client) -> None:
    register(http)
    last, _ = emit(http, 7, customer="ann")
    wait(http, last)
    doubled = {**HANDLERS, "order.placed": PLACED.replace(":data.n)", ":data.n * 2)")}

    assert register(http, event_handlers=doubled).json()["result"] == "updated"
    last, _ = emit(http, 1, customer="bob")
    wait(http, last)

    while http.get(f"{PATH}/orders").json()["status"] == "rebuilding":
        wait(http, last)
    assert rows(http) == [["ann", 1, 14], ["bob", 1, 2]]
    assert register(http, event_handlers=doubled).json()["result"] == "unchanged"


def test_an_event_whose_statement_fails_stops_it_and_can_be_tried_again(http: httpx.Client) -> None:
    register(http)
    good, _ = emit(http, 1, customer="ann")
    bad, _ = emit(http, 100, customer="bob")
    emit(http, 1, customer="ann")
    wait(http, good)

    assert wait(http, bad).json()["code"] == "PROJECTION_STOPPED"

    shown = http.get(f"{PATH}/orders").json()
    assert (shown["status"], shown["error_event_id"]) == ("error", bad)
    assert "check" in shown["error_message"].lower()
    assert rows(http) == [["ann", 1, 1]]


def test_an_event_whose_statement_fails_is_left_out_where_that_is_wanted(http: httpx.Client) -> None:
    register(http, on_error="skip")
    emit(http, 1, customer="ann")
    emit(http, 100, customer="bob")
    last, _ = emit(http, 1, customer="ann")

    assert wait(http, last).json()["caughtUp"]

    assert rows(http) == [["ann", 2, 2]]
    assert http.get(f"{PATH}/orders").json()["skipped"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"table_sql": "create table totals (id text)"}, "table_sql"),
        ({"table_sql": "create table proj_totals (id text); drop table history"}, "table_sql"),
        ({"table_sql": "create table proj_totals (id nosuchtype(, )"}, "table_sql"),
        ({"event_handlers": {}, "events": ["a"]}, "event_handlers"),
        ({"event_handlers": {"a": "delete from history"}}, "event_handlers.a"),
        ({"event_handlers": {"a": "select * from proj_totals"}}, "event_handlers.a"),
        ({"event_handlers": {"a": "insert into proj_totals (nosuch) values (1)"}}, "event_handlers.a"),
        ({"event_handlers": {"a": "delete from proj_totals where customer = :customer"}}, "event_handlers.a"),
        ({"event_handlers": {"a": PLACED}, "events": ["b"]}, "events"),
        ({"partition_key": "$.data.customer"}, "partition_key"),
        ({"mode": "managed"}, "table_sql"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(http: httpx.Client, changes: dict[str, Any], field: str) -> None:
    answer = register(http, **changes)

    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert http.get(f"{PATH}/orders").status_code == 404


@pytest.mark.parametrize(
    "params",
    [
        {"where": "1 = 1) union select name, 1, 1 from (select 'x' as name from history"},
        {"where": "customer in (select data from history)"},
        {"order_by": "(select count(*) from events)"},
        {"where": "1 = 1); delete from proj_totals; --"},
        {"where": "nosuch = 1"},
    ],
)
def test_a_condition_reaches_no_other_table(http: httpx.Client, params: dict[str, str]) -> None:
    register(http)

    answer = http.get(f"{PATH}/orders/rows", params=params)

    assert (answer.status_code, answer.json()["code"]) == (400, "SQL_REFUSED")


def test_what_has_no_table_says_so_and_one_that_is_deleted_begins_anew(http: httpx.Client) -> None:
    rule = {"on": "order.>", "set": {"seen": "true"}}
    http.put(f"{PATH}/declared", json={"events": ["order.>"], "rules": [rule]})
    assert http.get(f"{PATH}/declared/rows").json()["code"] == "FAILED_PRECONDITION"
    register(http)
    first, _ = emit(http, 1, customer="ann")
    wait(http, first)
    assert http.get(f"{PATH}/orders", params={"at": "1"}).json()["code"] == "FAILED_PRECONDITION"

    http.delete(f"{PATH}/orders")
    assert http.get(f"{PATH}/orders/rows").status_code == 404
    register(http, table_sql=TABLE.replace("100", "1000"))
    last, _ = emit(http, 500, customer="ann")
    wait(http, last)

    assert rows(http) == [["ann", 2, 501]]


def test_published_calls_create_and_query_one(http: httpx.Client) -> None:
    created = call(http, "CreateSQLProjection", name="orders", tableSql=TABLE, eventHandlers={"order.placed": PLACED})
    assert created == {"name": "orders", "status": "active"}
    last, _ = emit(http, 7, customer="ann")
    wait(http, last)

    found = call(http, "QuerySQLProjection", name="orders", where="total = 7")

    assert (found["columns"], found["totalCount"]) == (["customer", "orders", "total"], 1)
    assert found["rows"] == [{"values": ["ann", "1", "7"], "typedValues": ["ann", 1, 7]}]
    [listed] = call(http, "ListProjections", mode="sql")["projections"]
    assert (listed["type"], listed["sqlDefinition"]) == ("sql", TABLE)
    assert listed["eventHandlers"] == {"order.placed": PLACED}
    assert call(http, "PollProjectionEvents", name="orders")["code"] == "failed_precondition"


def test_what_a_statement_sees_of_an_event(http: httpx.Client) -> None:
    table = "create table proj_seen (id text, entity text, v integer, n text, item text, nothing_there text, told text)"
    insert = (
        "insert into proj_seen values (:id, :entity_type || '/' || :entity_id, :entity_version, :name,"
        " :data.items.0.sku, :data.absent.path, :data.items)"
    )
    register(http, table_sql=table, event_handlers={"order.placed": insert})
    event = {"name": "order.placed", "data": {"items": [{"sku": "s1"}]}, "entityType": "order"}
    event_id = http.post("/api/v1/streams/order-7/events", json=event).json()["eventId"]

    assert wait(http, event_id).json()["caughtUp"]

    [row] = rows(http, order_by="")
    assert row == [event_id, "order/order-7", 1, "order.placed", "s1", None, '[{"sku":"s1"}]']
