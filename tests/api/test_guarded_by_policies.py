"""Policies where they are asked: at the door of every face, on what goes on, and in the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc
from tests.support.server import ServerProcess
from tests.support.websocket import HandshakeRefused, WebSocket


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    server = ServerProcess(data_dir=tmp_path_factory.mktemp("policies") / "data", database_url=url, guarded=True)
    server.start()
    yield server
    server.close()


@pytest.fixture
def root(guarded: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {guarded.key}", "X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=guarded.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def developer(guarded: ServerProcess, root: httpx.Client, environment: str) -> Iterator[httpx.Client]:
    body = {"name": "dev", "role_ids": ["developer"], "env_id": environment}
    key = root.post("/api/v1/apikeys", json=body).json()
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key['key']}"}, timeout=30) as client:
        yield client


def deny(root: httpx.Client, name: str, actions: list[str], resources: list[str], **more: Any) -> None:
    body = {"name": name, "actions": actions, "resources": resources, "roles": ["developer"], **more}
    answer = root.post("/api/v1/policies", json=body)
    assert answer.is_success, answer.text


def test_a_policy_takes_away_what_a_role_allows_on_every_face(
    guarded: ServerProcess, root: httpx.Client, developer: httpx.Client
) -> None:
    deny(root, "no-payments", ["events:emit"], ["event/payment.*"])
    allowed, denied = {"name": "order.placed"}, {"name": "payment.made"}

    assert developer.post("/api/v1/events", json=allowed).status_code == 201
    answer = developer.post("/api/v1/events", json=denied)
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
    assert "no-payments" in answer.json()["error"]
    several = {"events": [allowed, denied]}
    assert developer.post("/api/v1/events", json=several).status_code == 403
    assert developer.post("/api/v1/events", json=denied, headers={"Accept-Encoding": "gzip"}).status_code == 403
    for method in ("Trigger", "TriggerSync"):
        call = developer.post(f"/ironflow.v1.IronflowService/{method}", json={"event": "payment.made"})
        assert (call.status_code, call.json()["code"]) == (403, "permission_denied"), method
    batch = {"events": [{"event": "order.placed"}, {"event": "payment.made"}]}
    assert developer.post("/ironflow.v1.IronflowService/TriggerBatch", json=batch).status_code == 403
    proto = ironflow_pb2.TriggerRequest(event="payment.made").SerializeToString()
    binary = {"Content-Type": "application/proto"}
    assert developer.post("/ironflow.v1.IronflowService/Trigger", content=proto, headers=binary).status_code == 403
    packed = ironflow_pb2.TriggerBatchRequest(events=[ironflow_pb2.TriggerRequest(event="payment.made")])
    told = developer.post(
        "/ironflow.v1.IronflowService/TriggerBatch", content=packed.SerializeToString(), headers=binary
    )
    assert told.status_code == 403
    metadata = [("authorization", developer.headers["Authorization"])]
    with grpc.insecure_channel(guarded.grpc_address) as channel:
        stub: Any = ironflow_pb2_grpc.IronflowServiceStub(channel)
        for request in (ironflow_pb2.TriggerRequest(event="payment.made"), packed):
            method = stub.Trigger if request is not packed else stub.TriggerBatch
            with pytest.raises(grpc.RpcError) as refused:
                method(request, metadata=metadata, timeout=30)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]
    assert [event["name"] for event in root.get("/api/v1/events").json()["events"]] == ["order.placed"]
    denials = root.get("/api/v1/audit", params={"event_type": "authz.denied"}).json()["events"]
    assert denials


def test_a_policy_counts_for_values_sockets_and_what_goes_on(
    guarded: ServerProcess, root: httpx.Client, developer: httpx.Client
) -> None:
    root.post("/api/v1/kv/buckets", json={"name": "carts"})
    token = developer.headers["Authorization"].removeprefix("Bearer ")
    with developer.stream("GET", "/api/v1/kv/buckets/carts/watch") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")

        deny(root, "no-carts", ["kv:*"], ["kv/carts*", "kv/carts/*"])

        told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["code"] == "PERMISSION_DENIED"
    assert developer.put("/api/v1/kv/buckets/carts/keys/c1", content=b"1").status_code == 403
    assert developer.get("/api/v1/kv/buckets/carts/keys/c1").status_code == 403
    assert developer.get("/api/v1/kv/buckets/other/keys/c1").status_code == 404
    with pytest.raises(HandshakeRefused) as refused:
        WebSocket(guarded.url, f"/api/v1/kv/buckets/carts/watch?token={token}")
    assert refused.value.status == 403
    assert root.put("/api/v1/kv/buckets/carts/keys/c1", content=b"1").is_success  # an administrator's role
    assert developer.post("/api/v1/kv/buckets", json={"name": "carts-2"}).status_code == 403


def test_a_policy_counts_for_what_only_a_body_or_a_query_names(root: httpx.Client, developer: httpx.Client) -> None:
    deny(root, "no-payments", ["events:subscribe", "groups:manage"], ["event/payment.*", "group/pay*"])

    for pattern, status in (("payment.made", 403), ("order.placed", 200)):
        with developer.stream("GET", "/api/v1/subscribe", params={"pattern": pattern}) as answer:
            assert answer.status_code == status, pattern
    with developer.stream("GET", "/api/v1/subscribe", params={"pattern": "refund.made"}) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        deny(root, "no-refunds", ["events:subscribe"], ["event/refund.*"])
        told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["code"] == "PERMISSION_DENIED"
    assert developer.post("/api/v1/groups", json={"name": "payers", "pattern": ">"}).status_code == 403
    assert developer.post("/api/v1/groups", json={"name": "billing", "pattern": ">"}).status_code == 201


def test_what_roles_refuse_and_what_administrators_do_is_in_the_audit(
    root: httpx.Client, developer: httpx.Client
) -> None:
    assert developer.post("/api/v1/secrets", json={"name": "s", "value": "v"}).status_code == 403
    assert root.post("/api/v1/secrets", json={"name": "s", "value": "v"}).status_code == 201

    events = root.get("/api/v1/audit").json()["events"]

    told = [(one["event_type"], one.get("action")) for one in events]
    assert ("authz.denied", "secrets:manage") in told
    assert ("authz.allowed", "secrets:manage") in told
