"""An HTTP client of the shared server, and a worker that polls it, in an environment of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.puller import Puller
from tests.support.server import ServerProcess


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
