"""Consumer groups over gRPC, Connect and REST, against a running server on each store."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from ironflow import Client
from ironflow.errors import NotFound
from ironflow.v1 import pubsub_pb2 as pb
from ironflow.v1 import pubsub_pb2_grpc
from tests.support.connect_frames import END, enveloped, frames
from tests.support.connect_worker import ConnectMember
from tests.support.server import ServerProcess

CONNECT = "/ironflow.v1.PubSubService"

Request = pb.SubscribeBidirectionalRequest


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(shared_server.url, environment=environment) as made:
        yield made


class Wire:
    """A member that speaks as published: one event, one acknowledgement, one result a message."""

    def __init__(self, channel: grpc.Channel, environment: str, group: str) -> None:
        self._kept: list[pb.SubscribeBidirectionalResponse] = []
        self._queue: queue.SimpleQueue[pb.SubscribeBidirectionalRequest | None] = queue.SimpleQueue()
        self.send(join=pb.JoinConsumerGroupRequest(group_name=group))
        stub = pubsub_pb2_grpc.PubSubServiceStub(channel)
        self._answers = stub.SubscribeBidirectional(
            iter(self._queue.get, None), metadata=[("x-ironflow-environment-id", environment)], timeout=60
        )

    def send(self, **payload: object) -> None:
        self._queue.put(pb.SubscribeBidirectionalRequest(**payload))  # type: ignore[arg-type]

    def next(self, kind: str) -> pb.SubscribeBidirectionalResponse:
        """The next answer of that kind; others keep, for events and results may overtake each other."""
        while True:
            for answer in self._kept:
                if answer.WhichOneof("payload") == kind:
                    self._kept.remove(answer)
                    return answer
            self._kept.append(next(self._answers))

    def end(self) -> None:
        self._queue.put(None)
        assert list(self._answers) == []


def test_a_published_member_is_joined_delivered_to_and_answered(
    client: Client, channel: grpc.Channel, environment: str
) -> None:
    client.groups.create("billing", "order.>", redeliver_delay=0)
    member = Wire(channel, environment, "billing")
    joined = member.next("joined").joined
    assert (joined.group_name, joined.pattern, joined.ack_mode) == ("billing", "order.>", pb.ACK_MODE_MANUAL)

    client.emit("order.placed", {"total": 7})
    event = member.next("event").event
    assert (event.subscription_id, event.topic) == (joined.subscription_id, "events:order.placed")
    assert (event.data["total"], event.delivery_attempt) == (7, 1)

    for ack_id, told, code in (
        (1, {"event_id": ""}, pb.ACK_RESULT_CODE_INVALID_ARGUMENT),
        (2, {"event_id": event.event_id}, pb.ACK_RESULT_CODE_INVALID_ARGUMENT),
        (3, {"event_id": "evt_other", "ack_type": pb.ACK_TYPE_ACK}, pb.ACK_RESULT_CODE_OK),
        (4, {"event_id": event.event_id, "ack_type": pb.ACK_TYPE_NAK}, pb.ACK_RESULT_CODE_OK),
    ):
        member.send(ack=pb.SubscriptionAck(ack_id=ack_id, **told))  # type: ignore[arg-type]
        result = member.next("ack_result").ack_result
        assert (result.ack_id, result.code) == (ack_id, code)
    again = member.next("event").event
    assert (again.event_id, again.delivery_attempt) == (event.event_id, 2)
    member.send(ack=pb.SubscriptionAck(ack_id=5, event_id=event.event_id, ack_type=pb.ACK_TYPE_ACK))
    assert member.next("ack_result").ack_result.code == pb.ACK_RESULT_CODE_OK
    member.end()
    assert client.groups.lag("billing")["lag"] == 0


def test_a_server_stream_is_acknowledged_by_calls(
    client: Client, channel: grpc.Channel, http: httpx.Client, environment: str
) -> None:
    client.groups.create("billing", "order.>")
    stub = pubsub_pb2_grpc.PubSubServiceStub(channel)
    call = stub.JoinConsumerGroup(
        pb.JoinConsumerGroupRequest(group_name="billing"),
        metadata=[("x-ironflow-environment-id", environment)],
        timeout=60,
    )
    client.emit("order.placed")
    event = next(iter(call))

    ack = {"groupName": "billing", "consumerId": event.subscription_id, "eventId": event.event_id}
    assert http.post(f"{CONNECT}/AckEvent", json=ack).json()["code"] == "invalid_argument"
    assert http.post(f"{CONNECT}/AckEvent", json={**ack, "ackType": "ack"}).json() == {}
    other = http.post(f"{CONNECT}/AckEvent", json={**ack, "consumerId": "sub_other", "ackType": "ack"})
    assert (other.status_code, other.json()["ironflowCode"]) == (404, "MEMBER_NOT_FOUND")
    assert client.groups.lag("billing")["lag"] == 0
    call.cancel()


def test_groups_are_administered_over_connect_as_published(http: httpx.Client) -> None:
    body = {"name": "billing", "pattern": "order.>", "ackMode": "ACK_MODE_MANUAL", "maxInflight": 5}
    made = http.post(f"{CONNECT}/CreateConsumerGroup", json=body).json()
    assert (made["namespace"], made["status"]) == ("default", "CONSUMER_GROUP_STATUS_ACTIVE")
    assert (made["maxInflight"], made["maxRedeliveries"], made["redeliverDelayMs"]) == (5, 3, 5000)
    http.post(f"{CONNECT}/CreateConsumerGroup", json={**body, "namespace": "shop"})

    update = {"group": {"name": "billing", "status": "CONSUMER_GROUP_STATUS_PAUSED"}, "updateMask": "status"}
    paused = http.post(f"{CONNECT}/UpdateConsumerGroup", json=update).json()
    found = http.post(f"{CONNECT}/ListConsumerGroups", json={}).json()

    assert paused["status"] == "CONSUMER_GROUP_STATUS_PAUSED"
    assert [(group["namespace"], group["name"]) for group in found["groups"]] == [
        ("default", "billing"),
        ("shop", "billing"),
    ]
    assert http.post(f"{CONNECT}/DeleteConsumerGroup", json={"name": "billing"}).json() == {}
    assert http.post(f"{CONNECT}/GetConsumerGroup", json={"name": "billing"}).status_code == 404


def test_the_sdk_consumes_settles_and_sees_dead_letters(client: Client) -> None:
    client.groups.create("billing", "order.>", max_redeliveries=0)
    for n in range(3):
        client.emit("order.placed", {"n": n})

    with client.consume("billing") as messages:
        first = next(iter(messages))
        assert (first.data, first.attempt) == ({"n": 0}, 1)
        assert first.ack().result(20)
        second = next(iter(messages))
        assert second.term(reason="no such order").result(20)

    # The third was never looked at, so that its delivery does not count.
    with client.consume("billing") as messages:
        third = next(iter(messages))
        assert (third.data, third.attempt) == ({"n": 2}, 1)
        assert third.ack().result(20)
    deadline = time.monotonic() + 20
    while not (letters := client.dead_letters.list("billing").items) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [(one["event_id"], one["cause"], one["reason"]) for one in letters] == [
        (second.id, "terminated", "no such order")
    ]
    client.dead_letters.discard("billing", letters[0]["position"])
    with pytest.raises(NotFound):
        client.dead_letters.requeue("billing", letters[0]["position"])


def test_bad_input_is_refused_by_field(http: httpx.Client) -> None:
    for body, field in (
        ({"name": "a/b", "pattern": "x"}, "name"),
        ({"name": "a", "pattern": ""}, "pattern"),
        ({"name": "a", "pattern": "x", "max_inflight": 0}, "max_inflight"),
        ({"name": "a", "pattern": "x", "after": 10**9}, "after"),
        ({"name": "a", "pattern": "x", "after": 0, "at": "1m"}, "after"),
    ):
        answer = http.post("/api/v1/groups", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert http.get("/api/v1/groups").json() == {"groups": []}
    assert http.get("/api/v1/groups/none/lag").json()["code"] == "GROUP_NOT_FOUND"
    assert http.get("/api/v1/outbox").json()["waiting"] >= 0


def framed(message: object) -> bytes:
    return enveloped(json.dumps(message).encode())


def told(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The messages of a stream as they come, and its last frame under `end`."""
    for flags, content in frames(answer.iter_bytes()):
        message = json.loads(content)
        yield {"end": message} if flags & END else message


