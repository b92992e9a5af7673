"""What callers are called, and who is told so."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import ServerProcess


@pytest.fixture
def root(guarded: ServerProcess) -> Iterator[httpx.Client]:
    with client_of(guarded, guarded.key) as client:
        yield client


def client_of(guarded: ServerProcess, key: str, **headers: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}", **headers}
    return httpx.Client(base_url=guarded.url, headers=headers, timeout=30)


def key_of(client: httpx.Client, name: str, *roles: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/api/v1/apikeys", json={"name": name, "role_ids": roles, **more}).json()
    return made


def user_of(client: httpx.Client) -> dict[str, Any]:
    body = {"email": f"ada-{secrets.token_hex(4)}@example.com", "name": "Ada", "password": "correct horse battery"}
    made: dict[str, Any] = client.post("/api/v1/users", json=body).json()
    return made


def told(client: httpx.Client, *ids: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/actors", params={"ids": ",".join(ids)})
    assert answer.status_code == 200, answer.text
    actors: list[dict[str, Any]] = answer.json()["actors"]
    return actors


def test_keys_and_users_are_named_also_when_they_are_gone(root: httpx.Client) -> None:
    key, user = key_of(root, "nightly", "viewer"), user_of(root)
    named = [
        {"id": user["id"], "kind": "user", "name": "Ada", "prefix": "", "email": user["email"], "deleted": False},
        {
            "id": key["id"],
            "kind": "key",
            "name": "nightly",
            "prefix": key["key_prefix"],
            "email": "",
            "deleted": False,
        },
    ]

    assert told(root, user["id"], "nats", key["id"], user["id"], "usr_" + "0" * 26, "usr_x") == named
    root.patch(f"/api/v1/users/{user['id']}", json={"name": "Ada L."}).raise_for_status()
    root.delete(f"/api/v1/users/{user['id']}").raise_for_status()
    root.delete(f"/api/v1/apikeys/{key['id']}").raise_for_status()

    gone = [{**one, "deleted": True} for one in named]
    gone[0]["name"] = "Ada L."
    assert told(root, user["id"], key["id"]) == gone, "as history called them last"


def test_nobody_is_told_a_name_that_is_not_theirs_to_know(guarded: ServerProcess, root: httpx.Client) -> None:
    user, key = user_of(root), key_of(root, "nightly", "viewer")
    tenant = root.post("/api/v1/platform/tenants", json={"name": f"Acme {secrets.token_hex(4)}"}).json()
    bare = root.post("/api/v1/roles", json={"name": f"bare-{secrets.token_hex(4)}", "permissions": ["audit:read"]})
    auditor, bound = key_of(root, "auditor", bare.json()["id"]), key_of(root, "bound", "admin", env_id="prod")

    with client_of(guarded, tenant["api_key"]) as theirs:
        [first] = theirs.get("/api/v1/apikeys").json()
        assert told(theirs, user["id"], key["id"], first["created_by"]) == [], "they are the operator's"
        own = key_of(theirs, "theirs", "viewer")
    assert told(root, own["id"]) == [], "nor is the operator told a tenant's"

    with client_of(guarded, auditor["key"]) as client:
        assert [one["name"] for one in told(client, user["id"], key["id"], auditor["id"])] == ["auditor"]
    with client_of(guarded, bound["key"], **{"X-Ironflow-Environment-ID": "prod"}) as client:
        assert [one["name"] for one in told(client, user["id"], key["id"], bound["id"])] == ["bound"]

    root.delete(f"/api/v1/users/{user['id']}").raise_for_status()
    root.delete(f"/api/v1/apikeys/{key['id']}").raise_for_status()
    with client_of(guarded, tenant["api_key"]) as theirs:
        assert told(theirs, user["id"], key["id"]) == [], "history is no way around that"
    with client_of(guarded, bound["key"], **{"X-Ironflow-Environment-ID": "prod"}) as client:
        assert told(client, user["id"], key["id"]) == []


def test_a_policy_keeps_names_back_and_too_many_are_refused(guarded: ServerProcess, root: httpx.Client) -> None:
    user, key = user_of(root), key_of(root, "nightly", "viewer")
    there = {"X-Ironflow-Environment-ID": "named"}
    root.post("/api/v1/environments", json={"name": "named"})
    hidden = {"name": "no-users", "actions": "users:read", "resources": "user/*", "roles": ["developer"]}
    made = root.post("/api/v1/policies", json=hidden, headers=there)
    assert made.is_success, made.text
    developer = key_of(root, "dev", "developer")

    with client_of(guarded, developer["key"], **there) as client:
        assert [one["id"] for one in told(client, user["id"], key["id"])] == [key["id"]]
        refused = client.get("/api/v1/actors", params={"ids": ",".join(f"usr_{number}" for number in range(101))})

    assert (refused.status_code, refused.json()["field"]) == (400, "ids")
