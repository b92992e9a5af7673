"""One real server for the file's tests, and the command line against it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import forked
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(data_dir=tmp_path_factory.mktemp("cli") / "data")
    made.start()
    yield made
    made.close()


@pytest.fixture
def http(server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    """Of the server, in an environment of the test's own."""
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def ironflow(server: ServerProcess, tmp_path: Path) -> Ironflow:
    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": "cli", **environment}
        if arguments[:1] == ("serve",):  # starts in its own way, which begins before any import
            command = [sys.executable, "-m", "app", *arguments]
            return subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return forked.run(arguments, env=told, cwd=tmp_path, stdin=stdin)

    return run