def test_a_member_over_connect_is_delivered_to_and_answered(
    shared_server: ServerProcess, client: Client, environment: str
) -> None:
    client.groups.create("billing", "order.>", redeliver_delay=0)
    member = ConnectMember(shared_server.url, headers={"x-ironflow-environment-id": environment})
    member.send(Request(join=pb.JoinConsumerGroupRequest(group_name="billing")))
    joined = hear(member, "joined")
    assert (joined.group_name, joined.pattern, joined.ack_mode) == ("billing", "order.>", pb.ACK_MODE_MANUAL)

    client.emit("order.placed", {"total": 7})
    event = hear(member, "event")
    assert (event.subscription_id, event.data["total"], event.delivery_attempt) == (joined.subscription_id, 7, 1)
    member.send(Request(ack=pb.SubscriptionAck(ack_id=1, event_id=event.event_id, ack_type=pb.ACK_TYPE_NAK)))
    kinds = {}
    for _ in range(2):  # the result and the event delivered again may overtake each other
        answer = member.receive()
        assert answer is not None
        kinds[answer.WhichOneof("payload")] = answer
    assert kinds["ack_result"].ack_result.code == pb.ACK_RESULT_CODE_OK
    assert kinds["event"].event.delivery_attempt == 2
    member.send(Request(ack=pb.SubscriptionAck(ack_id=2, event_id=event.event_id, ack_type=pb.ACK_TYPE_ACK)))
    assert (hear(member, "ack_result").ack_id, client.groups.lag("billing")["lag"]) == (2, 0)
    member.half_close()
    assert (member.receive(), "error" in member.end) == (None, False)
    member.close()


