"""An HTTP client of the shared server, in an environment of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.server import ServerProcess


@pytest.fixture
def http(shared_server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment, "Content-Type": "application/json"}
    with httpx.Client(base_url=shared_server.url, headers=headers, timeout=30) as client:
        yield client
