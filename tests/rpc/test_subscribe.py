"""PubSubService/Subscribe: a stream over gRPC, and over Connect in both codecs."""

from __future__ import annotations

import json
import struct
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from ironflow.v1 import pubsub_pb2 as pb
from ironflow.v1 import pubsub_pb2_grpc
from tests.support.connect_frames import enveloped, frames

PATH = "/ironflow.v1.PubSubService/Subscribe"


def emit(http: httpx.Client, name: str, data: Any = None) -> str:
    event = {"name": name, "data": data, "metadata": {"tenant": "a"}}
    return str(http.post("/api/v1/events", json=event).json()["event_id"])


def head(http: httpx.Client) -> int:
    return int(http.get("/api/v1/history/head").json()["position"])


def told(event: pb.SubscriptionEvent) -> Any:
    return MessageToDict(event)["data" if event.HasField("data") else "dataValue"]


def subscribe(channel: grpc.Channel, environment: str, pattern: str, **options: Any) -> Any:
    request = pb.SubscribeRequest(pattern=pattern, options=pb.SubscribeOptions(**options))
    stub = pubsub_pb2_grpc.PubSubServiceStub(channel)
    return stub.Subscribe(request, metadata=[("x-ironflow-environment-id", environment)], timeout=30)


def test_grpc_brings_the_past_and_then_what_happens(
    http: httpx.Client, channel: grpc.Channel, environment: str
) -> None:
    start = head(http)
    first = emit(http, "order.placed", {"n": 1})
    events = subscribe(channel, environment, "order.>", start_after_sequence=start, include_metadata=True)

    event = next(events)
    emit(http, "order.paid", [2])
    second = next(events)

    assert (event.event_id, event.topic, event.delivery_attempt) == (first, "events:order.placed", 1)
    assert (told(event), told(second)) == ({"n": 1}, [2])
    assert (event.metadata.source, MessageToDict(event.metadata.custom)) == ("api", {"tenant": "a"})
    assert event.metadata.timestamp.seconds > 0
    assert event.subscription_id == second.subscription_id != ""
    assert second.sequence > event.sequence > start
    events.cancel()


def test_grpc_replays_filters_and_refuses(http: httpx.Client, channel: grpc.Channel, environment: str) -> None:
    for number in range(5):
        emit(http, "order.placed", number)

    events = subscribe(channel, environment, "order.>", replay=2, filter="data > 2")
    assert [told(next(events)) for _ in range(2)] == [3, 4]
    for pattern, options in (
        ("a..b", {}),
        ("a", {"filter": "data."}),
        ("a", {"replay": 1, "start_after_sequence": 0}),
        ("a", {"start_after_sequence": 2**63}),
        ("a", {"since": "whenever"}),
        ("", {}),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            next(subscribe(channel, environment, pattern, **options))
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (pattern, options)


def test_connect_in_json_as_browsers_ask(http: httpx.Client) -> None:
    start = head(http)
    event_id = emit(http, "order.placed", {"n": 1})
    emit(http, "order.paid", 2)
    asked = {
        "pattern": "order.>",
        "options": {
            "startAfterSequence": str(start),
            "backpressure": "BACKPRESSURE_MODE_BUFFER",
            "includeMetadata": True,
        },
    }
    headers = {"Content-Type": "application/connect+json", "Connect-Protocol-Version": "1"}

    with http.stream("POST", PATH, content=enveloped(json.dumps(asked).encode()), headers=headers) as answer:
        assert answer.headers["content-type"] == "application/connect+json"
        found = frames(answer.iter_bytes())
        first, second = (json.loads(next(found)[1]) for _ in range(2))

    assert first["metadata"].pop("timestamp").endswith("Z")
    assert first.pop("subscriptionId") == second["subscriptionId"]
    assert first == {
        "eventId": event_id,
        "topic": "events:order.placed",
        "data": {"n": 1},
        "metadata": {"source": "api", "namespace": "default", "custom": {"tenant": "a"}},
        "sequence": str(start + 1),
        "deliveryAttempt": 1,
    }
    assert second["dataValue"] == 2


def test_connect_in_protobuf_packed(http: httpx.Client) -> None:
    start = head(http)
    event_id = emit(http, "order.placed", {"n": 1})
    options = pb.SubscribeOptions(start_after_sequence=start)
    asked = pb.SubscribeRequest(pattern="nothing.>", patterns=["order.>"], options=options)
    headers = {"Content-Type": "application/connect+proto", "Connect-Content-Encoding": "gzip"}
    content = iter([enveloped(asked.SerializeToString(), packed=True)])

    with http.stream("POST", PATH, content=content, headers=headers) as answer:
        event = pb.SubscriptionEvent.FromString(next(frames(answer.iter_bytes()))[1])

    assert (event.event_id, told(event), event.sequence) == (event_id, {"n": 1}, start + 1)
    assert event.subscription_id.startswith("sub_")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (enveloped(b'{"pattern":"a..b"}'), "invalid_argument"),
        (enveloped(b'{"pattern":"a","options":{"backpressure":"panic"}}'), "invalid_argument"),
        (enveloped(b'{"pattern":"a","options":{"consumerGroup":"g"}}'), "not_found"),
        (enveloped(b"{"), "invalid_argument"),
        (enveloped(b"{}") * 2, "invalid_argument"),
        (b"", "invalid_argument"),
        (b"\0\0\0\0\5ab", "invalid_argument"),
    ],
)
def test_connect_tells_what_is_wrong_in_the_last_frame(http: httpx.Client, content: bytes, code: str) -> None:
    answer = http.post(PATH, content=content, headers={"Content-Type": "application/connect+json"})

    assert answer.status_code == 200
    flags, length = struct.unpack_from(">BI", answer.content)
    assert (flags, len(answer.content)) == (2, 5 + length)
    error = json.loads(answer.content[5:])["error"]
    assert error["code"] == code
    assert error["message"]


def test_connect_refuses_other_types_and_other_origins(http: httpx.Client) -> None:
    told = {"Content-Type": "application/connect+json"}
    evil = http.post(PATH, content=enveloped(b'{"pattern":"a"}'), headers={**told, "Origin": "https://evil.example"})

    assert json.loads(evil.content[5:])["error"]["code"] == "permission_denied"
    assert http.post(PATH, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_subscriber_that_goes_leaves_nothing_open(http: httpx.Client) -> None:
    def open_now() -> int:  # in this environment: what others have open on this server comes and goes
        return int(http.get("/api/v1/subscriptions").json()["total"])

    before = open_now()
    start = head(http)
    emit(http, "order.placed", 1)
    headers = {"Content-Type": "application/connect+json"}
    asked = {"pattern": "order.>", "options": {"startAfterSequence": start}}

    with http.stream("POST", PATH, content=enveloped(json.dumps(asked).encode()), headers=headers) as answer:
        found = frames(answer.iter_bytes())
        next(found)
        assert open_now() == before + 1

    for _ in range(200):
        if open_now() == before:
            return
    raise AssertionError("the subscription is still open")
