"""GET /api/v1/subscriptions: who follows, by which face, and who takes from groups."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.server import ServerProcess
from tests.support.websocket import WebSocket

SUBSCRIPTIONS = "/api/v1/subscriptions"


def listed(http: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = http.get(SUBSCRIPTIONS, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["subscriptions"]
    return found


def test_whoever_follows_is_listed_until_they_go(
    shared_server: ServerProcess, environment: str, http: httpx.Client
) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    http.post("/api/v1/groups", json={"name": "billing", "pattern": "order.>", "filter": "data > 1"})
    followed = {"pattern": ["order.>", "topic:tills.*"], "filter": "data > 0", "backpressure": "drop"}
    with (
        http.stream("GET", "/api/v1/subscribe", params=followed) as streaming,
        WebSocket(shared_server.url, f"/ws?env={environment}") as ws,
        WebSocket(shared_server.url, f"/api/v1/kv/buckets/carts/watch?env={environment}&key=user.*") as watching,
    ):
        lines = streaming.iter_lines()  # whoever lets it go closes the stream
        next(lines)
        id = ws.subscribe("cart.>")
        member_id = ws.subscribe("order.>", consumerGroup="billing", ackMode="manual")
        http.post("/api/v1/events", json={"name": "order.placed", "data": 2})
        assert ws.expect("event")["subscriptionId"] == member_id

        told = {one["patterns"][0]: one for one in listed(http) if "group" not in one}
        [member] = listed(http, group="billing")

        assert told.keys() == {"order.>", "cart.>", "kv/carts/user.*"}
        streamed = told["order.>"]
        assert (streamed["patterns"], streamed["filter"]) == (["order.>", "topic:tills.*"], "data > 0")
        assert (streamed["transport"], streamed["policy"], streamed["dropped"]) == ("sse", "drop", 0)
        assert streamed["since"].endswith("Z")
        assert streamed["address"]
        assert (told["cart.>"]["id"], told["cart.>"]["transport"], "filter" in told["cart.>"]) == (
            id,
            "websocket",
            False,
        )
        assert told["kv/carts/user.*"]["transport"] == "websocket"
        assert (member["id"], member["patterns"], member["filter"]) == (member_id, ["order.>"], "data > 1")
        assert (member["group"], member["inflight"], member["buffered"]) == ("billing", 1, 0)
        assert "position" not in member
        assert [one["id"] for one in listed(http, q="cart", transport="websocket")].count(id) == 1
        assert listed(http, q="nowhere-to-be-found") == []
        ws.send({"type": "unsubscribe", "subscriptionId": id})
        ws.subscribe("other.>")
        assert listed(http, q=id) == []
        watching.close()


def test_the_list_comes_in_pages_the_newest_first(
    shared_server: ServerProcess, environment: str, http: httpx.Client
) -> None:
    with WebSocket(shared_server.url, f"/ws?env={environment}") as ws:
        ids = [ws.subscribe(f"order.n{number}") for number in range(5)]

        first = http.get(SUBSCRIPTIONS, params={"limit": 3}).json()
        rest = http.get(SUBSCRIPTIONS, params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["subscriptions"] + rest["subscriptions"]] == ids[::-1]
    assert (first["total"], rest["total"], "next_cursor" in rest) == (5, 5, False)
    assert first["node"].startswith("node_")
    assert http.get(SUBSCRIPTIONS, params={"transport": "pigeon"}).status_code == 400


def test_another_environment_is_not_told_of(shared_server: ServerProcess, http: httpx.Client) -> None:
    with WebSocket(shared_server.url, "/ws") as ws:
        id = ws.subscribe("order.>")

        assert listed(http, q=id) == []
