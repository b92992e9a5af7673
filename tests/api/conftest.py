"""An HTTP client of the shared server, and a worker that polls it, in an environment of the test's own; and a server
that asks who calls."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.puller import Puller
from tests.support.server import PROXY, ServerProcess


@pytest.fixture
def http(shared_server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment, "Content-Type": "application/json"}
    with httpx.Client(base_url=shared_server.url, headers=headers, timeout=30, verify=False) as client:
        yield client


@pytest.fixture
def worker(http: httpx.Client) -> Puller:
    """One that has registered the function `greet`, which is triggered by `user.*`."""
    made = Puller(http)
    assert made.register_function().json()["created"] is True
    assert made.register().json() == {"status": "registered"}
    return made


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all tests that do not ask for another: what a test leaves there, keys or users, is in nobody's way, and
    its policies are in an environment of its own, or gone when it ends."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    server = ServerProcess(
        data_dir=tmp_path_factory.mktemp("guarded") / "data",
        database_url=url,
        guarded=True,
        arguments=["--rate-limit-org", "100000", "--trusted-proxies", PROXY],
    )
    server.start()
    yield server
    server.close()
