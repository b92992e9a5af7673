"""Production is not held by accident: breakpoints take a permission of their own there. On both stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.debugger.leases import Wanted
from app.debugger.live import Live
from ironflow import Client
from tests.support.puller import RPC
from tests.support.server import ServerProcess

BODY = {"function_id": "ship-order", "step": "charge*"}


@pytest.fixture
def root(guarded: ServerProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {guarded.key}"}
    with httpx.Client(base_url=guarded.url, headers=headers, timeout=30) as client:
        yield client


def key_of(admin: httpx.Client, *roles: str, **more: Any) -> str:
    made = admin.post("/api/v1/apikeys", json={"name": "k", "role_ids": roles, **more}).json()
    return str(made["key"])


def named(environment: str, key: str) -> dict[str, str]:
    return {"X-Ironflow-Environment": environment, "Authorization": f"Bearer {key}"}


def test_a_breakpoint_in_production_takes_a_permission_of_its_own(root: httpx.Client) -> None:
    developer = key_of(root, "developer")
    role = {"name": "on-call", "permissions": ["runs:read", "runs:breakpoints", "runs:breakpoints:production"]}
    on_call = key_of(root, root.post("/api/v1/roles", json=role).json()["id"])

    refused = root.post("/api/v1/breakpoints", json=BODY, headers=named("prod-eu", developer))

    assert (refused.status_code, refused.json()["code"]) == (403, "PRODUCTION_REFUSED")
    assert "'prod-eu', a production environment" in refused.json()["error"]
    assert "runs:breakpoints:production" in refused.json()["error"]
    listed = root.get("/api/v1/breakpoints", headers=named("prod-eu", developer))
    assert listed.json() == {"breakpoints": []}
    assert root.post("/api/v1/breakpoints", json=BODY, headers=named("staging", developer)).status_code == 201
    made = root.post("/api/v1/breakpoints", json=BODY, headers=named("prod-eu", on_call))
    assert made.status_code == 201
    path = f"/api/v1/breakpoints/{made.json()['id']}"
    assert root.put(path, json={}, headers=named("prod-eu", developer)).json()["code"] == "PRODUCTION_REFUSED"
    assert root.put(path, json={}, headers=named("prod-eu", on_call)).status_code == 200
    assert root.delete(path, headers=named("prod-eu", developer)).status_code == 204  # whoever may, lets go
    assert root.post("/api/v1/breakpoints", json=BODY, headers={"X-Ironflow-Environment": "live"}).status_code == 201


def test_environments_of_other_organizations_are_known_by_their_names(
    root: httpx.Client, guarded: ServerProcess
) -> None:
    tenant = root.post("/api/v1/tenants/provision", json={"org_name": "held", "env_name": "production"}).json()
    with httpx.Client(
        base_url=guarded.url, headers={"Authorization": f"Bearer {tenant['api_key']['key']}"}, timeout=30
    ) as admin:
        bound = {"Authorization": f"Bearer {key_of(admin, 'developer')}"}

        assert admin.post("/api/v1/breakpoints", json=BODY).status_code == 201
        assert admin.post("/api/v1/breakpoints", json=BODY, headers=bound).json()["code"] == "PRODUCTION_REFUSED"


def test_a_debugger_shows_the_refusal_as_it_is(root: httpx.Client, guarded: ServerProcess) -> None:
    place = named("prod-eu", guarded.key)
    function = {"id": "held", "triggers": [{"event": "held.*"}], "preferredMode": "EXECUTION_MODE_PULL"}
    assert root.post(f"{RPC}/RegisterFunction", json=function, headers=place).status_code == 200
    run_id = root.post("/api/v1/events", json={"name": "held.now"}, headers=place).json()["run_ids"][0]
    with Client(guarded.url, api_key=key_of(root, "developer"), environment="prod-eu") as client:
        live = Live(client, heard=None)  # type: ignore[arg-type]
        live.follow(run_id, "held")

        refused = live.arm([Wanted("before", "charge")])

        live.end()
        live.join()
    assert "runs:breakpoints:production" in refused[Wanted("before", "charge")]
