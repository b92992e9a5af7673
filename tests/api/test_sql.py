"""SQL from outside, on both stores: over REST and Connect, with the SDK."""

from __future__ import annotations

import httpx
import pytest

from ironflow import AsyncClient, Client, errors
from tests.support.server import ServerProcess

SQL = "/api/v1/sql"
CONNECT = "/ironflow.v1.QueryService/ExecuteSQL"
BY_NAME = (
    "select name, count(*) as seen, max(data->>'n') as n from events where name like :like group by name order by 1"
)


@pytest.fixture(autouse=True)
def orders(http: httpx.Client) -> None:
    for n in (1, 2):
        http.post("/api/v1/events", json={"name": "order.placed", "data": {"n": f"no {n}"}})
    http.post("/api/v1/events", json={"name": "other.event"})


def test_a_query_answers_columns_and_rows(http: httpx.Client) -> None:
    answer = http.post(SQL, json={"query": BY_NAME, "params": {"like": "order.%"}})

    assert answer.json() == {
        "columns": ["name", "seen", "n"],
        "rows": [["order.placed", 2, "no 2"]],
        "row_count": 1,
        "truncated": False,
    }


def test_every_view_can_be_asked_for_its_columns(http: httpx.Client) -> None:
    for view in http.get(SQL).json()["views"]:
        answer = http.post(SQL, json={"query": f"select {', '.join(view['columns'])} from {view['name']}"})
        assert (answer.status_code, answer.json()["columns"]) == (200, view["columns"])


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"query": "delete from history"}, 400, "SQL_REFUSED", "query"),
        ({"query": "select * from secrets"}, 400, "SQL_REFUSED", "query"),
        ({"query": "select * from nowhere"}, 400, "SQL_REFUSED", "query"),
        ({"query": "select :a"}, 400, "SQL_REFUSED", "query"),
        ({"query": ""}, 400, "SQL_REFUSED", "query"),
        ({}, 400, "INVALID_ARGUMENT", "query"),
        ({"query": "select 1", "timeout_ms": 30_001}, 400, "INVALID_ARGUMENT", "timeout_ms"),
        ({"query": "select 1", "max_rows": 0}, 400, "INVALID_ARGUMENT", "max_rows"),
        ({"query": "select 1", "params": {"A b": 1}}, 400, "INVALID_ARGUMENT", "params.A b"),
        ({"query": "select 1", "params": {"a": [1]}}, 400, "INVALID_ARGUMENT", "params.a"),
        ({"query": "select 1", "params": {"a": 2**63}}, 400, "INVALID_ARGUMENT", "params.a"),
        ({"query": "select 1\0"}, 400, "INVALID_ARGUMENT", "query"),
        (
            {
                "query": "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n",
                "timeout_ms": 50,
            },
            408,
            "SQL_TIMEOUT",
            "query",
        ),
    ],
)
def test_what_is_wrong_is_told(http: httpx.Client, body: dict[str, object], status: int, code: str, field: str) -> None:
    answer = http.post(SQL, json=body)

    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["code"], told.get("field")) == (code, field)
    assert told["hint"]


def test_published_clients_get_text(http: httpx.Client) -> None:
    body = {"query": BY_NAME, "paramsJson": '{"like": "o%"}', "maxRows": 1}

    assert http.post(CONNECT, json=body).json() == {
        "columns": ["name", "seen", "n"],
        "rows": [{"values": ["order.placed", "2", "no 2"]}],
        "totalRows": 1,
        "truncated": True,
    }
    assert http.post(CONNECT, json={"query": "drop table history"}).json()["code"] == "invalid_argument"


async def test_the_sdk_gives_rows_as_dicts(shared_server: ServerProcess, environment: str) -> None:
    with Client(shared_server.url, environment=environment) as client:
        table = client.sql(BY_NAME, {"like": "order.%"})
        assert list(table) == [{"name": "order.placed", "seen": 2, "n": "no 2"}]
        assert {view["name"] for view in client.views()} >= {"history", "events", "runs", "kv"}
        with pytest.raises(errors.InvalidArgument, match="one SELECT"):
            client.sql("update events set name = 'x'")
    async with AsyncClient(shared_server.url, environment=environment) as client:
        assert len(await client.sql("select * from events", max_rows=2)) == 2
