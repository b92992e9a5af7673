"""/api/v1/platform as published clients ask it: users, roles, the policy set that counts everywhere, and monitoring."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ironflow import Client
from ironflow.errors import Conflict, NotFound
from tests.support.server import ServerProcess

PASSWORD = "nine brown foxes"


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(shared_server.url, environment=environment) as made:
        yield made


@pytest.fixture
def unique() -> str:
    """The server is shared, and these are no environment's."""
    return secrets.token_hex(4)


def test_a_user_from_making_to_deleting(http: httpx.Client, unique: str) -> None:
    body = {"email": f"{unique}@example.com", "name": "Grace", "password": PASSWORD}

    made = http.post("/api/v1/platform/users", json={**body, "role_ids": ["platform_operator"]})
    assert made.status_code == 201
    user = made.json()
    assert {"id", "email", "name", "is_active", "created_at", "updated_at"} <= set(user)
    assert (user["is_active"], user["role_ids"]) == (True, ["platform_operator"])
    assert http.post("/api/v1/platform/users", json=body).status_code == 409
    assert http.post("/api/v1/platform/bootstrap", json={**body, "email": "x@example.com"}).status_code == 409

    path = f"/api/v1/platform/users/{user['id']}"
    assert http.get(path).json() == user
    assert user in http.get("/api/v1/platform/users").json()
    assert http.put(path, json={"is_active": False, "name": "Grace H."}).json()["is_active"] is False
    login = {"email": body["email"], "password": PASSWORD}
    assert http.post("/api/v1/platform/auth/login", json=login).status_code == 401
    assert http.put(path, json={"is_active": True, "password": "ten quiet owls"}).status_code == 200
    assert http.post("/api/v1/platform/auth/login", json=login | {"password": "ten quiet owls"}).is_success
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == 404


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
        ({"role_ids": ["viewer"]}, "role_ids"),
        ({"is_active": True}, "is_active"),
    ],
)
def test_what_is_no_user_is_refused_by_its_field(
    http: httpx.Client, unique: str, options: dict[str, Any], field: str
) -> None:
    body = {"email": f"{unique}@example.com", "name": "Grace", "password": PASSWORD}

    refused = http.post("/api/v1/platform/users", json=body | options)

    assert refused.status_code == 400
    assert field in refused.text
    assert body["email"] not in [one["email"] for one in http.get("/api/v1/users").json()]


def test_a_role_is_made_for_policies_and_changed(http: httpx.Client, unique: str) -> None:
    http.post("/api/v1/policies", json={"name": unique, "actions": ["secrets:read"], "roles": ["other"]})
    body = {"name": unique, "policy_ids": [unique]}

    made = http.post("/api/v1/platform/roles", json=body)

    assert made.status_code == 201
    role = made.json()
    assert {"id", "name", "org_id", "is_default", "created_at"} <= set(role)
    assert http.get(f"/api/v1/policies/{unique}").json()["roles"] == ["other", role["id"]]
    missing = http.post("/api/v1/platform/roles", json={"name": "another", "policy_ids": ["nothing"]})
    assert (missing.status_code, missing.json()["code"]) == (404, "POLICY_NOT_FOUND")
    path = f"/api/v1/platform/roles/{role['id']}"
    assert http.put(path, json={"permissions": ["platform:users:read"]}).json()["permissions"] == [
        "platform:users:read"
    ]
    assert http.put(path, json={"name": f"{unique}-2"}).json()["permissions"] == ["platform:users:read"]
    assert role["id"] in [one["id"] for one in http.get("/api/v1/platform/roles").json()]
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == 404
    assert http.get("/api/v1/platform/roles/viewer").status_code == 404


def test_the_set_of_the_platform_is_one_versioned_document(http: httpx.Client, client: Client) -> None:
    path, body = "/api/v1/platform/policy-set", {"modules": {"never": "request.action == 'kv:fly'"}, "mode": "monitor"}
    version = http.get(path).json()["version"]

    assert http.put(path, json=body).status_code == 428
    assert http.put(path, json=body, headers={"If-Match": str(version + 7)}).status_code == 412
    saved = client.platform.set_policy_set(body["modules"], version=version, mode="monitor", decision="never")
    assert (saved["mode"], saved["decision"], saved["enforcement_active"]) == ("monitor", "never", False)
    assert http.get("/api/v1/policy-set").json()["version"] == 0  # the organization's is its own
    tried = {"input": {"subject": {"roles": []}, "action": "kv:fly", "resource": "kv/a/b"}, "explain": True}
    told = http.post(f"{path}/dry-run", json=tried).json()
    assert (told["decision"], told["reasons"]) == ("deny", ["never"])
    assert http.post(f"{path}/validate", json={"modules": {"a": "1 +"}}).status_code == 400
    locked = http.put(path, json={"modules": {"all": "true"}}, headers={"If-Match": str(saved["version"])})
    assert (locked.status_code, locked.json()["code"]) == (409, "POLICY_LOCKOUT")
    [newest, *_] = client.platform.policy_set_versions()
    assert newest["version"] == saved["version"]
    again = client.platform.set_policy_set({"other": "false"}, version=saved["version"], mode="monitor")
    back = client.platform.roll_back_policy_set(saved["version"], version=again["version"])
    assert back["modules"] == body["modules"]


def test_an_organizations_policies_are_put_into_monitor(http: httpx.Client, client: Client, unique: str) -> None:
    org = http.post("/api/v1/platform/orgs", json={"name": unique}).json()["id"]
    inside = {"X-Ironflow-Org": org, "X-Ironflow-Environment-ID": "default"}
    policy = {"name": "no-secrets", "actions": ["secrets:*"]}
    assert http.post("/api/v1/policies", json=policy, headers=inside).status_code == 201
    modules = {"no-secrets": 'request.action == "secrets:read"'}
    http.put("/api/v1/policy-set", json={"modules": modules}, headers={**inside, "If-Match": "0"})

    watched = client.platform.monitor(org, "no-secrets", reason="ticket 4711")
    the_set = client.platform.monitor(org, reason="ticket 4712")

    assert (watched["mode"], watched["version"]) == ("monitor", 2)
    assert (the_set["mode"], the_set["modules"], the_set["enforcement_active"]) == ("monitor", modules, False)
    [newest, _] = http.get("/api/v1/policies/no-secrets/versions", headers=inside).json()["versions"]
    assert newest["reason"] == "ticket 4711"
    path = f"/api/v1/platform/orgs/{org}/policy-set/monitor"
    assert http.post(path, json={"reason": ""}).status_code == 400
    for where in ("org_nope", "org_default"):
        with pytest.raises(NotFound):
            client.platform.monitor(where, "no-secrets-here", reason="x")
    both = {"name": "no-secrets", "actions": ["kv:fly"], "org_id": org}
    assert http.post("/api/v1/policies", json=both, headers=inside).status_code == 201
    with pytest.raises(Conflict, match="2 policies"):
        client.platform.monitor(org, "no-secrets", reason="which?")
