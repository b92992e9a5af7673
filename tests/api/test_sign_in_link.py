"""The link that a first start prints: for whoever looks at the terminal, once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import reaper
from tests.support.canary import holding
from tests.support.forked_server import ForkedServer
from tests.support.ports import free_port
from tests.support.server import ServerProcess

LINK = re.compile(r"(http://\S+)/login#token=(iflink_[0-9a-f]{64})")
END_TIMEOUT_S = 30.0
LINES_MAX = 40
"""Of what is printed at a start."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where all is that the server writes, its log too."""
    return tmp_path


@pytest.fixture
def on_a_terminal(folder: Path) -> Iterator[ForkedServer]:
    arguments = ["serve", "--port", str(free_port()), "--grpc-port", "0", "--data-dir", str(folder / "data")]
    with (folder / "server.log").open("wb") as log:
        server = ForkedServer("app.__main__", arguments, env=os.environ, stderr=log, terminal=True)
    reaper.adopt(server.pid)
    yield server
    server.kill()
    server.wait(END_TIMEOUT_S)
    reaper.release(server.pid)
    server.stdout.close()


def test_the_link_is_on_the_terminal_and_nowhere_else_and_counts_once(
    on_a_terminal: ForkedServer, folder: Path
) -> None:
    shown = (LINK.search(on_a_terminal.stdout.readline()) for _ in range(LINES_MAX))
    found = next(one for one in shown if one is not None)
    url, token = found.groups()

    with httpx.Client(base_url=url, timeout=30) as client:
        first = client.post("/api/v1/auth/exchange", json={"token": token})
        again = client.post("/api/v1/auth/exchange", json={"token": token})

    assert (first.status_code, first.json()["user"]["email"]) == (200, "admin@ironflow.local")
    assert (again.status_code, again.json()["code"]) == (401, "UNAUTHENTICATED")
    assert holding(folder, token) == []
    assert holding(folder, "iflink_") == []
    assert [path.name for path in holding(folder, str(first.json()["token"]))] == []


def test_what_goes_into_a_file_or_a_pipe_has_no_link(guarded: ServerProcess) -> None:
    assert "ready http" in guarded.log_file.read_text("utf-8")

    assert "iflink_" not in guarded.log_file.read_text("utf-8")
    assert holding(guarded.data_dir, "iflink_") == []