def hear(member: ConnectMember, kind: str) -> Any:
    answer = member.receive()
    assert answer is not None, member.end
    assert answer.WhichOneof("payload") == kind, answer
    return getattr(answer, kind)


def test_a_member_over_connect_that_says_something_else_is_refused(
    shared_server: ServerProcess, environment: str
) -> None:
    for told, code in (
        (Request(ack=pb.SubscriptionAck(event_id="e")), "invalid_argument"),
        (Request(join=pb.JoinConsumerGroupRequest(group_name="nobody")), "not_found"),
    ):
        member = ConnectMember(shared_server.url, headers={"x-ironflow-environment-id": environment})
        member.send(told)
        assert (member.receive(), member.end["error"]["code"]) == (None, code)
        member.close()


def test_a_stream_over_connect_is_acknowledged_by_calls(http: httpx.Client, client: Client) -> None:
    """JoinConsumerGroup, and Subscribe with a consumer group, which is the same."""
    client.groups.create("billing", "order.>")
    asked = {
        "JoinConsumerGroup": {"groupName": "billing", "consumerId": "me"},
        "Subscribe": {"pattern": "order.>", "options": {"consumerGroup": "billing", "ackMode": "ACK_MODE_MANUAL"}},
    }
    headers = {"Content-Type": "application/connect+json"}
    for method, request in asked.items():
        event_id = client.emit("order.placed", {"total": 7}).event_id
        with http.stream("POST", f"{CONNECT}/{method}", content=framed(request), headers=headers) as answer:
            found = told(answer)
            event = next(found)
            ack = {"groupName": "billing", "consumerId": event["subscriptionId"], "eventId": event["eventId"]}
            assert http.post(f"{CONNECT}/AckEvent", json={**ack, "ackType": "ACK_TYPE_ACK"}).json() == {}
        assert (event["eventId"], event["data"], event["deliveryAttempt"]) == (event_id, {"total": 7}, 1)
    assert client.groups.lag("billing")["lag"] == 0


def test_a_member_over_connect_that_goes_is_none_any_more(http: httpx.Client, client: Client) -> None:
    client.groups.create("billing", "order.>")
    headers = {"Content-Type": "application/connect+json"}
    content = framed({"groupName": "billing"})
    with http.stream("POST", f"{CONNECT}/JoinConsumerGroup", content=content, headers=headers):
        _until_members(client, 1)

    _until_members(client, 0)


def _until_members(client: Client, count: int) -> None:
    deadline = time.monotonic() + 20
    while client.groups.get("billing")["member_count"] != count:
        assert time.monotonic() < deadline, f"there are not {count} members"
        time.sleep(0.02)


def test_a_subscription_over_grpc_may_be_a_member(client: Client, channel: grpc.Channel, environment: str) -> None:
    client.groups.create("billing", "order.>", max_inflight=1)
    stub = pubsub_pb2_grpc.PubSubServiceStub(channel)
    told = [("x-ironflow-environment-id", environment)]

    def subscribe(pattern: str = "order.>", **options: Any) -> Any:
        wanted = pb.SubscribeOptions(consumer_group="billing", **options)
        return stub.Subscribe(pb.SubscribeRequest(pattern=pattern, options=wanted), metadata=told, timeout=15)

    for number in range(3):
        client.emit("order.placed", number)
    call = subscribe(ack_mode=pb.ACK_MODE_AUTO)
    assert [next(iter(call)).data_value.number_value for _ in range(3)] == [0, 1, 2]
    call.cancel()
    for pattern, options in (("cart.>", {}), ("order.>", {"start_after_sequence": 0}), ("order.>", {"replay": 1})):
        with pytest.raises(grpc.RpcError) as refused:
            next(iter(subscribe(pattern, **options)))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
