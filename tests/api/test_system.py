"""What a server tells of itself, on both stores, and the bundle of it, in which no secret is."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import httpx
import pytest

from tests.support.server import ServerProcess

SYSTEM = "/api/v1/system"


@pytest.fixture
def root(guarded: ServerProcess) -> httpx.Client:
    return httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {guarded.key}"}, timeout=30)


def test_a_node_tells_how_it_and_its_store_are(root: httpx.Client) -> None:
    root.get("/api/v1/runs/run_nowhere")

    told = root.get(SYSTEM).json()

    assert told["uptime_seconds"] > 0
    assert told["store"]["database_bytes"] > 0
    assert told["store"]["position"] > 0
    assert told["requests"]["total"] >= sum(one["count"] for one in told["requests"]["routes"]) > 0
    counts = [one["count"] for one in told["refusals"]]
    assert counts == sorted(counts, reverse=True)
    assert told["switches"]["dev"] is False


def test_a_bundle_says_all_that_helps_and_no_secret(guarded: ServerProcess, root: httpx.Client) -> None:
    answer = root.get(f"{SYSTEM}/diagnostics")
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        files = {Path(one.name).name: archive.extractfile(one) for one in archive.getmembers()}
        content = {name: file.read().decode() for name, file in files.items() if file is not None}

    assert answer.headers["Content-Disposition"].endswith('.tar.gz"')
    assert json.loads(content["system.json"])["version"] == root.get(SYSTEM).json()["version"]
    assert json.loads(content["settings.json"])["port"] == int(guarded.url.rpartition(":")[2])
    assert "ironflow_commits_total" in content["metrics.txt"]
    assert json.loads(content["migrations.json"])[0] == {"number": 1, "name": "history"}
    assert guarded.key not in "".join(content.values())


def test_a_bundle_takes_more_than_a_look(guarded: ServerProcess, root: httpx.Client) -> None:
    made = root.post("/api/v1/apikeys", json={"name": "v", "role_ids": ["admin"]}).json()
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {made['key']}"}) as admin:
        assert admin.get(SYSTEM).status_code == 200
        assert admin.get(f"{SYSTEM}/diagnostics").status_code == 403


def test_figures_of_all_organizations_are_not_for_who_sees_one(guarded: ServerProcess, root: httpx.Client) -> None:
    tenant = root.post("/api/v1/tenants/provision", json={"org_name": "looks", "env_name": "production"}).json()
    theirs = {"Authorization": f"Bearer {tenant['api_key']['key']}"}

    told = root.get(SYSTEM, headers=theirs).json()

    assert told["uptime_seconds"] > 0
    assert "platform:tenants:read" in told["withheld"]
    assert not {"store", "requests", "refusals"} & set(told)
    assert "withheld" not in root.get(SYSTEM).json()
