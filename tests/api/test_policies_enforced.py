"""Policies at the doors of a guarded server, on both stores: who is denied what, and what the audit has of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc
from tests.support.server import ServerProcess

POLICIES, AUDIT = "/api/v1/policies", "/api/v1/audit"
RPC = "/ironflow.v1.IronflowService"


@pytest.fixture
def root(guarded: ServerProcess) -> Iterator[httpx.Client]:
    """An administrator; afterwards there are no policies."""
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {guarded.key}"}, timeout=30) as client:
        yield client
        for policy in client.get(POLICIES).json():
            client.delete(f"{POLICIES}/{policy['id']}")


@pytest.fixture
def key(root: httpx.Client) -> dict[str, Any]:
    """A developer's."""
    made: dict[str, Any] = root.post("/api/v1/apikeys", json={"name": "dev", "role_ids": ["developer"]}).json()
    return made


@pytest.fixture
def dev(guarded: ServerProcess, key: dict[str, Any]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key['key']}"}, timeout=30) as client:
        yield client


def deny(root: httpx.Client, actions: str, **options: Any) -> dict[str, Any]:
    answer = root.post(POLICIES, json={"name": "p", "actions": actions, "roles": ["developer"], **options})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def audited(root: httpx.Client, count: int = 1, **query: Any) -> list[dict[str, Any]]:
    """Events of the audit, once there are so many: decisions come moments after their answers."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        events: list[dict[str, Any]] = root.get(AUDIT, params={"limit": 500, **query}).json()["events"]
        if len(events) >= count:
            return events
    raise AssertionError(f"the audit has no {count} of {query}")


def test_what_a_policy_denies_is_denied_at_every_door_from_its_answer_on(
    guarded: ServerProcess, root: httpx.Client, dev: httpx.Client, key: dict[str, Any]
) -> None:
    emit = {"name": "order.placed", "data": {}}
    assert dev.post("/api/v1/events", json=emit).is_success

    policy = deny(root, "events:emit", resources="event/order.*")

    refused = dev.post("/api/v1/events", json=emit)
    assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")
    assert f"policy {policy['id']} v{policy['version']}" in refused.json()["error"]
    connect = dev.post(f"{RPC}/Trigger", json={"event": "order.placed"})
    assert (connect.status_code, connect.json()["code"]) == (403, "permission_denied")
    with grpc.insecure_channel(guarded.grpc_address) as channel:
        stub = ironflow_pb2_grpc.IronflowServiceStub(channel)
        with pytest.raises(grpc.RpcError) as told:
            stub.Trigger(
                ironflow_pb2.TriggerRequest(event="order.placed"), metadata=[("authorization", f"Bearer {key['key']}")]
            )
    assert told.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert dev.post("/api/v1/events", json={"name": "other", "data": {}}).is_success
    assert root.post("/api/v1/events", json=emit).is_success, "it is for developers"

    root.post(f"{POLICIES}/p/disable")
    assert dev.post("/api/v1/events", json=emit).is_success


def test_denials_and_administrative_acts_are_in_the_audit(
    root: httpx.Client, dev: httpx.Client, key: dict[str, Any]
) -> None:
    policy = deny(root, "runs:read", reason="finding 7")
    dev.get("/api/v1/runs")
    dev.get("/api/v1/secrets/x")
    dev.post("/api/v1/policies", json={"name": "mine", "actions": "*"})

    [by_policy] = audited(root, 1, action="runs:read", api_key_id=key["id"])
    [by_role] = audited(root, 1, action="policies:write", api_key_id=key["id"])
    assert (by_policy["event_type"], by_policy["policy"], by_policy["policy_version"]) == (
        "authz.denied",
        policy["id"],
        policy["version"],
    )
    assert (by_policy["method"], by_policy["address"]) == ("GET /api/v1/runs", "127.0.0.1")
    assert (by_role["event_type"], by_role["reason"]) == ("authz.denied", "none of the roles has the permission")
    allowed = {event["method"]: event["actor"] for event in audited(root, 1, event_type="authz.allowed")}
    creator = allowed["POST /api/v1/policies"]
    assert creator
    assert {event["actor"] for event in audited(root, 1, event_type="policy.created")} == {creator}
    assert audited(root, 1, scope="org", event_type="apikey.created")[0]["payload"]["hash"] == "[redacted]"
    assert dev.get(AUDIT).status_code == 403


def test_a_watching_policy_denies_nothing_and_tells(root: httpx.Client, dev: httpx.Client, key: dict[str, Any]) -> None:
    made = deny(root, "runs:read", mode="monitor")

    assert dev.get("/api/v1/runs").is_success

    [event] = audited(root, 1, event_type="authz.would_deny", api_key_id=key["id"])
    assert event["action"] == "runs:read"
    assert root.get(f"{POLICIES}/p").json()["would_deny_count"] == 1
    [told] = root.get(f"{AUDIT}/would-deny", params={"since": made["created_at"]}).json()["policies"]
    assert (told["policy"], told["count"], told["actors"]) == (event["policy"], 1, 1)
    assert root.get(f"{AUDIT}/would-deny", params={"since": "2999-01-01T00:00:00Z"}).json()["policies"] == []
    flips = root.post(f"{POLICIES}/replay", json={"policy": {"name": "p", "actions": "runs:read"}}).json()["flips"]
    assert key["id"] in {flip["actor"] for flip in flips}


def test_a_policy_is_enforced_for_a_share_of_the_callers_first(
    root: httpx.Client, dev: httpx.Client, key: dict[str, Any]
) -> None:
    policy = deny(root, "runs:read", enforce_percent=1)
    asked = {"subject": {"id": key["id"], "roles": ["developer"]}, "action": "runs:read", "resource": "run/*"}

    told = root.post(f"{POLICIES}/dry-run", json={"input": asked, "explain": True}).json()
    [explained] = told["explain"]
    refused = dev.get("/api/v1/runs").status_code == 403

    assert (policy["enforce_percent"], explained["applies"]) == (1, True)
    assert explained["enforced"] == refused == (told["decision"] == "deny")
    assert bool(told["would_deny"]) is not refused, "whoever is spared is told of"
    everybody = {"enforce_percent": 100}
    assert root.patch(f"{POLICIES}/p", json=everybody).json()["enforce_percent"] == 100
    assert dev.get("/api/v1/runs").status_code == 403
    wrong = root.patch(f"{POLICIES}/p", json={"enforce_percent": 0})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "enforce_percent")


def test_a_share_that_spares_its_author_today_is_still_no_way_to_lock_them_out(root: httpx.Client) -> None:
    refused = root.post(POLICIES, json={"name": "p", "actions": "policies:*", "enforce_percent": 1})

    assert (refused.status_code, refused.json()["code"]) == (409, "POLICY_LOCKOUT")


def test_what_is_open_is_cut_when_a_policy_denies_it(root: httpx.Client, dev: httpx.Client) -> None:
    with dev.stream("GET", "/api/v1/subscribe", params={"pattern": ">"}) as stream:
        lines = stream.iter_lines()
        root.post("/api/v1/events", json={"name": "a", "data": {}})
        assert next(line for line in lines if line.startswith("data: "))

        deny(root, "events:subscribe")

        rest = [line for line in lines if line.startswith("data: ")]
    assert not [line for line in rest if '"name":"a"' in line]
    assert dev.get("/api/v1/subscribe", params={"pattern": ">"}).status_code == 403


def test_a_custom_role_goes_by_its_name_in_conditions(guarded: ServerProcess, root: httpx.Client) -> None:
    role = root.post("/api/v1/roles", json={"name": "oncall", "permissions": ["runs:read"]}).json()
    made = root.post("/api/v1/apikeys", json={"name": "o", "role_ids": [role["id"]]}).json()
    deny(root, "runs:read", roles=[], condition='"oncall" in subject.roles')

    answer = httpx.get(f"{guarded.url}/api/v1/runs", headers={"Authorization": f"Bearer {made['key']}"}, timeout=30)

    assert answer.status_code == 403
    assert root.get("/api/v1/runs").is_success


def test_an_administrator_cannot_lock_themselves_out(root: httpx.Client) -> None:
    roles = root.get("/api/v1/auth/me").json()

    answer = root.post(POLICIES, json={"name": "all", "actions": "*"})

    assert (answer.status_code, answer.json()["code"]) == (409, "POLICY_LOCKOUT"), roles


def test_policies_of_an_organization_are_not_another_tenants(guarded: ServerProcess, root: httpx.Client) -> None:
    wide = deny(root, "runs:read", org_id="org_default")
    tenant = root.post("/api/v1/tenants/provision", json={"org_name": "t", "env_name": "production"}).json()
    theirs = {"Authorization": f"Bearer {tenant['api_key']['key']}"}
    with httpx.Client(base_url=guarded.url, headers=theirs, timeout=30) as other:
        assert other.get(POLICIES).json() == []
        for name in (wide["id"], wide["name"]):
            assert other.get(f"{POLICIES}/{name}").status_code == 404
            assert other.delete(f"{POLICIES}/{name}").status_code == 404
        refused = other.post(POLICIES, json={"name": "q", "actions": "runs:read", "org_id": "org_default"})
        assert refused.status_code == 403
        assert other.get(AUDIT, params={"scope": "org"}).status_code in (200, 403)
        assert "org_default" not in other.get(AUDIT, params={"scope": "org"}).text
