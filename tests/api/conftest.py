"""One real server for the file's tests on each store, and an HTTP client; each test has an environment of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.postgres import Cluster
from tests.support.server import ServerProcess


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("api")
    url = None
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    server = ServerProcess(data_dir=folder / "data", database_url=url)
    server.start()
    yield server
    server.close()


@pytest.fixture
def environment() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def http(shared_server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=shared_server.url, headers=headers, timeout=30) as client:
        yield client
