"""The command line against a real server, in an environment of the file's own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import forked
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shell_environment() -> str:
    """Where the commands of the file's tests are at home."""
    return f"cli-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def http(server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    """Of the server, in an environment of the test's own."""
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30, verify=False) as client:
        yield client


@pytest.fixture
def ironflow(server: ServerProcess, shell_environment: str, tmp_path: Path) -> Ironflow:
    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": shell_environment, **environment}
        if arguments[:1] == ("serve",):  # starts in its own way, which begins before any import
            command = [sys.executable, "-m", "app", *arguments]
            return subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return forked.run(arguments, env=told, cwd=tmp_path, stdin=stdin)

    return run
