"""Clients of the shared server, gRPC and HTTP, in an environment of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import httpx
import pytest

from tests.support.rpc import Service
from tests.support.server import ServerProcess


@pytest.fixture
def channel(shared_server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(shared_server.grpc_address) as opened:
        yield opened


@pytest.fixture
def call(channel: grpc.Channel, environment: str) -> Service:
    return Service(channel, environment)


@pytest.fixture
def http(shared_server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=shared_server.url, headers=headers, timeout=30, verify=False) as client:
        yield client
