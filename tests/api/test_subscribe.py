"""GET /api/v1/subscribe: events as server-sent events, from anywhere in history on."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
import pytest

from tests.support.history import head
from tests.support.sse import frames

SUBSCRIBE = "/api/v1/subscribe"


def emit(http: httpx.Client, name: str, data: Any = None) -> str:
    answer = http.post("/api/v1/events", json={"name": name, "data": data, "metadata": {"tenant": "a"}})
    return str(answer.json()["event_id"])


def test_an_event_is_told_whole(http: httpx.Client) -> None:
    start = head(http)
    event_id = emit(http, "order.placed", {"n": 1.50})
    append = {"name": "line.added", "data": [1], "expectedVersion": -1, "entityType": "order"}
    assert http.post("/api/v1/streams/42/events", json=append).is_success

    event, appended = frames(http, SUBSCRIBE, 2, params={"pattern": ["order.>", "entity:order.42.>"], "after": start})

    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "type": "event",
        "id": event_id,
        "topic": "events:order.placed",
        "name": "order.placed",
        "data": {"n": 1.5},
        "metadata": {"tenant": "a"},
        "source": "api",
        "version": 1,
        "position": start + 1,
        "frame": start + 1,
    }
    assert (appended["topic"], appended["name"]) == ("entity:order.42.line.added", "line.added")
    assert (appended["entity_type"], appended["entity_id"], appended["entity_version"]) == ("order", "42", 1)


def test_a_browser_resumes_where_it_was_with_the_query_it_began_with(http: httpx.Client) -> None:
    start = head(http)
    for number in range(5):
        emit(http, "order.placed", number)
    query = {"pattern": "order.>", "replay": 4}

    seen = frames(http, SUBSCRIBE, 2, params=query)
    rest = frames(http, SUBSCRIBE, 2, params=query, headers={"Last-Event-ID": str(seen[-1]["frame"])})
    also = frames(
        http, SUBSCRIBE, 2, params={"pattern": ">", "after": start}, headers={"Last-Event-ID": str(seen[-1]["frame"])}
    )

    assert [one["data"] for one in seen + rest] == [1, 2, 3, 4]
    assert also == rest


def test_what_happens_now_comes_at_once_through_the_filter(http: httpx.Client) -> None:
    with http.stream("GET", SUBSCRIBE, params={"pattern": "order.>", "filter": "data.total > 10"}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": following"
        for total in (5, 50, 500):
            emit(http, "order.placed", {"total": total})
        told = (json.loads(line[6:]) for line in lines if line.startswith("data: "))
        assert [one["data"]["total"] for one in itertools.islice(told, 2)] == [50, 500]


def test_a_filter_that_costs_too_much_ends_the_stream_for_good(http: httpx.Client) -> None:
    start = head(http)
    emit(http, "order.placed", list(range(200)))
    costly = "data.all(a, data.all(b, data.all(c, a + b + c >= 0)))"

    [error] = frames(http, SUBSCRIBE, 1, params={"pattern": "order.>", "filter": costly, "after": start})

    assert (error["type"], error["code"], error["retrying"]) == ("error", "INVALID_ARGUMENT", False)
    assert "filter" in error["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "pattern"),
        ("?pattern=", "pattern"),
        ("?pattern=a..b", "pattern"),
        ("?pattern=topic:", "pattern"),
        ("?pattern=a&pattern=b.%3E.c", "pattern"),
        ("?pattern=a&filter=data.%3E", "filter"),
        ("?pattern=a&filter=nope(data)", "filter"),
        ("?pattern=a&after=-1", "after"),
        ("?pattern=a&after=999999999999", "after"),
        ("?pattern=a&replay=x", "replay"),
        ("?pattern=a&replay=5&after=1", "replay"),
        ("?pattern=a&since=whenever", "since"),
        ("?pattern=a&backpressure=maybe", "backpressure"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(http: httpx.Client, query: str, field: str) -> None:
    answer = http.get(f"{SUBSCRIBE}{query}")

    assert answer.status_code == 400, answer.text
    assert answer.json()["field"] == field
    assert answer.json()["hint"]


def test_a_page_of_another_origin_cannot_listen(http: httpx.Client) -> None:
    answer = http.get(f"{SUBSCRIBE}?pattern=%3E", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
