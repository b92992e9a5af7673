"""Policies where they are asked: at the door of every face, on what goes on, and in the audit."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc, pubsub_pb2, pubsub_pb2_grpc
from tests.support.server import ServerProcess
from tests.support.websocket import HandshakeRefused, WebSocket


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


def denial_of(root: httpx.Client, resource: str) -> Any:
    """What the audit says of it being denied, once it says so: decisions come moments after their answers."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        denials = root.get("/api/v1/audit", params={"event_type": "authz.denied", "limit": 500}).json()["events"]
        if found := [denial for denial in denials if resource in json.dumps(denial)]:
            return found[0]
    raise AssertionError(f"the audit has no denial of {resource}")


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
    assert denial_of(root, "payment.made")


def test_what_is_named_is_denied_however_it_is_said(root: httpx.Client, developer: httpx.Client) -> None:
    """By the long way and the short one, in a list, in either spelling, by half of a name."""
    resources = ["event/payment.*", "entity/vault/*", "function/pay", "projection/pay"]
    entry = root.post("/api/v1/events", json={"name": "payment.made"}).json()["event_id"]
    root.post("/api/v1/streams/v1/events", json={"entityType": "vault", "name": "opened"})
    deny(root, "no-payments", ["events:*", "entities:*", "functions:*", "projections:*"], resources)
    root.post("/api/v1/events", json={"name": "a.b"})  # what was to be recorded before is
    head = root.get("/api/v1/history/head").json()["position"]
    event, opened = {"name": "payment.made"}, {"name": "opened"}
    vault = {"entityType": "vault", "entityId": "v1", "events": [opened]}
    connect = "/ironflow.v1"

    answers = [
        developer.post("/api/v1/events?long=way", json=event),
        developer.post("/api/v1/events", json=[event]),
        developer.post("/api/v1/events?long=way", json=[event, {"name": ""}]),
        developer.post("/api/v1/events", content=gzip.compress(b'{"name":"payment.made"}'), headers=PACKED),
        developer.get(f"/api/v1/events/{entry}"),
        developer.post("/api/v1/streams/v1/events", json={"entityType": "vault", **opened}),
        developer.post("/api/v1/streams/v1/events", params={"type": "vault"}, json=opened),
        developer.post("/api/v1/streams", json={"appends": [vault]}),
        developer.post("/api/v1/streams?long=way", json={"appends": [vault]}),
        developer.get("/api/v1/streams/v1"),
        developer.get("/api/v1/streams/v1/events"),
        developer.get("/api/v1/streams/v1/history"),
        developer.put("/api/v1/streams/v1/snapshot", json={"version": 1, "state": {}}),
        developer.post(f"{connect}.EntityStreamService/ReadStream", json={"entityId": "v1"}),
        developer.post(f"{connect}.EntityStreamService/GetStreamInfo", json={"entity_id": "v1"}),
        developer.post(f"{connect}.IronflowService/InvokeFunction", json={"function_id": "x", "functionId": "pay"}),
        developer.post(f"{connect}.IronflowService/InvokeFunction", json={"functionId": "x", "function_id": "pay"}),
        developer.post("/api/v1/projections/wait-for-event", json={"eventId": entry, "projection": "pay"}),
        developer.post("/api/v1/projections/catchup/batch", json={"items": [{"name": "pay", "minSeq": 1}]}),
    ]

    assert [(str(one.request.url), one.status_code) for one in answers if one.status_code != 403] == []
    assert {entry["kind"] for entry in entries_after(root, head)} <= {"authz.denied"}


PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def entries_after(root: httpx.Client, position: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root.get("/api/v1/history", params={"after": position}).json()["entries"]
    return found


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


def test_figures_of_a_functions_steps_are_about_the_function_and_its_runs(
    root: httpx.Client, developer: httpx.Client
) -> None:
    deny(root, "no-payroll", ["functions:read"], ["function/payroll"])

    def status(function: str) -> int:
        return developer.get(f"/api/v1/stats/functions/{function}/steps").status_code

    assert (status("payroll"), status("elsewhere")) == (403, 404)

    deny(root, "no-runs", ["runs:read"], ["run/*"])

    assert status("elsewhere") == 403


def test_expressions_over_events_are_asked_about_each_event(root: httpx.Client, developer: httpx.Client) -> None:
    one, other, paid = (
        root.post("/api/v1/events", json={"name": name, "data": {"n": 1}}).json()["event_id"]
        for name in ("order.placed", "order.placed", "payment.made")
    )
    deny(root, "not-this-one", ["events:read"], [f"event/{one}", "event/payment.*"])

    def watch(*ids: str) -> httpx.Response:
        return developer.post("/api/v1/events/watch", json={"expressions": ["event.data.n"], "events": ids})

    denied, told = watch(other, one), watch(other, paid, other)

    assert developer.get(f"/api/v1/events/{one}").status_code == 403
    assert (denied.status_code, denied.json()["code"]) == (403, "PERMISSION_DENIED")
    assert told.status_code == 200
    [values] = [expression["values"] for expression in told.json()["expressions"]]
    assert [(value["value"], value.get("code")) for value in values] == [
        (1, None),
        (None, "PERMISSION_DENIED"),  # by its name, which nobody gave
        (1, None),
    ]
    assert denial_of(root, one)


SECRETS = ["event/order.secret.>", "topic/secret.*", "entity/vault/*", "event/vault.*"]


def emit_both(root: httpx.Client) -> None:
    """Of each sort of what can be followed, something secret before something plain."""
    for name in ("order.secret.x", "order.placed"):
        assert root.post("/api/v1/events", json={"name": name}).status_code == 201
    for topic in ("secret.t", "news"):
        call = root.post("/ironflow.v1.PubSubService/Publish", json={"topic": topic, "data": {}})
        assert call.is_success, call.text
    for type in ("vault", "order"):
        appended = root.post(f"/api/v1/streams/{type}-1/events", json={"entity_type": type, "name": "opened"})
        assert appended.is_success, appended.text


def test_a_wide_pattern_does_not_bring_what_a_policy_denies(
    guarded: ServerProcess, root: httpx.Client, developer: httpx.Client
) -> None:
    wide = {"pattern": [">", "topic:>", "entity:>"], "after": 0}
    token = developer.headers["Authorization"].removeprefix("Bearer ")
    seen = ["events:order.placed", "topic:news", "entity:order.order-1.opened"]
    emit_both(root)
    deny(root, "no-secrets", ["events:subscribe"], SECRETS)

    with developer.stream("GET", "/api/v1/subscribe", params=wide) as answer:
        lines = (line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: "))
        assert [json.loads(next(lines))["topic"] for _ in seen] == seen
        emit_both(root)  # as it happens too
        assert [json.loads(next(lines))["topic"] for _ in seen] == seen
    with WebSocket(guarded.url, f"/ws?token={token}") as socket:
        socket.subscribe(">", startAfterSequence=0)
        assert {socket.expect("event")["topic"] for _ in range(2)} == {"events:order.placed"}
    request = pubsub_pb2.SubscribeRequest(patterns=wide["pattern"])
    request.options.start_after_sequence = 0
    with grpc.insecure_channel(guarded.grpc_address) as channel:
        stub: Any = pubsub_pb2_grpc.PubSubServiceStub(channel)
        stream = stub.Subscribe(request, metadata=[("authorization", f"Bearer {token}")], timeout=30)
        assert [next(stream).topic for _ in seen * 2] == seen * 2
    with root.stream("GET", "/api/v1/subscribe", params=wide) as answer:  # an administrator
        lines = (line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: "))
        assert json.loads(next(lines))["topic"] == "events:order.secret.x"


def test_watching_a_bucket_does_not_bring_the_keys_that_a_policy_denies(
    guarded: ServerProcess, root: httpx.Client, developer: httpx.Client
) -> None:
    root.post("/api/v1/kv/buckets", json={"name": "carts"})
    for key in ("secret-1", "c1"):
        root.put(f"/api/v1/kv/buckets/carts/keys/{key}", content=b"1")
    deny(root, "no-secret-keys", ["kv:read"], ["kv/carts/secret-*"])
    token = developer.headers["Authorization"].removeprefix("Bearer ")

    with developer.stream("GET", "/api/v1/kv/buckets/carts/watch", params={"after": 0}) as answer:
        lines = (line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: "))
        assert json.loads(next(lines))["key"] == "c1"
    with WebSocket(guarded.url, f"/api/v1/kv/buckets/carts/watch?after=0&token={token}") as socket:
        assert socket.receive()["key"] == "c1"


def test_a_member_that_is_given_what_a_policy_denies_is_refused_and_the_event_goes_to_another(
    guarded: ServerProcess, root: httpx.Client, developer: httpx.Client
) -> None:
    root.post("/api/v1/groups", json={"name": "all", "pattern": ">"})
    deny(root, "no-secrets", ["events:*"], ["event/order.secret.>"])
    deny(root, "no-payers", ["groups:consume"], ["group/payers"])
    environment = root.headers["X-Ironflow-Environment-ID"]
    emit_both(root)

    over = threading.Event()
    with grpc.insecure_channel(guarded.grpc_address) as channel:
        stub: Any = pubsub_pb2_grpc.PubSubServiceStub(channel)

        def join(client: httpx.Client, group: str = "all") -> Any:
            metadata = [("authorization", client.headers["Authorization"]), ("x-ironflow-environment-id", environment)]
            asked = pubsub_pb2.SubscribeBidirectionalRequest(
                join=pubsub_pb2.JoinConsumerGroupRequest(group_name=group, window=1)
            )
            return stub.SubscribeBidirectional(
                iter((asked,)) if group != "all" else _kept(asked, over), metadata=metadata, timeout=30
            )

        member = join(developer)
        assert next(member).HasField("joined")
        with pytest.raises(grpc.RpcError) as refused:
            next(member)
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]
        assert "order.secret.x" in refused.value.details()  # type: ignore[attr-defined]
        other = join(root)
        assert next(other).HasField("joined")
        assert next(other).event.topic == "events:order.secret.x"
        other.cancel()
        with pytest.raises(grpc.RpcError) as refused:
            next(join(developer, "payers"))
        over.set()
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]


def _kept(first: Any, until: threading.Event) -> Iterator[Any]:
    """Requests of a member that has no more to say, and stays."""
    yield first
    until.wait(30)


def test_a_run_is_the_same_whatever_it_is_called(root: httpx.Client, developer: httpx.Client) -> None:
    function = {"id": "f", "triggers": [{"event": "order.placed"}]}
    root.post("/ironflow.v1.IronflowService/RegisterFunction", json=function)
    secret, plain = (root.post("/api/v1/events", json={"name": "order.placed"}).json()["run_ids"][0] for _ in "ab")
    short = next(secret[:chars] for chars in range(8, 30) if not plain.startswith(secret[:chars]))
    assert developer.get(f"/api/v1/runs/{short}").json()["id"] == secret
    deny(root, "no-run", ["runs:*", "functions:read"], [f"run/{secret}"])

    for id in (secret, short):
        for path in ("", "/steps", "/timeline", "/export", f"/compare/{plain}"):
            assert developer.get(f"/api/v1/runs/{id}{path}").status_code == 403, path
        assert developer.get(f"/api/v1/runs/{plain}/compare/{id}").status_code == 403
        for verb in ("pause", "cancel", "resume"):
            assert developer.post(f"/api/v1/runs/{id}/{verb}", json={}).status_code == 403, verb
        assert developer.post("/api/v1/runs/resume", json={"run_id": id}).status_code == 403
    told = developer.post("/api/v1/runs/bulk/pause", json={"function_id": "f", "dry_run": False}).json()
    assert ([one["run_id"] for one in told["refused"]], told["changed"]) == ([secret], 1)
    wanted = {"verb": "tag", "function_id": "f", "add": ["x"], "reason": "looked at"}
    job = f"/api/v1/bulk/{developer.post('/api/v1/bulk', json=wanted).json()['id']}"
    assert developer.get(job, params={"wait": 30}).json()["changed"] == 1
    [refused] = developer.get(f"{job}/results", params={"outcome": "refused"}).json()["results"]
    assert (refused["run_id"], refused["code"]) == (secret, "PERMISSION_DENIED")
    assert developer.get(f"/api/v1/runs/{plain}").status_code == 200
    assert developer.get("/api/v1/runs/run_0000000000").json()["code"] == "RUN_NOT_FOUND"
    assert root.get(f"/api/v1/runs/{short}").json()["id"] == secret


def test_the_run_whose_patch_is_applied_has_to_be_readable(root: httpx.Client, developer: httpx.Client) -> None:
    deny(root, "no-run", ["runs:read"], ["run/run_secret"])

    def answer(run_id: str) -> tuple[int, str]:
        told = developer.post("/api/v1/failures/x/apply", json={"from_run": run_id, "dry_run": True})
        return told.status_code, told.json()["code"]

    assert answer("run_secret") == (403, "PERMISSION_DENIED")
    assert answer("run_plain")[0] == 404


def test_groups_of_failures_that_a_body_names_are_asked_about(root: httpx.Client, developer: httpx.Client) -> None:
    mine, other, denied = (digit * 16 for digit in "123")
    deny(root, "no-group", ["failures:manage"], [f"failure/{denied}"])

    def asked(verb: str, **body: Any) -> int:
        return developer.post(f"/api/v1/failures/{mine}/{verb}", json={"reason": "x", **body}).status_code

    assert (asked("merge", into=other), asked("split", fingerprints=[other])) == (404, 404)
    assert (asked("merge", into=denied), asked("split", fingerprints=[other, denied])) == (403, 403)


def test_what_roles_refuse_and_what_administrators_do_is_in_the_audit(
    root: httpx.Client, developer: httpx.Client
) -> None:
    assert developer.post("/api/v1/secrets", json={"name": "s", "value": "v"}).status_code == 403
    assert root.post("/api/v1/secrets", json={"name": "s", "value": "v"}).status_code == 201
    root.post("/api/v1/events", json={"name": "a.b"})  # what was to be recorded before is

    events = root.get("/api/v1/audit").json()["events"]

    told = [(one["event_type"], one.get("action")) for one in events]
    assert ("authz.denied", "secrets:manage") in told
    assert ("authz.allowed", "secrets:manage") in told


def test_somebody_elses_password_is_asked_about_as_managing_users(
    guarded: ServerProcess, root: httpx.Client, environment: str
) -> None:
    """Its route is everybody's, for their own."""
    name = f"helpdesk-{environment}"
    role = root.post("/api/v1/roles", json={"name": name, "permissions": ["users:manage", "users:read"]}).json()["id"]
    key = root.post("/api/v1/apikeys", json={"name": name, "role_ids": [role]}).json()["key"]
    user = root.post("/api/v1/users", json={"email": f"{name}@example.com", "roles": [role]}).json()["id"]
    headers = {"Authorization": f"Bearer {key}", "X-Ironflow-Environment-ID": environment}
    path, body = f"/api/v1/users/{user}/password", {"new_password": "ten quiet owls"}

    with httpx.Client(base_url=guarded.url, headers=headers, timeout=30) as helpdesk:
        assert helpdesk.patch(path, json=body).status_code == 204
        deny(root, "no-users", ["users:manage"], [f"user/{user}"], roles=[name])
        refused = helpdesk.patch(path, json=body)

    assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")
    root.post("/api/v1/events", json={"name": "a.b"})  # what was to be recorded before is
    told = root.get("/api/v1/audit").json()["events"]
    assert {one["event_type"] for one in told if one.get("action") == "users:manage"} >= {
        "authz.allowed",
        "authz.denied",
    }
