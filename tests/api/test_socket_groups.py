"""Members of consumer groups on `/ws`: delivered to, and settling, with the published frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess
from tests.support.websocket import WebSocket


@pytest.fixture
def ws(shared_server: ServerProcess, environment: str) -> Iterator[WebSocket]:
    with WebSocket(shared_server.url, f"/ws?token=key&env={environment}") as opened:
        yield opened


def create(http: httpx.Client, name: str, pattern: str = "order.>", **settings: Any) -> None:
    body = {"name": name, "pattern": pattern, "redeliver_delay_ms": 0, **settings}
    assert http.post("/api/v1/groups", json=body).status_code == 201


def emit(http: httpx.Client, data: Any = None) -> str:
    return str(http.post("/api/v1/events", json={"name": "order.placed", "data": data}).json()["event_id"])


def settle(ws: WebSocket, event_id: str, verdict: str = "ack", **told: Any) -> None:
    """Settle, and wait until it is done."""
    ws.send({"type": "ack", "eventId": event_id, "ackType": verdict, "ackId": 1, **told})
    assert ws.expect("ack_result") == {"type": "ack_result", "ackId": 1, "eventId": event_id, "code": "OK"}


def lag(http: httpx.Client, name: str) -> int:
    return int(http.get(f"/api/v1/groups/{name}/lag").json()["lag"])


def test_a_member_gets_the_published_frame_and_settles(http: httpx.Client, ws: WebSocket) -> None:
    create(http, "billing")
    id = ws.subscribe("order.>", consumerGroup="billing", ackMode="manual", includeMetadata=False)
    event_id = emit(http, {"total": 7})

    event = ws.expect("event")

    assert event.pop("meta").keys() == {"timestamp", "sequence"}
    assert event == {
        "type": "event",
        "subscriptionId": id,
        "topic": "events:order.placed",
        "data": {"total": 7},
        "eventId": event_id,
        "deliveryAttempt": 1,
    }
    ws.send({"type": "ack", "eventId": event_id, "ackType": "nak", "redeliverDelay": 0})
    again = ws.expect("event")
    assert (again["eventId"], again["deliveryAttempt"]) == (event_id, 2)
    settle(ws, event_id)
    settle(ws, event_id)  # settled already: a safe retry
    assert lag(http, "billing") == 0


def test_what_is_terminated_is_a_dead_letter(http: httpx.Client, ws: WebSocket) -> None:
    create(http, "billing")
    ws.subscribe("events:order.>", consumerGroup="billing")
    http.post("/api/v1/events", json={"name": "cart.filled"})
    event_id = emit(http)
    assert ws.expect("event")["eventId"] == event_id
    with WebSocket(ws_url(http), f"/ws?env={http.headers['X-Ironflow-Environment-ID']}") as watching:
        watching.subscribe("system.deadletter.>")

        settle(ws, event_id, "term", reason="no such order")

        assert watching.expect("event")["data"]["fact"]["reason"] == "no such order"
    [letter] = http.get("/api/v1/groups/billing/dead-letters").json()["dead_letters"]
    assert (letter["event_id"], letter["cause"]) == (event_id, "terminated")
    [group] = http.get("/api/v1/groups", params={"progress": True}).json()["groups"]
    assert group["progress"] == {"lag": 0, "pending": 0, "inflight": 0, "redelivered": 0, "dead_letters": 1}
    many = "/api/v1/groups/billing/dead-letters"
    for wrong in ({}, {"all": True, "positions": [1]}, {"positions": [2**70]}, {"all": True, "reason": "\0"}):
        assert http.post(f"{many}/discard", json=wrong).json()["code"] == "INVALID_ARGUMENT"
    seen = http.post(f"{many}/discard", json={"all": True, "search": "ORDER", "preview": True}).json()
    assert (seen["matched"], seen["positions"], seen["sample"]) == (1, [], [letter])
    body = {"positions": [letter["position"], 1], "reason": "a test"}
    done = http.post(f"{many}/discard", json=body).json()
    assert (done["positions"], done["gone"], done["result"]) == ([letter["position"]], [1], "discarded")
    assert http.get(many).json()["dead_letters"] == []


def ws_url(http: httpx.Client) -> str:
    return str(http.base_url).rstrip("/")


def test_sent_is_settled_for_who_says_auto(http: httpx.Client, ws: WebSocket) -> None:
    create(http, "billing", max_inflight=1)
    ws.subscribe("order.>", consumerGroup="billing", ackMode="auto")
    for number in range(3):
        emit(http, number)

    assert [ws.expect("event")["data"] for _ in range(3)] == [0, 1, 2]


def test_what_a_member_leaves_goes_to_the_others(
    shared_server: ServerProcess, environment: str, http: httpx.Client, ws: WebSocket
) -> None:
    create(http, "billing")
    first = ws.subscribe("order.>", consumerGroup="billing")
    event_id = emit(http)
    assert ws.expect("event")["eventId"] == event_id
    with WebSocket(shared_server.url, f"/ws?env={environment}") as other:
        other.subscribe("order.>", consumerGroup="billing")

        ws.send({"type": "unsubscribe", "subscriptionId": first})

        assert other.expect("event")["eventId"] == event_id
        settle(other, event_id)
    assert lag(http, "billing") == 0


def test_groups_and_subscriptions_share_a_socket(http: httpx.Client, ws: WebSocket) -> None:
    """An acknowledgement that does not say whose it is settles one event at a time."""
    create(http, "billing")
    create(http, "shipping")
    names = {
        ws.subscribe("order.>", consumerGroup="billing"): "billing",
        ws.subscribe("order.>", consumerGroup="shipping"): "shipping",
        ws.subscribe("order.>"): "live",
    }
    event_id = emit(http)

    seen = {names[ws.expect("event")["subscriptionId"]] for _ in range(3)}

    assert seen == {"billing", "shipping", "live"}
    ids = {name: id for id, name in names.items()}
    settle(ws, event_id, subscriptionId=ids["shipping"])
    assert (lag(http, "billing"), lag(http, "shipping")) == (1, 0)
    settle(ws, event_id)
    assert lag(http, "billing") == 0
    ws.send({"type": "ack", "eventId": event_id, "ackType": "ack", "subscriptionId": "sub_other"})
    assert ws.expect("error")["code"] == "NOT_FOUND"
    for told in ({"redeliverDelay": -1}, {"redeliverDelay": 10**12}, {"eventId": ""}):
        ws.send({"type": "ack", "eventId": event_id, "ackType": "nak", **told})
        assert ws.expect("error")["code"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("pattern", "options", "code"),
    [
        ("order.>", {"consumerGroup": "nobody"}, "GROUP_NOT_FOUND"),
        ("order.>", {"consumerGroup": "billing", "namespace": "shop"}, "GROUP_NOT_FOUND"),
        ("order.placed", {"consumerGroup": "billing"}, "INVALID_ARGUMENT"),
        ("topic:order.>", {"consumerGroup": "billing"}, "INVALID_ARGUMENT"),
        ("order.>", {"consumerGroup": "billing", "filter": "data > 1"}, "INVALID_ARGUMENT"),
        ("order.>", {"consumerGroup": "billing", "startAfterSequence": 0}, "INVALID_ARGUMENT"),
        ("order.>", {"consumerGroup": "billing", "replay": 5}, "INVALID_ARGUMENT"),
        ("order.>", {"consumerGroup": "billing", "backpressure": "panic"}, "INVALID_ARGUMENT"),
    ],
)
def test_a_member_that_makes_no_sense_is_refused(
    http: httpx.Client, ws: WebSocket, pattern: str, options: dict[str, Any], code: str
) -> None:
    create(http, "billing")
    ws.send({"type": "subscribe", "subscription": {"pattern": pattern, "options": options}})

    [result] = ws.expect("subscription_result")["results"]

    assert (result["status"], result["code"]) == ("error", code)
    assert http.get("/api/v1/groups/billing").json()["member_count"] == 0


def test_a_member_is_told_that_its_group_is_deleted(http: httpx.Client, ws: WebSocket) -> None:
    create(http, "billing")
    id = ws.subscribe("", consumerGroup="billing")

    http.delete("/api/v1/groups/billing")

    error = ws.expect("subscription_error")
    assert (error["subscriptionId"], error["code"], error["retrying"]) == (id, "GROUP_NOT_FOUND", False)


def test_a_member_is_told_that_the_server_stops(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server()
    with httpx.Client(base_url=server.url, timeout=30) as http:
        create(http, "billing")
    with WebSocket(server.url, "/ws") as ws, ThreadPoolExecutor() as threads:
        id = ws.subscribe("order.>", consumerGroup="billing")
        stopping = threads.submit(server.terminate)

        error = ws.expect("subscription_error")

        assert (error["subscriptionId"], error["retrying"]) == (id, True)
        assert ws.receive() is None
        ws.close()
        assert stopping.result() == 0
