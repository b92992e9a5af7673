"""`/ws`: the published frames, many subscriptions on one socket, and what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess
from tests.support.websocket import PING, HandshakeRefused, WebSocket

EVENTS = "/api/v1/events"


@pytest.fixture
def ws(shared_server: ServerProcess, environment: str) -> Iterator[WebSocket]:
    with WebSocket(shared_server.url, f"/ws?token=key&env={environment}") as opened:
        yield opened


def emit(http: httpx.Client, name: str, data: Any = None) -> str:
    answer = http.post(EVENTS, json={"name": name, "data": data, "metadata": {"tenant": "a"}})
    return str(answer.json()["event_id"])


def test_an_event_comes_in_the_published_frame(http: httpx.Client, ws: WebSocket) -> None:
    plain = ws.subscribe("order.>")
    event_id = emit(http, "order.placed", {"total": 1})

    event = ws.expect("event")

    assert event.pop("meta").keys() == {"timestamp", "sequence"}
    assert event == {
        "type": "event",
        "subscriptionId": plain,
        "topic": "events:order.placed",
        "data": {"total": 1},
        "eventId": event_id,
    }


def test_metadata_come_when_they_are_asked_for(http: httpx.Client, ws: WebSocket) -> None:
    ws.subscribe("topic:orders.*", includeMetadata=True, ackMode="auto", backpressure="block", namespace="default")
    http.post("/ironflow.v1.PubSubService/Publish", json={"topic": "orders.eu", "dataValue": [1]})

    event = ws.expect("event")

    assert (event["topic"], event["data"]) == ("topic:orders.eu", [1])
    assert event["meta"] | {"timestamp": "", "sequence": 0} == {
        "timestamp": "",
        "sequence": 0,
        "source": "topic",
        "namespace": "default",
        "custom": {},
    }


def test_many_subscriptions_share_a_socket_and_each_resumes_by_itself(
    shared_server: ServerProcess, http: httpx.Client, environment: str, ws: WebSocket
) -> None:
    names = {ws.subscribe(pattern): pattern for pattern in ("order.>", "cart.>", "system.run.>")}
    for number in range(6):
        emit(http, "order.placed" if number % 2 else "cart.filled", number)
    seen: dict[str, list[Any]] = {}
    last: dict[str, int] = {}
    for _ in range(4):
        event = ws.expect("event")
        pattern = names[event["subscriptionId"]]
        seen.setdefault(pattern, []).append(event["data"])
        last[pattern] = event["meta"]["sequence"]

    with WebSocket(shared_server.url, "/ws", headers={"X-Ironflow-Environment-ID": environment}) as again:
        for pattern, position in last.items():
            options = {"startAfterSequence": str(position)}
            again.send({"type": "subscribe", "subscription": {"pattern": pattern, "options": options}})
        names = {}
        while sum(map(len, seen.values())) < 6:
            message = again.receive()
            if message["type"] == "subscription_result":
                [result] = message["results"]
                names[result["subscriptionId"]] = result["pattern"]
            else:
                seen[names[message["subscriptionId"]]].append(message["data"])

    assert seen == {"order.>": [1, 3, 5], "cart.>": [0, 2, 4]}


def test_the_last_events_and_filters(http: httpx.Client, ws: WebSocket) -> None:
    for number in range(5):
        emit(http, "order.placed", number)
    ws.subscribe("order.>", replay=2)
    assert [ws.expect("event")["data"] for _ in range(2)] == [3, 4]

    ws.subscribe("order.*", filter="data < 2", startAfterSequence=0, since=None)
    assert [ws.expect("event")["data"] for _ in range(2)] == [0, 1]


def test_a_long_past_comes_in_order(http: httpx.Client, ws: WebSocket) -> None:
    for begin in (0, 1_000):
        batch = [{"name": "order.placed", "data": number} for number in range(begin, begin + 1_000)]
        http.post(EVENTS, json=batch).raise_for_status()

    ws.subscribe("order.>", startAfterSequence="0")

    assert [ws.expect("event")["data"] for _ in range(2_000)] == list(range(2_000))


def test_nothing_comes_after_unsubscribing(http: httpx.Client, ws: WebSocket) -> None:
    first, second = ws.subscribe("order.>"), ws.subscribe("order.*")
    ws.send({"type": "unsubscribe", "subscriptionId": first})
    third = ws.subscribe("cart.>")
    emit(http, "order.placed")
    emit(http, "cart.filled")

    assert [ws.expect("event")["subscriptionId"] for _ in range(2)] == [second, third]
    ws.send({"type": "unsubscribe", "subscriptionId": first})
    assert ws.expect("error")["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("pattern", "options", "code"),
    [
        ("a..b", {}, "INVALID_ARGUMENT"),
        ("", {}, "INVALID_ARGUMENT"),
        ("a", {"filter": "data."}, "INVALID_ARGUMENT"),
        ("a", {"replay": 1, "startAfterSequence": 0}, "INVALID_ARGUMENT"),
        ("a", {"replay": 1.5}, "INVALID_ARGUMENT"),
        ("a", {"startAfterSequence": 10**12}, "INVALID_ARGUMENT"),
        ("a", {"startAfterSequence": -1}, "INVALID_ARGUMENT"),
        ("a", {"backpressure": "panic"}, "INVALID_ARGUMENT"),
        ("a", {"namespace": "elsewhere"}, "INVALID_ARGUMENT"),
    ],
)
def test_a_subscription_that_makes_no_sense_is_answered_by_its_pattern(
    http: httpx.Client, ws: WebSocket, pattern: str, options: dict[str, Any], code: str
) -> None:
    ws.send({"type": "subscribe", "subscription": {"pattern": pattern, "options": options}})

    [result] = ws.expect("subscription_result")["results"]

    assert (result["pattern"], result["status"], result["code"]) == (pattern, "error", code)
    assert result["message"]
    ws.subscribe("order.>")
    emit(http, "order.placed", 1)
    assert ws.expect("event")["data"] == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"nonsense",
        b"",
        b"[1]",
        b"{}",
        b'{"type":"dance"}',
        b'{"type":"subscribe"}',
        b'{"type":"subscribe","subscription":{"pattern":7}}',
        b'{"type":"subscribe","subscription":{"pattern":"a","options":{"includeMetadata":"yes"}}}',
        b'{"type":"ack","eventId":"e","ackType":"maybe"}',
        b'{"type":"ack","eventId":"e","ackType":"ack","redeliverDelay":"soon"}',
        b"[" * 100_000,
        b'{"type":"unsubscribe","subscriptionId":"' + b"x" * 300_000 + b'"}',
    ],
)
def test_a_frame_that_cannot_be_read_is_answered_and_changes_nothing(
    http: httpx.Client, ws: WebSocket, frame: bytes
) -> None:
    ws.subscribe("order.>")
    ws.send_raw(frame)

    error = ws.expect("error")

    assert (error["code"], bool(error["message"])) == ("INVALID_ARGUMENT", True)
    assert "Traceback" not in json.dumps(error)
    ws.send({"type": "ack", "eventId": "evt_1", "ackType": "ack"})  # needs no answer
    ws.send_raw(b"", PING)
    emit(http, "order.placed", 1)
    assert ws.expect("event")["data"] == 1


def test_a_filter_that_costs_too_much_ends_its_subscription_alone(http: httpx.Client, ws: WebSocket) -> None:
    slow = ws.subscribe("order.>", filter="data.all(a, data.all(b, data.all(c, a + b + c >= 0)))")
    emit(http, "order.placed", list(range(200)))

    error = ws.expect("subscription_error")

    assert (error["subscriptionId"], error["retrying"]) == (slow, False)
    ws.subscribe("order.>")
    emit(http, "order.placed", 1)
    assert ws.expect("event")["data"] == 1


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/nope", {}, 404),
        ("/ws", {"Origin": "https://evil.example"}, 403),
        ("/ws", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ("/ws", {"Host": "evil.example"}, 403),
        ("/ws?env=a.b", {}, 400),
    ],
)
def test_a_handshake_is_refused_by_its_status(
    shared_server: ServerProcess, path: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        WebSocket(shared_server.url, path, headers=headers)

    assert refused.value.status == status


def test_a_page_of_our_own_may_connect(shared_server: ServerProcess) -> None:
    headers = {"Origin": shared_server.url, "Sec-Fetch-Site": "same-origin"}
    with WebSocket(shared_server.url, "/ws", headers=headers) as ws:
        ws.subscribe("order.>")


def test_a_stopping_server_says_so_and_closes(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server()
    with WebSocket(server.url, "/ws") as ws:
        id = ws.subscribe("order.>")
        with ThreadPoolExecutor() as threads:
            stopping = threads.submit(server.terminate)
            error = ws.expect("subscription_error")
            assert (error["subscriptionId"], error["retrying"]) == (id, True)
            assert ws.receive() is None
            assert ws.closed != 1000
            ws.close()
            assert stopping.result() == 0


@pytest.mark.parametrize("politely", [True, False])
def test_the_server_lets_a_connection_go_with_its_client(
    http: httpx.Client, shared_server: ServerProcess, environment: str, politely: bool
) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "stock"})
    http.post("/api/v1/groups", json={"name": "packers", "pattern": "order.>"})
    silent, reader, member, watcher = (
        WebSocket(shared_server.url, f"{path}?token=key&env={environment}")
        for path in ("/ws", "/ws", "/ws", "/api/v1/kv/buckets/stock/watch")
    )
    reader.subscribe("order.>")
    member.subscribe("order.>", consumerGroup="packers")

    for one in (silent, reader, member, watcher):
        one.leave(politely=politely)
        one.close()
